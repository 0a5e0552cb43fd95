//! `tieout run`. Shapes only.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::Args;

use super::{MemoryArgs, parse_time};

pub(super) const HELP: &str = "\
Examples:
  tieout run rewards-daily --period 2025-03-19 --attempt-note \"late file came\"
  tieout run rewards-daily --period auto --as-scheduled

A period that has already been run gets a new attempt; nothing is overwritten.";

#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The job: the name of a file in jobs/, without its ending
    pub job: String,
    /// Which data: a day 2025-03-19, a month 2025-03, or auto for the last complete one
    #[arg(long, value_name = "PERIOD")]
    pub period: String,
    /// The time for which a scheduler started it: `auto` is the last period complete then, even when it starts later
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub scheduled_at: Option<DateTime<Utc>>,
    #[arg(
        help = "The Kubernetes Job that runs this: its name ends with the minute for which its CronJob made it, which is \
                  then the time of --scheduled-at. Of a Job with another name it is now"
    )]
    #[arg(long, value_name = "JOB", conflicts_with = "scheduled_at")]
    pub scheduled_by: Option<String>,
    /// With --period auto: do what the job's schedule asks for at that time and is not finished. Missed periods as
    /// `catchup` says, nothing new on a closed day, 75 while jobs of `after` have not done theirs
    #[arg(long)]
    pub as_scheduled: bool,
    /// Write how it ended into this file as one line of JSON [default: TIEOUT_TERMINATION_LOG, else nowhere]
    #[arg(long, value_name = "FILE")]
    pub termination_log: Option<PathBuf>,
    /// Why it is run, for whoever reads the list of runs
    #[arg(long, value_name = "TEXT")]
    pub attempt_note: Option<String>,
    /// The time that the report states as its own, such as 2025-03-20T09:45:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub run_time: Option<DateTime<Utc>>,
    /// Ask no provider: use the files that an earlier attempt pulled, and send nothing
    #[arg(long)]
    pub offline: bool,
    #[command(flatten)]
    pub memory: MemoryArgs,
    #[arg(help = "Who starts it [default: TIEOUT_BY, else the login name]")]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}
