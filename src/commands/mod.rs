//! One file a command; here is what they share and who is called for what.

pub mod breaks;
pub mod completions;
pub mod doctor;
pub mod jobs;
pub mod man;
pub mod plan;
pub mod run;
pub mod runs;
pub mod sandbox;
pub mod schema;
pub mod validate;

use std::path::{Path, PathBuf};

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{Command, Global, RunsCommand};
use crate::exit::{ExitCode, Failure};
use crate::journal::{Journal, JournalError};
use crate::output::Output;
use crate::progress::Progress;
use crate::project::Project;

/// The name of the project file.
pub const PROJECT_FILE: &str = "tieout.yaml";

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
}

/// There is no project where we looked.
#[derive(Debug, thiserror::Error)]
pub enum ProjectNotFound {
    #[error(
        "no {PROJECT_FILE} in {from} or any folder above it; go to the project's folder or name it with --project DIR"
    )]
    Above { from: PathBuf },
    #[error("no {PROJECT_FILE} in {folder}, which --project names")]
    In { folder: PathBuf },
}

impl Context {
    pub fn new(global: &Global, progress: Progress) -> Self {
        Self {
            folder: global.project.clone(),
            project: None,
            output: Output::new(global.format),
            progress,
            sandbox: global.sandbox,
        }
    }

    /// The project's folder, absolute.
    ///
    /// # Errors
    /// When no project file is found.
    pub fn project_folder(&self) -> Result<PathBuf, Failure> {
        let configuration = |error: ProjectNotFound| Failure::new(ExitCode::Configuration, error);
        if let Some(folder) = &self.folder {
            let missing = || configuration(ProjectNotFound::In { folder: folder.clone() });
            let folder = folder.canonicalize().map_err(|_| missing())?;
            return if folder.join(PROJECT_FILE).is_file() { Ok(folder) } else { Err(missing()) };
        }
        let from = std::env::current_dir()?;
        let found = from.ancestors().find(|folder| folder.join(PROJECT_FILE).is_file()).map(Path::to_owned);
        found.ok_or_else(|| configuration(ProjectNotFound::Above { from }))
    }

    /// The project of this call; read once.
    ///
    /// # Errors
    /// When there is none or its file is wrong.
    pub fn load_project(&mut self) -> Result<&Project, Failure> {
        let project = match self.project.take() {
            Some(project) => project,
            None => places(self.project_folder()?, self.sandbox),
        };
        Ok(self.project.insert(project))
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

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

/// Does one command.
///
/// # Errors
/// Whatever ends the process with another code than the command's own.
pub async fn dispatch(command: Command, context: Context) -> Result<ExitCode, Failure> {
    match command {
        Command::Run(args) => until_stopped(run::run(context, args)).await,
        Command::Plan(args) => plan::run(context, args).await,
        Command::Validate(args) => validate::command(context, args).await,
        Command::Jobs => jobs::run(context).await,
        Command::Runs(args) => match args.show {
            Some(RunsCommand::Show { run }) => runs::show(context, run).await,
            None => runs::list(context, args).await,
        },
        Command::Breaks(args) => breaks::run(context, args).await,
        Command::Doctor => doctor::run(context).await,
        Command::Schema(args) => schema::command(context, args).await,
        Command::Sandbox(args) => sandbox::run(context, args).await,
        Command::Completions(args) => completions::run(&context, args.shell),
        Command::Man(args) => man::run(&context, args.out),
    }
}

/// A run that is asked to stop ends at its next pause. What it has marked stays, nothing else does, and the
/// next run goes on.
async fn until_stopped(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    let mut terminated = signal(SignalKind::terminate())?;
    let name = tokio::select! {
        outcome = work => return outcome,
        _ = tokio::signal::ctrl_c() => "an interrupt",
        _ = terminated.recv() => "SIGTERM",
    };
    Err(Failure::new(
        ExitCode::TryAgainLater,
        anyhow::anyhow!("stopped by {name}; nothing is half-written, run it again when it suits"),
    ))
}

/// Where a project keeps its things when its file says nothing else. With `--sandbox` they are kept apart.
fn places(root: PathBuf, sandbox: bool) -> Project {
    let (state, artifacts, data) = if sandbox {
        ("sandbox/state.db", "sandbox/runs", "samples/data")
    } else {
        (".tieout/state.db", "runs", "data")
    };
    Project {
        state: root.join(state),
        artifacts: root.join(artifacts),
        data: root.join(data),
        root,
        providers: std::collections::BTreeMap::new(),
    }
}
