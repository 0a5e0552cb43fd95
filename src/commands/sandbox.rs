//! `tieout sandbox`: the simulated provider, until it is stopped.

use super::{Context, SAMPLES_HINT, samples_folder, stopped};
use crate::cli::SandboxArgs;
use crate::exit::{ExitCode, Failure};
use crate::output::{Cell, Rows};
use crate::sandbox::{CLIENT_ID, CLIENT_SECRET, FaultPlan, ORGANIZATION, Options, Sandbox, WEBHOOK_KEY};

/// Serves the simulated provider and says at once where, and with which credentials.
///
/// # Errors
/// When there are no samples, the port is taken, or the fault plan is wrong.
pub async fn run(context: Context, args: SandboxArgs) -> Result<ExitCode, Failure> {
    let mut options = Options::new(samples_folder(&context.project_folder()?));
    options.port = args.port;
    options.log = args.log;
    options.notifications = args.notifications;
    options.notify_url = args.notify_url;
    if let Some(path) = &args.faults {
        options.faults = FaultPlan::read(path)?;
    }
    let sandbox = Sandbox::start(options)
        .await
        .map_err(|error| Failure::new(ExitCode::Configuration, anyhow::Error::new(error).context(SAMPLES_HINT)))?;
    context.output.rows(&settings(&sandbox))?;
    tracing::info!("the sandbox serves until it is stopped (ctrl-c)");
    stopped()?.await;
    sandbox.shutdown().await;
    Ok(ExitCode::Done)
}

/// What to write into `tieout.yaml` and the environment to use it.
fn settings(sandbox: &Sandbox) -> Rows {
    let mut rows = Rows::new(&["setting", "value"]);
    let said = [
        ("base_url", sandbox.base_url.as_str()),
        ("token_url", &sandbox.token_url),
        ("organization", ORGANIZATION),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("webhook_key", WEBHOOK_KEY),
    ];
    for (setting, value) in said {
        rows.push(vec![Cell::text(setting), Cell::text(value)]);
    }
    for (provider, setting, value) in sandbox.settings() {
        rows.push(vec![Cell::text(format!("{provider}.{setting}")), Cell::text(value)]);
    }
    rows
}
