//! What a provider answers when it is asked: one raw file of rows.

use chrono::{DateTime, Utc};

use super::store::RawStore;
use super::{Origin, RawFile};
use crate::exit::{ExitCode, Failure};
use crate::job::Input;
use crate::providers::{Ask, Provider, RowWriter};

/// The names that a raw file of a dataset goes by.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// As `tieout.yaml` calls it.
    pub provider: &'a str,
    /// The run's one clock reading, UTC.
    pub asked_at: DateTime<Utc>,
}

/// Asks for a dataset, into the store. None where there are no rows, unless an answer without rows is fine.
///
/// # Errors
/// When the provider does not answer, or not so that the rows can be kept exactly; the disk may refuse, too.
pub async fn pull(
    provider: &dyn Provider,
    named: Named<'_>,
    ask: &Ask<'_>,
    input: &Input,
    store: &RawStore,
) -> Result<Option<RawFile>, Failure> {
    let name = format!("{} {}", named.provider, ask.dataset);
    let unstored = |error: std::io::Error| {
        let error = anyhow::Error::new(error).context(format!("cannot store the answer of {name}"));
        Failure::new(ExitCode::Unexpected, error)
    };
    let mut rows = RowWriter::new(store.begin().map_err(unstored)?);
    let fetched = provider.fetch(ask, &mut rows).await;
    let fetched = fetched.map_err(|failure| failure.context(format!("provider {}", named.provider)))?;
    tracing::info!(rows = rows.rows(), not_found = fetched.not_found, "asked {name}");
    if rows.rows() == 0 && !input.allow_empty {
        return Ok(None);
    }
    let origin = Origin::Dataset {
        provider: named.provider.to_owned(),
        dataset: ask.dataset.to_owned(),
        asked_at: named.asked_at,
        asked: (!ask.ids.is_empty()).then_some(ask.ids.len() as u64),
        not_found: fetched.not_found,
    };
    rows.into_file().finish(name.clone(), origin).map(Some).map_err(unstored)
}
