//! The commands about backfills. Shapes only.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use super::MemoryArgs;
use crate::backfill::Choice;
use crate::journal::Reprocess;

pub(super) const HELP: &str = "\
Examples:
  tieout backfill rewards-daily --from 2025-01-01 --to 2025-03-31 --dry-run
  tieout backfill rewards-daily --from 2025-01-01 --to 2025-03-31 \\
    --max-parallel 2 --newest-first
  tieout backfill rewards-monthly --from 2025-01 --to 2025-06 --with-days

Stopped or killed, it goes on when the same command is given again: same job,
same range, same --reprocess. A period that fails does not stop the others,
except where no other would do better: exit codes 70, 77 and 78, or three in
a row with 69 or 1. Ends with the most serious code of its periods, in the
order 70, 78, 77, 1, 65, 69, 75, 20, 10, 0; stopped by a signal, with 75.

Where the job waits for results of its files (confirm: wait), all periods wait
so long together. What they do not hear, the next run of the job does.";

#[derive(Debug, Clone, Args)]
pub struct BackfillArgs {
    /// The job: the name of a file in jobs/, without its ending
    pub job: String,
    /// The first period: a day 2025-03-19 or a month 2025-03, as the job's are
    #[arg(long, value_name = "PERIOD")]
    pub from: String,
    /// The last period; it is in
    #[arg(long, value_name = "PERIOD")]
    pub to: String,
    #[command(flatten)]
    pub choice: ChoiceArgs,
    #[command(flatten)]
    pub order: OrderArgs,
    #[command(flatten)]
    pub memory: MemoryArgs,
    /// Print the periods and what would be done about each, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask before something is sent
    #[arg(long)]
    pub yes: bool,
    /// Why it is run, for whoever reads the list of runs
    #[arg(long, alias = "attempt-note", value_name = "TEXT")]
    pub note: Option<String>,
    /// Ask no provider: use the files that earlier attempts pulled, and send nothing
    #[arg(long)]
    pub offline: bool,
    #[arg(help = "Who starts it [default: TIEOUT_BY, else the login name]")]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

#[derive(Debug, Clone, Copy, Args)]
pub struct ChoiceArgs {
    #[arg(help = "\
Which ones: missing (no finished run, or something is left unsent), failed
(tried, and the last run did not end well) or all")]
    #[arg(long, value_name = "WHICH", default_value = "missing", value_parser = reprocess_parser())]
    #[arg(hide_possible_values = true)]
    pub reprocess: Reprocess,
    /// Run sealed periods, too: they count as done otherwise, whatever --reprocess says
    #[arg(long)]
    pub sealed_too: bool,
}

impl ChoiceArgs {
    /// As a backfill takes it.
    pub const fn choice(self) -> Choice {
        Choice { reprocess: self.reprocess, sealed_too: self.sealed_too }
    }
}

#[derive(Debug, Clone, Copy, Args)]
pub struct OrderArgs {
    /// Periods at once, at most 8
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=8))]
    pub max_parallel: u32,
    /// Begin with the latest period
    #[arg(long)]
    pub newest_first: bool,
    #[arg(help = "\
Of a job that closes months by its days: run the days of these months first,
by the same choice, and months again that were run before their days")]
    #[arg(long)]
    pub with_days: bool,
}

#[derive(Debug, Clone, Args)]
#[command(subcommand_negates_reqs = true)]
pub struct BackfillsArgs {
    #[command(subcommand)]
    pub show: Option<BackfillsCommand>,
    /// Only backfills of this job
    pub job: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
}

#[derive(Debug, Clone, Subcommand)]
pub enum BackfillsCommand {
    /// Show one backfill: what each attempt did, and where each period stands
    #[command(after_help = "\
Example:
  tieout backfills show 3")]
    Show {
        /// The backfill's number
        backfill: u64,
    },
}

fn reprocess_parser() -> impl TypedValueParser<Value = Reprocess> {
    PossibleValuesParser::new(Reprocess::ALL.map(Reprocess::name))
        // The list above holds no other names.
        .try_map(|name| Reprocess::from_name(&name).ok_or("not a choice of periods"))
}
