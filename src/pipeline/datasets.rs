//! Inputs that a provider is asked for, and the ids that it is asked about.

use super::Request;
use super::provider::provider;
use super::pull::{self, PulledInput, Sides};
use crate::exit::{ExitCode, Failure};
use crate::frames::{Side, Warning, WarningKind};
use crate::job::{Ids, IdsFrom, Input};
use crate::providers::Ask;
use crate::sources::RawFile;
use crate::sources::dataset::{self, Named};
use crate::sources::ids::{self, FoundIds};
use crate::sources::store::RawStore;

/// Asks a provider for a dataset.
pub(super) async fn pull(
    request: &Request,
    input: &Input,
    (name, wanted, by): (&str, &str, Option<&Ids>),
    store: &RawStore,
    sides: &Sides<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<RawFile>, Failure> {
    let provider = provider(request, pull::place(request, input.side), name)?.any();
    let ids = match by {
        Some(by) => found(request, by, store, sides).await?,
        None => FoundIds::default(),
    };
    if ids.without > 0 {
        let column = by.map_or("", |by| by.column.as_str());
        let message = match ids.without {
            1 => format!("1 row states no `{column}`: {name} is not asked about it"),
            rows => format!("{rows} rows state no `{column}`: {name} is not asked about them"),
        };
        warnings.push(Warning { side: Some(input.side), kind: WarningKind::Metadata, file: None, message });
    }
    // Without an id there is nothing to ask.
    if by.is_some() && ids.ids.is_empty() && !input.allow_empty {
        return Ok(Vec::new());
    }
    let ask = Ask { dataset: wanted, period: &request.period, ids: &ids.ids };
    let named = Named { provider: name, asked_at: request.run_time };
    let pulled = dataset::pull(provider, named, &ask, input, store).await?;
    Ok(pulled.into_iter().collect())
}

async fn found(request: &Request, by: &Ids, store: &RawStore, sides: &Sides<'_>) -> Result<FoundIds, Failure> {
    let files = match &by.from {
        IdsFrom::Path(pattern) => {
            let files = pull::local(request, pattern, &request.period, store).await?;
            if files.is_empty() {
                let wanted = pattern.replace("{period}", &request.period.label);
                let message =
                    format!("no file of ids for {} yet: {wanted}; try again when it is there", request.period);
                return Err(Failure::new(ExitCode::TryAgainLater, anyhow::anyhow!(message)));
            }
            files
        }
        IdsFrom::Input(side) => files_of(sides.pulled, *side),
    };
    let by = by.clone();
    let read = super::aside(move || ids::read(&files, &by)).await?;
    read.map_err(|error| Failure::new(error.exit_code(), error))
}

fn files_of(pulled: &[PulledInput], side: Side) -> Vec<RawFile> {
    pulled.iter().find(|input| input.side == side).map(|input| input.files.clone()).unwrap_or_default()
}
