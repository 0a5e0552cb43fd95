//! `tieout listen`: the receiver of notifications, until it is stopped.

use std::path::PathBuf;

use super::{Context, stopped};
use crate::cli::ListenArgs;
use crate::exit::{ExitCode, Failure};
use crate::project::Project;
use crate::providers::kard::KardConfig;
use crate::receiver::{Options, Publish, Receiver, ReceiverError};

impl From<ReceiverError> for Failure {
    fn from(error: ReceiverError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

/// Receives notifications, and says at once where.
///
/// # Errors
/// When the project has no key for signatures, the folder is another receiver's or cannot be written, or the address
/// is taken.
pub async fn run(mut context: Context, args: ListenArgs) -> Result<ExitCode, Failure> {
    // From here on a signal ends the work in good order, also one that comes while the ids are read.
    let stop = stopped()?;
    let receiver = start(&mut context, args).await?;
    receiver
        .serve(async move {
            let name = stop.await;
            tracing::info!("stopping on {name}");
        })
        .await?;
    tracing::info!("stopped; everything that was answered is on the disk");
    Ok(ExitCode::Done)
}

/// A receiver as the project file and the command line want it, at its address.
///
/// # Errors
/// As [`run`].
pub(super) async fn start(context: &mut Context, args: ListenArgs) -> Result<Receiver, Failure> {
    let here = std::env::current_dir()?;
    let project = context.load_project()?;
    let receiver = &project.receiver;
    let (name, kard) = provider(project, args.provider.as_deref())?;
    let keys = kard.webhook_keys().map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("webhook_key of provider {name}"));
        Failure::new(ExitCode::Configuration, error)
    })?;
    if keys.is_empty() {
        return Err(no_key(name));
    }
    let folder: PathBuf = args.folder.map_or_else(|| receiver.folder.clone(), |folder| here.join(folder));
    let options = Options {
        bind: args.bind.unwrap_or(receiver.bind),
        path: receiver.path.clone(),
        folder: folder.clone(),
        keys,
        limits: receiver.limits.clone(),
    };
    let path = options.path.clone();
    let publish = receiver.publish.clone().map(|(place, every)| Publish { s3: project.s3.clone(), place, every });
    let mut receiver = Receiver::start(options).await?;
    if let Some(to) = publish {
        tracing::info!("the log is copied to {}", to.place);
        receiver = receiver.publishing(to)?;
    }
    let (address, known) = (receiver.address(), receiver.known());
    tracing::info!("listening on http://{address}{path} for {name}, {known} known; the log is in {}", folder.display());
    Ok(receiver)
}

/// The provider whose key signs: the named one, that of the project file, or the only one.
pub(super) fn provider<'p>(project: &'p Project, named: Option<&str>) -> Result<(&'p str, &'p KardConfig), Failure> {
    let wrong = |message: String| Failure::new(ExitCode::Configuration, anyhow::anyhow!(message));
    let known = || project.providers.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    // Others tell nothing by themselves.
    let mut all = project.providers.iter().filter(|(_, provider)| provider.as_kard().is_some());
    let found = match named.or(project.receiver.provider.as_deref()) {
        Some(name) => {
            let unknown = || wrong(format!("no provider of tieout.yaml is called `{name}`; there is {}", known()));
            project.providers.get_key_value(name).ok_or_else(unknown)?
        }
        None => match (all.next(), all.next()) {
            (Some(only), None) => only,
            (None, _) => {
                return Err(wrong("tieout.yaml has no provider whose notifications could be taken".to_owned()));
            }
            (Some(_), Some(_)) => {
                let message = format!("tieout.yaml has several providers ({}); name one with --provider", known());
                return Err(wrong(message));
            }
        },
    };
    let (name, provider) = found;
    let other = || wrong(format!("provider {name} is of type `{}`, which sends no notifications", provider.kind()));
    Ok((name, provider.as_kard().ok_or_else(other)?))
}

fn no_key(name: &str) -> Failure {
    let message = format!(
        "provider {name} has no webhook_key in tieout.yaml; without it nobody can tell its notifications from others'"
    );
    Failure::new(ExitCode::Configuration, anyhow::anyhow!(message))
}
