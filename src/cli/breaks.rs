//! The commands about breaks: those of a run, their life across runs, what changed between two runs. Shapes only.

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use rust_decimal::Decimal;

use super::PersonArgs;
use crate::breaks::{BreakKind, BreakStatus};

pub(super) const HELP: &str = "\
Examples:
  tieout breaks rewards-daily --kind amount_mismatch --kind reward_mismatch
  tieout breaks rewards-daily/2025-03-19/1 --min-amount 25.00 --format csv
  tieout breaks list --older-than 5 --owner \"Mara Lind\"
  tieout breaks write-off 12ab34cd --reason \"below what a claim costs\"";

#[derive(Debug, Clone, Args)]
#[command(subcommand_negates_reqs = true)]
pub struct BreaksArgs {
    #[command(subcommand)]
    pub life: Option<BreaksCommand>,
    /// A run JOB/PERIOD/ATTEMPT, or a job: then its last finished run
    #[arg(value_name = "RUN|JOB", required = true)]
    pub of: Option<String>,
    #[arg(help = "Only this kind, such as amount_mismatch; can be given several times")]
    #[arg(long = "kind", value_name = "KIND", hide_possible_values = true, value_parser = kind_parser())]
    pub kinds: Vec<BreakKind>,
    /// Only keys that contain this text
    #[arg(long, value_name = "TEXT")]
    pub key: Option<String>,
    /// Only this currency, such as USD
    #[arg(long, value_name = "CODE", ignore_case = true)]
    pub currency: Option<String>,
    /// Only with at least this much at risk, in units of each break's currency, such as 12.50
    #[arg(long, value_name = "AMOUNT")]
    pub min_amount: Option<Decimal>,
    /// With a job: its last finished run of this period
    #[arg(long, value_name = "PERIOD")]
    pub period: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum BreaksCommand {
    /// List breaks across runs: where each stands, whose it is, how old it is
    #[command(after_help = "\
Example:
  tieout breaks list rewards-daily --status open --older-than 5")]
    List(LivesArgs),
    /// Show the life of one break: events, effects, runs
    #[command(after_help = "\
Example:
  tieout breaks show 12ab34cd56ef7890")]
    Show {
        /// The break's id, or its first four digits or more
        #[arg(value_name = "BREAK")]
        id: String,
    },
    /// Say whose they are
    #[command(after_help = "\
Example:
  tieout breaks assign 12ab34cd 98fe76dc --to \"Mara Lind\"")]
    Assign(AssignArgs),
    /// Write a comment, for whoever reads it later
    #[command(after_help = "\
Example:
  tieout breaks comment 12ab34cd --text \"asked Kard, case 4711\"")]
    Comment(CommentArgs),
    /// Say that they are breaks indeed
    #[command(after_help = "\
Example:
  tieout breaks confirm 12ab34cd --reason \"the shop has the receipt\"")]
    Confirm(ConfirmArgs),
    /// Accept the loss: they count no more unless their facts change
    #[command(after_help = "\
Example:
  tieout breaks write-off 12ab34cd --reason \"below what a claim costs\"")]
    WriteOff(CloseArgs),
    /// Say that they have their counterpart: they count no more unless their facts change
    #[command(after_help = "\
Example:
  tieout breaks force-match 12ab34cd --with txn-0815 --reason \"booked under the old id\"")]
    ForceMatch(ForceMatchArgs),
    /// Say that the keys which a weaker rule pairs belong together: later runs count them as matched
    #[command(after_help = "\
Example:
  tieout breaks accept-suggestion 12ab34cd --reason \"same card, same minute\"")]
    AcceptSuggestion(CloseArgs),
    /// Open what was resolved, written off or matched again
    #[command(after_help = "\
Example:
  tieout breaks reopen 12ab34cd --reason \"the shop has paid after all\"")]
    Reopen(CloseArgs),
}

#[derive(Debug, Clone, Args)]
pub struct LivesArgs {
    /// Only of this job
    pub job: Option<String>,
    #[arg(help = "Only in this status, such as open; can be given several times [default: all that are not closed]")]
    #[arg(long = "status", value_name = "STATUS", hide_possible_values = true, value_parser = status_parser())]
    pub statuses: Vec<BreakStatus>,
    /// Only this person's
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    #[arg(help = "Only this kind, such as amount_mismatch; can be given several times")]
    #[arg(long = "kind", value_name = "KIND", hide_possible_values = true, value_parser = kind_parser())]
    pub kinds: Vec<BreakKind>,
    /// Only those that a run of this period has found
    #[arg(long, value_name = "PERIOD")]
    pub period: Option<String>,
    /// Only those older than so many business days
    #[arg(long, value_name = "N")]
    pub older_than: Option<u32>,
    /// Only with at least this much at risk, in units of each break's currency, such as 12.50
    #[arg(long, value_name = "AMOUNT")]
    pub min_amount: Option<Decimal>,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, Args)]
pub struct WhichBreaks {
    /// Ids of breaks, or their first four digits or more
    #[arg(value_name = "BREAK", required = true)]
    pub ids: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub struct AssignArgs {
    #[command(flatten)]
    pub which: WhichBreaks,
    /// Whose they are from now on
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub to: String,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    #[command(flatten)]
    pub person: PersonArgs,
}

#[derive(Debug, Clone, Args)]
pub struct CommentArgs {
    #[command(flatten)]
    pub which: WhichBreaks,
    /// The comment
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub text: String,
    #[command(flatten)]
    pub person: PersonArgs,
}

#[derive(Debug, Clone, Args)]
pub struct ConfirmArgs {
    #[command(flatten)]
    pub which: WhichBreaks,
    /// How it is known, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    #[command(flatten)]
    pub person: PersonArgs,
}

#[derive(Debug, Clone, Args)]
pub struct CloseArgs {
    #[command(flatten)]
    pub which: WhichBreaks,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub reason: String,
    #[command(flatten)]
    pub person: PersonArgs,
}

#[derive(Debug, Clone, Args)]
pub struct ForceMatchArgs {
    #[command(flatten)]
    pub close: CloseArgs,
    /// The key of the counterpart
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub with: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub struct DiffArgs {
    /// The run to start from, as JOB/PERIOD/ATTEMPT
    #[arg(value_name = "RUN")]
    pub before: String,
    /// The run to compare with it
    #[arg(value_name = "RUN")]
    pub after: String,
}

fn status_parser() -> impl TypedValueParser<Value = BreakStatus> {
    PossibleValuesParser::new(BreakStatus::ALL.map(BreakStatus::name))
        .try_map(|name| BreakStatus::from_name(&name).ok_or("not a status of a break"))
}

fn kind_parser() -> impl TypedValueParser<Value = BreakKind> {
    PossibleValuesParser::new(BreakKind::ALL.iter().map(|kind| kind.name())).try_map(|name| {
        // The list above holds no other names.
        BreakKind::ALL.iter().copied().find(|kind| kind.name() == name).ok_or("not a kind of break")
    })
}
