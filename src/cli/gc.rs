//! `tieout gc`. Shapes only.

use chrono::TimeDelta;
use clap::Args;

use super::PersonArgs;
use crate::config::quantity;

pub(super) const HELP: &str = "\
Examples:
  tieout gc --dry-run
  tieout gc --raw 400d --reports 3650d

Removes what `retention:` of tieout.yaml calls old, by the end of the run that
made or read it: inputs as received and sealed builds (raw), renderings of
reports (reports). Never removed: the journal; summary.json and the lists that
later runs read; anything of a period that has open breaks, or effects that are
not settled or in doubt, that present runs still look back to, or where a run is
at work; what a sealed run has read and reported. What is gone stands in
removed.json of its period, with its digest.";

#[derive(Debug, Clone, Args)]
pub struct GcArgs {
    /// Say what would be removed and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Keep inputs and sealed builds for so long, such as 400d [default: `retention.raw` of tieout.yaml]
    #[arg(long, value_name = "TIME", value_parser = kept_for)]
    pub raw: Option<TimeDelta>,
    /// Keep renderings of reports for so long [default: `retention.reports` of tieout.yaml]
    #[arg(long, value_name = "TIME", value_parser = kept_for)]
    pub reports: Option<TimeDelta>,
    /// Only files of this job
    #[arg(long, value_name = "JOB")]
    pub job: Option<String>,
    #[command(flatten)]
    pub person: PersonArgs,
}

fn kept_for(text: &str) -> Result<TimeDelta, String> {
    let kept = quantity::duration(text).map_err(|error| error.to_string())?;
    TimeDelta::from_std(kept).map_err(|error| error.to_string())
}
