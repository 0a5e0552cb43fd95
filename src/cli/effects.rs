//! The commands about effects: seeing them, allowing them, ending doubts. Shapes only.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use crate::effects::{Decision, EffectKind, State};

#[derive(Debug, Clone, Args)]
#[command(subcommand_negates_reqs = true)]
pub struct EffectsArgs {
    #[command(subcommand)]
    pub show: Option<EffectsCommand>,
    /// Those of a run JOB/PERIOD/ATTEMPT or of a job [default: all that are not finished]
    #[arg(value_name = "RUN|JOB")]
    pub of: Option<String>,
    #[arg(help = "Only in this state, such as proposed; can be given several times")]
    #[arg(long = "state", value_name = "STATE", hide_possible_values = true, value_parser = state_parser())]
    pub states: Vec<State>,
    /// Only this kind
    #[arg(long, value_name = "KIND", value_parser = kind_parser())]
    pub kind: Option<EffectKind>,
    /// Only for this transaction
    #[arg(long, value_name = "TEXT")]
    pub transaction: Option<String>,
    /// Only of this period
    #[arg(long, value_name = "PERIOD")]
    pub period: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum EffectsCommand {
    /// Show one effect: what it asks for, what it rests on, what became of it
    #[command(after_help = "\
Example:
  tieout effects show 12ab34cd56ef7890")]
    Show {
        /// The effect's id, or its first four digits or more
        effect: String,
    },
}

#[derive(Debug, Clone, Args)]
pub struct ApproveArgs {
    #[command(flatten)]
    pub which: WhichArgs,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    #[command(flatten)]
    pub person: PersonArgs,
}

#[derive(Debug, Clone, Args)]
pub struct RejectArgs {
    #[command(flatten)]
    pub which: WhichArgs,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub comment: String,
    #[command(flatten)]
    pub person: PersonArgs,
}

#[derive(Debug, Clone, Args)]
pub struct WhichArgs {
    /// Ids of effects, or their first four digits or more
    #[arg(value_name = "EFFECT", required_unless_present = "all", conflicts_with = "all")]
    pub effects: Vec<String>,
    /// All of the run's effects that wait for approval
    #[arg(long)]
    pub all: bool,
    /// The run whose plan was looked at, as JOB/PERIOD/ATTEMPT
    #[arg(long, value_name = "RUN")]
    pub run: String,
}

#[derive(Debug, Clone, Args)]
pub struct PersonArgs {
    #[arg(help = "Who decides [default: TIEOUT_BY, else the login name]")]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub struct ReopenArgs {
    /// Ids of effects, or their first four digits or more
    #[arg(value_name = "EFFECT", required = true)]
    pub effects: Vec<String>,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub person: PersonArgs,
}

#[derive(Debug, Clone, Subcommand)]
pub enum InDoubtCommand {
    /// List what is in doubt, oldest first; ends with 20 when there is anything
    #[command(after_help = "\
Example:
  tieout in-doubt list --format csv")]
    List,
    /// Show one effect in doubt: the exact call, what to ask Kard, how to decide
    #[command(after_help = "\
Example:
  tieout in-doubt show 12ab34cd56ef7890")]
    Show {
        /// The effect's id, or its first four digits or more
        effect: String,
    },
    /// End doubts, with a reason
    #[command(
        override_usage = "tieout in-doubt resolve [OPTIONS] <EFFECT>... <DECISION> --reason <TEXT>",
        after_help = "\
Example:
  tieout in-doubt resolve 12ab34cd --applied --reason \"Kard support, case 4711\""
    )]
    Resolve(ResolveArgs),
}

#[derive(Debug, Clone, Args)]
pub struct ResolveArgs {
    /// Ids of effects, or their first four digits or more
    #[arg(value_name = "EFFECT", required = true)]
    pub effects: Vec<String>,
    #[command(flatten)]
    pub decision: DecisionArgs,
    /// How it is known, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub person: PersonArgs,
}

#[derive(Debug, Clone, Copy, Args)]
#[group(required = true, multiple = false)]
pub struct DecisionArgs {
    /// Kard has it
    #[arg(long)]
    pub applied: bool,
    /// Kard does not have it, and it shall not be sent
    #[arg(long)]
    pub not_applied: bool,
    /// Send it again in the next run, whatever Kard has
    #[arg(long)]
    pub resend: bool,
}

impl DecisionArgs {
    /// Exactly one of the flags is given.
    pub const fn decision(self) -> Decision {
        match (self.applied, self.not_applied) {
            (true, _) => Decision::Applied,
            (_, true) => Decision::NotApplied,
            _ => Decision::Resend,
        }
    }
}

fn state_parser() -> impl TypedValueParser<Value = State> {
    PossibleValuesParser::new(State::ALL.map(State::name))
        .try_map(|name| State::from_name(&name).ok_or("not a state of an effect"))
}

fn kind_parser() -> impl TypedValueParser<Value = EffectKind> {
    PossibleValuesParser::new(EffectKind::ALL.map(EffectKind::name)).try_map(|name| {
        // The list above holds no other names.
        EffectKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or("not a kind of effect")
    })
}
