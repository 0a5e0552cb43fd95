//! Parse, start the log, do the command, say once what went wrong, exit.

use clap::Parser;

use tieout::cli::Cli;
use tieout::commands::{self, Context};
use tieout::exit::{ExitCode, Failure};
use tieout::logging::Voice;
use tieout::telemetry::Traces;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // A wrong command line ends here, with clap's message and code 2.
    let cli = Cli::parse();
    let voice = Voice::new(cli.global.log());
    let traces = Traces::from_environment();
    voice.start_log(traces.as_ref().ok().and_then(Option::as_ref));
    if let Err(why) = &traces {
        tracing::warn!("{why}");
    }

    let outcome = run(cli, &voice);
    if let Ok(Some(traces)) = traces {
        traces.flush();
    }
    match outcome {
        Ok(code) => code.into(),
        Err(failure) => {
            voice.tell_failure(&failure);
            failure.code.into()
        }
    }
}

fn run(cli: Cli, voice: &Voice) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let context = Context::new(&cli.global, voice.progress.clone());
    let outcome = runtime.block_on(commands::dispatch(cli.command, context));
    // What still computes on a blocking thread holds nothing that must be waited for.
    runtime.shutdown_background();
    outcome
}
