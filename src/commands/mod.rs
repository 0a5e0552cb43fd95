//! One file a command; here is what they share and who is called for what.

pub mod approve;
pub mod backfill;
pub mod backfills;
pub mod break_decisions;
pub mod breaks;
pub mod calendar;
pub mod completions;
mod decision;
pub mod diff;
pub mod doctor;
mod doctor_databases;
mod doctor_review;
mod doctor_route;
mod doctor_state;
pub mod due;
pub mod effects;
pub mod evidence;
pub mod gc;
pub mod health;
pub mod in_doubt;
pub mod jobs;
pub mod journal;
pub mod k8s;
pub mod listen;
pub mod lives;
pub mod man;
pub mod notify;
pub mod person;
pub mod plan;
pub mod presets;
pub mod reopen;
pub mod review;
pub mod review_import;
pub mod review_users;
pub mod run;
pub mod runs;
pub mod sandbox;
pub mod schema;
pub mod seal;
pub mod serve;
pub mod sign_off;
pub mod state;
pub mod subscriptions;
pub mod termination;
pub mod trace;
pub mod unseal;
pub mod validate;

use std::path::{Path, PathBuf};

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{
    BackfillsCommand, BreaksArgs, BreaksCommand, Command, EffectsCommand, Global, InDoubtCommand, JournalCommand,
    K8sCommand, RunsCommand, StateCommand,
};
use crate::exit::{ExitCode, Failure};
use crate::journal::{Journal, JournalError};
use crate::output::Output;
use crate::pipeline;
use crate::progress::Progress;
use crate::project::Project;
use crate::sandbox::{self as sandbox_server, Sandbox};

/// What every command is given.
#[derive(Debug)]
pub struct Context {
    /// `--project`; none: the nearest folder upward that holds the project file.
    pub folder: Option<PathBuf>,
    /// Loaded by [`Context::load_project`], since not every command needs one.
    pub project: Option<Project>,
    pub output: Output,
    pub progress: Progress,
    /// `--sandbox`
    pub sandbox: bool,
    /// `--memory`, in bytes; none: as the project says.
    pub memory: Option<u64>,
}

impl Context {
    pub fn new(global: &Global, progress: Progress) -> Self {
        Self {
            folder: global.project.clone(),
            project: None,
            output: Output::new(global.format, global.color),
            progress,
            sandbox: global.sandbox,
            memory: None,
        }
    }

    /// The project's folder, absolute.
    ///
    /// # Errors
    /// When no project file is found.
    pub fn project_folder(&self) -> Result<PathBuf, Failure> {
        let here = std::env::current_dir()?;
        Ok(Project::locate(self.folder.as_deref(), &here)?)
    }

    /// The project of this call; read once. With `--sandbox` it is the one apart, in `sandbox/`.
    ///
    /// # Errors
    /// When there is none or its file is wrong.
    pub fn load_project(&mut self) -> Result<&Project, Failure> {
        let project = if let Some(project) = self.project.take() {
            project
        } else {
            let mut project = Project::load(&self.project_folder()?)?;
            project.memory = self.memory.unwrap_or(project.memory);
            // Only what reads the sandbox's journal comes here with the flag; `start_world` knows the address.
            if self.sandbox { project.with_sandbox(NO_SANDBOX) } else { project }
        };
        Ok(self.project.insert(project))
    }

    /// With `--sandbox`, starts the simulated provider and points the project at it.
    ///
    /// # Errors
    /// When there is no project, or no samples to serve.
    pub async fn start_world(&mut self) -> Result<World, Failure> {
        if !self.sandbox {
            return Ok(World { sandbox: None });
        }
        let project = self.load_project()?;
        let mut options = sandbox_server::Options::new(samples_folder(&project.root));
        // Where the jobs of the sandbox's world look for what Kard tells of files.
        let told = project.clone().with_sandbox(NO_SANDBOX).notifications;
        std::fs::create_dir_all(&told)?;
        options.notifications = Some(told.join("notifications.jsonl"));
        let sandbox = Sandbox::start(options)
            .await
            .map_err(|error| Failure::new(ExitCode::Configuration, anyhow::Error::new(error).context(SAMPLES_HINT)))?;
        tracing::debug!("sandbox listens on {}", sandbox.base_url);
        self.project = Some(project.clone().with_sandbox(&sandbox.base_url));
        Ok(World { sandbox: Some(sandbox) })
    }

    /// The journal of the project for reading; none when nothing was ever run.
    ///
    /// # Errors
    /// When there is no project, or its state file cannot be read.
    pub async fn read_journal(&mut self) -> Result<Option<Journal>, Failure> {
        let state = self.load_project()?.state.clone();
        Ok(Journal::open_read_only(&state).await?)
    }
}

impl Context {
    /// The journal of the project for writing what a person decides; none when nothing was ever run.
    ///
    /// # Errors
    /// When there is no project, or its state file cannot be written.
    pub async fn write_journal(&mut self) -> Result<Option<Journal>, Failure> {
        let state = self.load_project()?.state.clone();
        Ok(Journal::open_existing(&state).await?)
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

/// Does one command.
///
/// # Errors
/// Whatever ends the process with another code than the command's own.
pub async fn dispatch(command: Command, mut context: Context) -> Result<ExitCode, Failure> {
    match command {
        Command::Run(args) => Box::pin(run::run(context, args)).await,
        Command::Plan(args) => Box::pin(until_stopped(plan::run(context, args))).await,
        Command::Backfill(args) => Box::pin(backfill::run(context, args)).await,
        Command::Backfills(args) => match args.show {
            Some(BackfillsCommand::Show { backfill }) => backfills::show(context, backfill).await,
            None => backfills::list(context, args).await,
        },
        Command::Validate(args) => validate::command(&context, &args),
        Command::Jobs => jobs::run(context).await,
        Command::Due(args) => due::run(context, args).await,
        Command::Serve(args) => Box::pin(serve::run(context, args)).await,
        Command::Health(args) => health::run(context, args).await,
        Command::Notify(command) => notify::run(context, command).await,
        Command::Calendar(args) => calendar::run(context, &args),
        Command::Runs(args) => match args.show {
            Some(RunsCommand::Show { run }) => runs::show(context, run).await,
            None => runs::list(context, args).await,
        },
        Command::Trace(args) => trace::run(context, args).await,
        Command::Breaks(args) => of_breaks(context, args).await,
        Command::Diff(args) => diff::run(context, args).await,
        Command::Review(command) => review::run(context, command).await,
        Command::Seal(args) => seal::seal(context, args).await,
        Command::Unseal(args) => unseal::run(context, args).await,
        Command::Seals(args) => seal::list(context, args).await,
        Command::SignOff(args) => sign_off::run(context, args).await,
        Command::Evidence(args) => Box::pin(evidence::run(context, args)).await,
        Command::SignOffs(args) => sign_off::list(context, args).await,
        Command::Effects(args) => match args.show {
            Some(EffectsCommand::Show { effect }) => effects::show(context, effect).await,
            None => effects::list(context, args).await,
        },
        Command::Approve(args) => approve::approve(context, args).await,
        Command::Reject(args) => approve::reject(context, args).await,
        Command::Reopen(args) => reopen::run(context, args).await,
        Command::InDoubt(InDoubtCommand::List) => in_doubt::list(context).await,
        Command::InDoubt(InDoubtCommand::Show { effect }) => in_doubt::show(context, effect).await,
        Command::InDoubt(InDoubtCommand::Resolve(args)) => in_doubt::resolve(context, args).await,
        Command::Gc(args) => gc::run(context, args).await,
        Command::Journal(args) => match args.command {
            JournalCommand::Verify { anchors } => journal::verify(context, anchors).await,
            JournalCommand::Export { out } => journal::export(context, out).await,
            JournalCommand::Anchor => journal::anchor(context).await,
        },
        Command::State(args) => match args.command {
            StateCommand::Copy(args) => Box::pin(state::copy(context, args)).await,
        },
        Command::Listen(args) => listen::run(context, args).await,
        Command::Subscriptions(command) => Box::pin(subscriptions::run(context, command)).await,
        Command::Doctor => doctor::run(context).await,
        Command::K8s(K8sCommand::Render(args)) => k8s::render(&mut context, args),
        Command::Schema(args) => schema::command(&context, &args),
        Command::Presets(args) => presets::run(&context, &args),
        Command::Sandbox(args) => sandbox::run(context, args).await,
        Command::Completions(args) => completions::run(&context, args.shell),
        Command::Man(args) => man::run(&context, args.out),
    }
}

/// The breaks of a run, or a break's life.
async fn of_breaks(context: Context, mut args: BreaksArgs) -> Result<ExitCode, Failure> {
    match args.life.take() {
        None => breaks::run(context, args).await,
        Some(BreaksCommand::List(args)) => lives::list(context, args).await,
        Some(BreaksCommand::Show { id }) => lives::show(context, id).await,
        Some(BreaksCommand::Assign(args)) => break_decisions::assign(context, args).await,
        Some(BreaksCommand::Comment(args)) => break_decisions::comment(context, args).await,
        Some(BreaksCommand::Confirm(args)) => break_decisions::confirm(context, args).await,
        Some(BreaksCommand::WriteOff(args)) => break_decisions::write_off(context, args).await,
        Some(BreaksCommand::ForceMatch(args)) => break_decisions::force_match(context, args).await,
        Some(BreaksCommand::AcceptSuggestion(args)) => break_decisions::accept(context, args).await,
        Some(BreaksCommand::Reopen(args)) => break_decisions::reopen(context, args).await,
    }
}

/// Work that keeps nothing and is asked to stop ends at its next pause, and takes its temporary folder with it.
async fn until_stopped(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    let stopped = stopped()?;
    tokio::select! {
        outcome = work => outcome,
        name = stopped => Err(pipeline::stopped(name)),
    }
}

/// Listens for the signal to stop from now on; the future waits for it and names it.
///
/// # Errors
/// When signals cannot be listened to.
fn stopped() -> std::io::Result<impl Future<Output = &'static str>> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => "an interrupt",
            _ = terminated.recv() => "SIGTERM",
        }
    })
}

/// Where the simulated provider finds its files.
fn samples_folder(root: &Path) -> PathBuf {
    root.join("samples").join("kard")
}

const SAMPLES_HINT: &str = "the sandbox needs the folder samples/ of the tieout repository beside tieout.yaml";

/// An address at which nobody listens: commands that only read the sandbox's journal start none.
const NO_SANDBOX: &str = "http://127.0.0.1:0";

/// What was started for one command, and is stopped after it.
#[derive(Debug)]
pub struct World {
    sandbox: Option<Sandbox>,
}

impl World {
    /// Stops what was started.
    pub async fn stop(self) {
        if let Some(sandbox) = self.sandbox {
            sandbox.shutdown().await;
        }
    }
}
