//! The command line: shapes only. What a command does stands in `commands`.

mod backfill;
mod breaks;
mod effects;
mod gc;
mod k8s;
mod listen;
mod reference;
mod review;
mod run;
mod seal;
mod serve;
mod sign_off;
mod state;
mod subscriptions;
mod trace;
mod watch;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};

pub use backfill::{BackfillArgs, BackfillsArgs, BackfillsCommand, ChoiceArgs, OrderArgs};
pub use breaks::{
    AssignArgs, BreaksArgs, BreaksCommand, CloseArgs, CommentArgs, ConfirmArgs, DiffArgs, ForceMatchArgs, LivesArgs,
    WhichBreaks,
};
pub use effects::{
    ApproveArgs, EffectsArgs, EffectsCommand, InDoubtCommand, PersonArgs, RejectArgs, ReopenArgs, ResolveArgs,
    WhichArgs,
};
pub use gc::GcArgs;
pub use k8s::{K8sCommand, RenderArgs, RunBy};
pub use listen::ListenArgs;
pub use reference::{CompletionsArgs, ManArgs, PresetsArgs, SchemaArgs, SchemaOf};
pub use review::{ImportArgs, ReviewCommand, UserArgs};
pub use run::RunArgs;
pub use seal::{SealArgs, SealsArgs, UnsealArgs};
pub use serve::ServeArgs;
pub use sign_off::{
    EvidenceArgs, EvidenceCommand, SignOffArgs, SignOffCommand, SignOffsArgs, VerifyEvidenceArgs, WithdrawArgs,
};
pub use state::{CopyArgs, StateArgs, StateCommand};
pub use subscriptions::{CreateArgs, SubscriptionsCommand, TurnArgs};
pub use trace::TraceArgs;
pub use watch::{HealthArgs, NotifyCommand};

use crate::effects::Anchor;
use crate::logging::{Asked, Color, LogFormat};
use crate::output::Format;
use crate::project::memory_of;

const ABOUT: &str = "\
Ties what a card or rewards provider says to what the issuer booked: pulls the
provider's files, compares them with your ledger and your webhook log, reports
every break, and sends audits and fraud markers for them once they are approved.";

const EXIT_CODES: &str = "\
Exit codes:
   0  done, whatever was found      65  an input cannot be used as it is
   1  unexpected error              69  the provider did not answer
   2  wrong command line            70  the tie-out does not tie: a bug
  10  a declared gate is breached   75  try again later
  20  a person is needed            77  credentials refused
                                    78  configuration is wrong

Start here, without any account:
  tieout run rewards-daily --period 2025-03-19 --sandbox";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "tieout", version, about = ABOUT, max_term_width = 80, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Project folder [default: the nearest one upward that holds tieout.yaml]
    #[arg(long, global = true, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// Use the built-in provider and the sample data; keeps state and reports apart in sandbox/
    #[arg(long, global = true)]
    pub sandbox: bool,
    /// Form of the results on stdout
    #[arg(long, global = true, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub format: Format,
    /// Form of the log on stderr
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,
    #[arg(help = "Colour of log and errors; NO_COLOR is honoured")]
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// No progress bars
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// Log errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log more; -vv also what the libraries say
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl Global {
    /// What is asked of the log and of what else goes to stderr.
    pub const fn log(&self) -> Asked {
        Asked {
            format: self.log_format,
            color: self.color,
            no_progress: self.no_progress,
            quiet: self.quiet,
            verbose: self.verbose,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a job for one period and report every break
    #[command(after_help = run::HELP)]
    Run(RunArgs),
    /// Say what a run would do, without doing it
    #[command(after_help = "\
Example:
  tieout plan rewards-daily --period 2025-03-19")]
    Plan(PlanArgs),
    /// Run a job for every period of a range that is missing, and go on where it was stopped
    #[command(after_help = backfill::HELP)]
    Backfill(BackfillArgs),
    /// List backfills, latest first, or show what each attempt of one did
    #[command(
        after_help = "\
Examples:
  tieout backfills rewards-daily
  tieout backfills show 3",
        args_conflicts_with_subcommands = true
    )]
    Backfills(BackfillsArgs),
    /// Check the project file and job files, without network
    #[command(after_help = "\
Examples:
  tieout validate
  tieout validate rewards-daily --format json")]
    Validate(ValidateArgs),
    /// List the jobs with their last run and what is due next
    #[command(after_help = "\
Example:
  tieout jobs --format json")]
    Jobs,
    /// List the periods that the schedules ask for and that are not finished
    #[command(after_help = "\
Examples:
  tieout due
  tieout due rewards-daily --at 2025-03-20T14:00:00Z

todo: run (now), wait (tried again at not_before), blocked (another job comes
first), given_up (a person, another job file or the schedule's next time is
needed). `tieout serve` does what is to be run.")]
    Due(DueArgs),
    /// Run what is due, as the schedules of the jobs say, until stopped
    #[command(after_help = serve::HELP)]
    Serve(ServeArgs),
    /// Ask `tieout serve` on this machine whether it is well
    #[command(after_help = watch::HEALTH_HELP)]
    Health(HealthArgs),
    /// Try the channels by which people are told that something is wrong
    #[command(subcommand, after_help = watch::NOTIFY_HELP)]
    Notify(NotifyCommand),
    /// List the holidays of a calendar, or when the inputs of a job are due
    #[command(after_help = "\
Examples:
  tieout calendar us-federal --year 2027
  tieout calendar --job rewards-monthly --year 2025")]
    Calendar(CalendarArgs),
    /// List what was run, latest first, or show one run
    #[command(
        after_help = "\
Examples:
  tieout runs rewards-daily --limit 5
  tieout runs show rewards-daily/2025-03-19/1",
        args_conflicts_with_subcommands = true
    )]
    Runs(RunsArgs),
    /// List the breaks of a run, or of the last finished run of a job; their life across runs
    #[command(after_help = breaks::HELP, args_conflicts_with_subcommands = true)]
    Breaks(BreaksArgs),
    /// Tell the story of one transaction over all files, logs, runs and effects
    #[command(after_help = trace::HELP)]
    Trace(TraceArgs),
    /// Say which breaks are new, gone or changed between two runs of a job
    #[command(after_help = "\
Example:
  tieout diff rewards-daily/2025-03-19/1 rewards-daily/2025-03-19/2")]
    Diff(DiffArgs),
    /// Take back a filled-in workbook, and name who may sign in to the pages
    #[command(subcommand)]
    Review(ReviewCommand),
    /// Sign off a period: later facts become adjustments of an open one
    #[command(after_help = seal::SEAL_HELP)]
    Seal(SealArgs),
    /// Open a sealed period again
    #[command(after_help = seal::UNSEAL_HELP)]
    Unseal(UnsealArgs),
    /// List the sealed periods: which run was signed off, by whom, and whether a later one differs
    #[command(after_help = seal::SEALS_HELP)]
    Seals(SealsArgs),
    /// Sign a report: that it is prepared, or that it was reviewed
    #[command(after_help = sign_off::SIGN_OFF_HELP, args_conflicts_with_subcommands = true)]
    SignOff(SignOffArgs),
    /// List the signed reports, and what became of them since
    #[command(after_help = sign_off::SIGN_OFFS_HELP)]
    SignOffs(SignOffsArgs),
    /// Put all that proves a run into one file for an auditor, or check such a file
    #[command(after_help = sign_off::EVIDENCE_HELP, args_conflicts_with_subcommands = true)]
    Evidence(EvidenceArgs),
    /// List effects: what is asked of the provider because of breaks, and where it stands
    #[command(
        after_help = "\
Examples:
  tieout effects
  tieout effects rewards-daily/2025-03-19/1 --state proposed
  tieout effects show 12ab34cd56ef7890",
        args_conflicts_with_subcommands = true
    )]
    Effects(EffectsArgs),
    /// Allow effects of a run's plan to be sent
    #[command(after_help = "\
Examples:
  tieout approve --all --run rewards-daily/2025-03-19/1 --comment \"checked\"
  tieout approve 12ab34cd 98fe76dc --run rewards-daily/2025-03-19/1

The next run of the job for the period sends them. If a later run has changed
the plan, nothing is approved.")]
    Approve(ApproveArgs),
    /// Refuse effects of a run's plan: they are never sent unless reopened
    #[command(after_help = "\
Example:
  tieout reject 12ab34cd --run rewards-daily/2025-03-19/1 --comment \"refunded\"")]
    Reject(RejectArgs),
    /// Open a matter again that was refused, rejected, not applied or closed
    #[command(after_help = "\
Example:
  tieout reopen 12ab34cd --reason \"the user id is known now\"

The next run of the job for the period proposes it anew if its break is there.")]
    Reopen(ReopenArgs),
    /// See and end doubts about what was sent
    #[command(
        subcommand,
        after_help = "\
Examples:
  tieout in-doubt list
  tieout in-doubt show 12ab34cd56ef7890
  tieout in-doubt resolve 12ab34cd --applied --reason \"Kard support, case 4711\""
    )]
    InDoubt(InDoubtCommand),
    /// Remove files of old periods, as `retention:` of tieout.yaml says
    #[command(after_help = gc::HELP)]
    Gc(GcArgs),
    /// Prove, hand out or anchor the journal of effects
    Journal(JournalArgs),
    /// Move the journal to another file or database
    State(StateArgs),
    /// Receive the provider's notifications over HTTP and keep them as a webhook log
    #[command(after_help = listen::HELP)]
    Listen(ListenArgs),
    /// See and change which events the provider tells, and where
    #[command(subcommand, after_help = subscriptions::HELP)]
    Subscriptions(SubscriptionsCommand),
    /// Check that this machine can run the project's jobs
    #[command(after_help = "\
Example:
  tieout doctor

Ends with 0 when all is well, else with the code of the worst finding.")]
    Doctor,
    /// Make what runs the project in a Kubernetes cluster
    #[command(subcommand, after_help = k8s::HELP)]
    K8s(K8sCommand),
    /// Print the JSON Schema of a file, for editors
    #[command(after_help = "\
Example:
  tieout schema job > .vscode/tieout-job.schema.json")]
    Schema(SchemaArgs),
    /// List the shapes of files that `preset:` of an input knows, or print one
    #[command(after_help = reference::PRESETS_HELP)]
    Presets(PresetsArgs),
    /// Serve the simulated provider on this machine until stopped
    #[command(after_help = "\
Example:
  tieout sandbox --port 8080 --faults faults.yaml --log requests.jsonl

A plan of faults:
  rules:
    - {on: audits, nth: 1, do: reset_after}
    - {on: fraud, nth: every, do: {late: 5s}}
    - {on: files, nth: 2, do: {status: 503, retry_after: 1}}
on: token, files, download, fraud, audits, uploads, storage, transactions,
    historical_start, historical_part, historical_complete, subscriptions,
    notification
do: {status: N}, {slow: TIME}, {late: TIME}, {truncate: BYTES}, reset_before,
    reset_after, malformed_json, html_page, revoke_token, wrong_bytes; for
    effects also {status: N, applied: true}, missing_item, extra_item,
    repeat_item, refuse_item, error_without_id; for transactions and
    historical_part busy_item, refuse_call; for files expired_url,
    repeat_cursor; for uploads and storage expired_url; for storage also
    reset_within; for notification only {late: TIME}, drop, repeat,
    wrong_file_name
Users that begin with unknown- are not known; markers, audits and lines for
transactions that begin with refuse- are refused.")]
    Sandbox(SandboxArgs),
    /// Print the completions of a shell
    #[command(after_help = "\
Example:
  tieout completions bash > ~/.local/share/bash-completion/completions/tieout")]
    Completions(CompletionsArgs),
    /// Print the manual, or write one page a command
    #[command(after_help = "\
Examples:
  tieout man | man -l -
  tieout man --out /usr/local/share/man/man1")]
    Man(ManArgs),
}

#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// The job: the name of a file in jobs/, without its ending
    pub job: String,
    /// Which data: a day 2025-03-19, a month 2025-03, or auto for the last complete one
    #[arg(long, value_name = "PERIOD")]
    pub period: String,
    /// Print the calls that a run would make, one JSON object a line, and nothing else
    #[arg(long)]
    pub calls: bool,
    #[command(flatten)]
    pub memory: MemoryArgs,
}

#[derive(Debug, Clone, Args)]
pub struct ValidateArgs {
    /// Job names [default: all]
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub struct DueArgs {
    /// Job names [default: all]
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
    /// As it is at this time, such as 2025-03-20T09:45:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Args)]
pub struct CalendarArgs {
    /// The calendar: us-federal, or the name of a file in calendars/ [default: us-federal]
    #[arg(conflicts_with = "job")]
    pub name: Option<String>,
    /// Which year [default: this one]
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i32).range(1..=9999))]
    pub year: Option<i32>,
    /// When the inputs of this job are due, for the periods of the year
    #[arg(long, value_name = "JOB")]
    pub job: Option<String>,
}

#[derive(Debug, Clone, Args)]
#[command(subcommand_negates_reqs = true)]
pub struct RunsArgs {
    #[command(subcommand)]
    pub show: Option<RunsCommand>,
    /// Only runs of this job
    pub job: Option<String>,
    /// Only runs of this period
    #[arg(long, value_name = "PERIOD")]
    pub period: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
}

#[derive(Debug, Clone, Subcommand)]
pub enum RunsCommand {
    /// Show one run: its steps, its inputs, how it ended
    #[command(after_help = "\
Example:
  tieout runs show rewards-daily/2025-03-19/1")]
    Show {
        /// The run, as JOB/PERIOD/ATTEMPT
        run: String,
    },
}

#[derive(Debug, Clone, Args)]
pub struct JournalArgs {
    #[command(subcommand)]
    pub command: JournalCommand,
}

#[derive(Debug, Clone, Subcommand)]
pub enum JournalCommand {
    /// Find every entry that was changed, removed, moved or added
    #[command(after_help = "\
Example:
  tieout journal verify --anchor 1204:5f1c…e9

Ends with 70 when something is found. A journal whose end was cut off is found
only by an anchor: those in summary.json files of its runs are used as well.")]
    Verify {
        /// A point of the journal that was kept elsewhere; can be given several times
        #[arg(long = "anchor", value_name = "SEQUENCE:HASH", value_parser = parse_anchor)]
        anchors: Vec<Anchor>,
    },
    /// Print all entries, one JSON object a line
    #[command(after_help = "\
Example:
  tieout journal export --out effects.jsonl

The SHA-256 of the text that stands for `entry` is `hash`.")]
    Export {
        /// Write to this file [default: stdout]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Print where the journal ends, to be kept elsewhere
    #[command(after_help = "\
Example:
  tieout journal anchor >> /mnt/elsewhere/anchors")]
    Anchor,
}

#[derive(Debug, Clone, Args)]
pub struct SandboxArgs {
    /// Port on 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub port: u16,
    /// Plan of the faults to make, in YAML
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Write every request to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Append the results of uploaded files to this webhook log, signed
    #[arg(long, value_name = "FILE")]
    pub notifications: Option<PathBuf>,
    /// Post the same notifications to this address
    #[arg(long, value_name = "URL", value_parser = parse_address)]
    pub notify_url: Option<reqwest::Url>,
}

fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.with_timezone(&Utc))
        .map_err(|_| "expected a time with its offset, such as 2025-03-20T09:45:00Z".to_owned())
}

/// `--memory` of what runs jobs.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct MemoryArgs {
    /// How much memory a run may take, such as 2GiB; rows that do not fit are laid aside on the disk [default: `memory`
    /// in tieout.yaml]
    #[arg(long, value_name = "SIZE", value_parser = memory_of)]
    pub memory: Option<u64>,
}

fn parse_address(text: &str) -> Result<reqwest::Url, String> {
    let url = reqwest::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| "expected an address such as http://127.0.0.1:9000/webhooks".to_owned())
}

fn parse_anchor(text: &str) -> Result<Anchor, String> {
    let anchor = text.split_once(':').and_then(|(sequence, hash)| {
        let good = hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
        let sequence = sequence.parse().ok().filter(|_| good)?;
        Some(Anchor { sequence, hash: hash.to_ascii_lowercase() })
    });
    anchor.ok_or_else(|| "expected a line of `tieout journal anchor`: a number, a colon and 64 digits".to_owned())
}
