//! What a job wants done about breaks: audits and fraud markers, how cautiously and how fast.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AuditCode, Template};
use crate::breaks::BreakKind;
use crate::frames::{Field, Side};
use crate::money;
use crate::period::duration_words;

/// `effects:` of a job file, validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effects {
    /// The provider of `tieout.yaml` that they go to.
    pub provider: String,
    /// Calls at once.
    pub concurrency: u32,
    pub rate: Rate,
    pub provider_audit: Option<AuditRule>,
    pub fraud_marker: Option<MarkerRule>,
}

/// At most so many calls within any such time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub calls: u32,
    pub per: Duration,
}

/// Which breaks become audits, and what these say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRule {
    pub kinds: Vec<BreakKind>,
    /// For kinds whose code is not the usual one.
    pub codes: BTreeMap<BreakKind, AuditCode>,
    /// Filled in by `effects::describe`. None: the built-in one for the code.
    pub description: Option<Template>,
    pub caution: Caution,
    /// An audit that is longer than this without news is reported.
    pub news_within: TimeDelta,
}

/// Which breaks and which rows become fraud markers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkerRule {
    pub kinds: Vec<BreakKind>,
    /// The side whose rows the rules look at.
    pub side: Side,
    /// So many periods before this one are read too, where their files are there.
    pub history: u32,
    pub rules: Vec<FraudRule>,
    pub caution: Caution,
}

/// When a person is asked first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Caution {
    pub approval: ApprovalRule,
    /// Whoever started the run may not approve its effects.
    pub distinct: bool,
    /// More effects than this in one plan: all wait for a person.
    pub limit: Option<u64>,
    /// Currency → more at risk than this in one plan: all wait for a person. Minor units.
    pub limit_amount_minor: BTreeMap<String, i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ApprovalRule {
    #[default]
    Required,
    /// Currency → what is at risk in one effect, in minor units; above it, or in another currency, a person is asked.
    Above(BTreeMap<String, i64>),
    None,
}

/// A rule over the rows of one side. In words it is the ground of each marker that it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FraudRule {
    /// More than `count` purchases, or more than `sum_minor` of one currency, within a window.
    Velocity {
        by: Grouping,
        /// Half open: two purchases exactly so far apart are in no window together. Whole seconds.
        within: TimeDelta,
        count: Option<u64>,
        /// Currency → minor units.
        sum_minor: BTreeMap<String, i64>,
    },
    /// Returns add up to more than the purchases, by more than `beyond`.
    ReturnsAbovePurchases {
        by: Grouping,
        /// Currency → minor units; a currency that is not here: any excess.
        beyond_minor: BTreeMap<String, i64>,
    },
    /// One card (first six and last four) with at least so many users.
    SharedCard { users: u64 },
    /// A purchase of at least `times` the median of the user's earlier ones, of which there are at least `history`.
    Outlier { times: Decimal, history: u64 },
    /// The field holds one of these, letter case and surrounding blanks aside.
    Deny { field: Field, values: Vec<String> },
}

/// Whose rows a rule takes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// As the side names them.
    User,
    /// First six and last four digits together: the last four alone are those of many cards.
    Card,
    /// Of all users together.
    Merchant,
}

impl Grouping {
    /// The name in job files and in a rule's words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Card => "card",
            Self::Merchant => "merchant",
        }
    }

    /// The columns that say it; all of them must.
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::User => &[Field::User],
            Self::Card => &[Field::CardFirstSix, Field::CardLastFour],
            Self::Merchant => &[Field::Merchant],
        }
    }
}

/// The rule in words: `velocity: more than 5 purchases by card within 1h`
impl std::fmt::Display for FraudRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Velocity { by, within, count, sum_minor } => {
                let count = count.map(|count| format!("{count} {}", if count == 1 { "purchase" } else { "purchases" }));
                let limits: Vec<String> = count.into_iter().chain(amounts(sum_minor)).collect();
                let within = duration_words(*within);
                write!(f, "velocity: more than {} by {} within {within}", limits.join(" or "), by.name())
            }
            Self::ReturnsAbovePurchases { by, beyond_minor } => {
                write!(f, "returns above purchases by {}", by.name())?;
                let beyond: Vec<String> = amounts(beyond_minor).collect();
                if beyond.is_empty() { Ok(()) } else { write!(f, ", beyond {}", beyond.join(" or ")) }
            }
            Self::SharedCard { users } => write!(f, "shared card: {users} or more users"),
            Self::Outlier { times, history } => {
                write!(f, "outlier: {times} times the median of {history} or more earlier purchases")
            }
            Self::Deny { field, .. } => write!(f, "deny list: {}", field.name()),
        }
    }
}

/// `50.00 USD`, in order of currency.
fn amounts(by_currency_minor: &BTreeMap<String, i64>) -> impl Iterator<Item = String> {
    by_currency_minor.iter().map(|(currency, minor)| {
        let decimals = money::exponent(currency).unwrap_or(2);
        format!("{} {currency}", money::format_minor(i128::from(*minor), decimals))
    })
}

impl AuditRule {
    /// The code for a kind of break: the job's own, or the usual one.
    pub fn code(&self, kind: BreakKind) -> AuditCode {
        let usual = match kind {
            BreakKind::RewardMismatch => AuditCode::CashbackIncorrect,
            BreakKind::RewardMissing => AuditCode::CashbackMissing,
            _ => AuditCode::Other,
        };
        self.codes.get(&kind).copied().unwrap_or(usual)
    }
}
