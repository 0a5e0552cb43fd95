//! The table of breaks: one list of columns for every rendering, so that a name means the same
//! in `breaks.csv`, `breaks.parquet` and the workbook.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::amount::decimals;
use super::facts::{Facts, LifeFacts};
use crate::breaks::{Break, RowRef, SideFacts};
use crate::frames::Side;

/// Lines of one side's rows that are spelled out; the rest is counted.
const MOST_LINES: usize = 100;

/// What one cell holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Empty,
    Text(Cow<'a, str>),
    /// Minor units and the decimals of their currency.
    Amount {
        minor: i128,
        decimals: u8,
    },
    Count(i64),
    Time(DateTime<Utc>),
}

impl<'a> Value<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn optional_text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Empty, Self::text)
    }

    pub(super) fn amount(minor: i128, currency: &str) -> Self {
        Self::Amount { minor, decimals: decimals(currency) }
    }

    pub(super) fn count(number: u64) -> Self {
        i64::try_from(number).map_or_else(|_| Self::text(number.to_string()), Self::Count)
    }
}

/// What all cells of a column hold, where they are not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueKind {
    Text,
    Amount,
    Count,
    Time,
}

/// A list of columns of which name, title and width are fixed.
pub(super) trait Columns: Copy + PartialEq + 'static {
    /// Column, name in files, name for people, width on a sheet in characters: in the order of the list, each once.
    const ALL: &'static [(Self, &'static str, &'static str, f64)];

    fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().map(|entry| entry.0)
    }

    /// The name in files: stable, `snake_case`.
    fn name(self) -> &'static str {
        entry(self).1
    }

    /// The name for people.
    fn title(self) -> &'static str {
        entry(self).2
    }

    /// A sensible width on a sheet, in characters.
    fn width(self) -> f64 {
        entry(self).3
    }
}

fn entry<C: Columns>(column: C) -> &'static (C, &'static str, &'static str, f64) {
    C::ALL.iter().find(|entry| entry.0 == column).expect("ALL lists every variant")
}

/// One column of the table.
#[derive(Debug, Clone)]
pub(super) struct Column {
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Id,
    Kind,
    Key,
    Currency,
    Measure,
    AtRisk,
    Difference,
    OccurredAt,
    AgeDays,
    Status,
    Detail,
    Of(Side, OfSide),
    Owner,
    FirstPeriod,
    AgeInBusinessDays,
    Comments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OfSide {
    Amount,
    IssuerCommission,
    UserReward,
    Currency,
    Status,
    User,
    Merchant,
    CardFirstSix,
    CardLastFour,
    PaymentStatus,
    Reason,
    Account,
    ValidFrom,
    ValidTo,
    OccurredAt,
    Files,
    Lines,
}

impl Columns for OfSide {
    const ALL: &'static [(Self, &'static str, &'static str, f64)] = &[
        (Self::Amount, "amount", "amount", 14.0),
        (Self::IssuerCommission, "issuer_commission", "issuer commission", 14.0),
        (Self::UserReward, "user_reward", "user reward", 14.0),
        (Self::Currency, "currency", "currency", 10.0),
        (Self::Status, "status", "status", 12.0),
        (Self::User, "user", "user", 20.0),
        (Self::Merchant, "merchant", "merchant", 20.0),
        (Self::CardFirstSix, "card_first_six", "card first six", 10.0),
        (Self::CardLastFour, "card_last_four", "card last four", 10.0),
        (Self::PaymentStatus, "payment_status", "payment status", 14.0),
        (Self::Reason, "reason", "reason", 20.0),
        (Self::Account, "account", "account", 20.0),
        (Self::ValidFrom, "valid_from", "valid from", 11.0),
        (Self::ValidTo, "valid_to", "valid to", 11.0),
        (Self::OccurredAt, "occurred_at", "time (UTC)", 19.0),
        (Self::Files, "files", "files", 30.0),
        (Self::Lines, "lines", "lines", 12.0),
    ];
}

/// Every column, in the order of all renderings: what a person reads first, then each side, then its life.
pub(super) fn columns() -> Vec<Column> {
    let shared = [
        What::Id,
        What::Kind,
        What::Key,
        What::Currency,
        What::Measure,
        What::AtRisk,
        What::Difference,
        What::OccurredAt,
        What::AgeDays,
        What::Status,
        What::Detail,
    ];
    let of_sides = Side::ALL.into_iter().flat_map(|side| OfSide::all().map(move |of| What::Of(side, of)));
    let of_life = [What::Owner, What::FirstPeriod, What::AgeInBusinessDays, What::Comments];
    shared.into_iter().chain(of_sides).chain(of_life).map(|what| Column { what }).collect()
}

impl Column {
    /// The name in files: stable, `snake_case`.
    pub(super) fn name(&self) -> String {
        match self.what {
            What::Id => "id".into(),
            What::Kind => "kind".into(),
            What::Key => "key".into(),
            What::Currency => "currency".into(),
            What::Measure => "measure".into(),
            What::AtRisk => "at_risk".into(),
            What::Difference => "difference".into(),
            What::OccurredAt => "occurred_at".into(),
            What::AgeDays => "age_days".into(),
            What::Status => "status".into(),
            What::Detail => "detail".into(),
            What::Of(side, of) => format!("{side}_{}", of.name()),
            What::Owner => "owner".into(),
            What::FirstPeriod => "first_period".into(),
            What::AgeInBusinessDays => "age_business_days".into(),
            What::Comments => "comments".into(),
        }
    }

    /// The name for people.
    pub(super) fn title(&self) -> String {
        match self.what {
            What::Id => "Break id".into(),
            What::Kind => "Kind".into(),
            What::Key => "Key".into(),
            What::Currency => "Currency".into(),
            What::Measure => "Measure".into(),
            What::AtRisk => "At risk".into(),
            What::Difference => "Difference".into(),
            What::OccurredAt => "Occurred at (UTC)".into(),
            What::AgeDays => "Age in days".into(),
            What::Status => "Status".into(),
            What::Detail => "What differs".into(),
            What::Of(side, of) => {
                let name = match side {
                    Side::File => "File",
                    Side::Ledger => "Ledger",
                    Side::Webhooks => "Webhooks",
                };
                format!("{name}: {}", of.title())
            }
            What::Owner => "Owner".into(),
            What::FirstPeriod => "First seen in period".into(),
            What::AgeInBusinessDays => "Age in business days".into(),
            What::Comments => "Comments".into(),
        }
    }

    /// A sensible width on a sheet, in characters.
    pub(super) fn width(&self) -> f64 {
        match self.what {
            What::Id => 18.0,
            What::Kind => 24.0,
            What::OccurredAt | What::Measure => 19.0,
            What::Key | What::Owner => 22.0,
            What::Currency | What::FirstPeriod => 10.0,
            What::Status => 12.0,
            What::AgeDays | What::AgeInBusinessDays | What::Comments => 9.0,
            What::AtRisk | What::Difference => 13.0,
            What::Detail => 56.0,
            What::Of(_, of) => of.width(),
        }
    }

    pub(super) const fn kind(&self) -> ValueKind {
        match self.what {
            What::AtRisk
            | What::Difference
            | What::Of(_, OfSide::Amount | OfSide::IssuerCommission | OfSide::UserReward) => ValueKind::Amount,
            What::AgeDays | What::AgeInBusinessDays | What::Comments => ValueKind::Count,
            What::OccurredAt | What::Of(_, OfSide::OccurredAt) => ValueKind::Time,
            _ => ValueKind::Text,
        }
    }

    /// Whether its text is a sentence, which needs more than one line.
    pub(super) const fn is_long(&self) -> bool {
        matches!(self.what, What::Detail)
    }

    /// Whether a break can go without it: such a column is hidden on a sheet where it is empty.
    pub(super) const fn is_of_a_side(&self) -> bool {
        matches!(self.what, What::Of(..))
    }

    pub(super) fn value<'a>(&self, found: &'a Break, places: &Places<'a>) -> Value<'a> {
        let life = || places.life(&found.id);
        match self.what {
            What::Id => Value::text(&found.id),
            What::Kind => Value::text(found.kind.name()),
            What::Key => Value::text(&found.key),
            What::Currency if found.currency.is_empty() => Value::Empty,
            What::Currency => Value::text(&found.currency),
            // A break of a whole file is no amount of anything.
            What::Measure | What::AtRisk if found.currency.is_empty() && found.at_risk_minor == 0 => Value::Empty,
            What::Measure => Value::text(found.measure.name()),
            What::AtRisk => Value::amount(found.at_risk_minor.into(), &found.currency),
            What::Difference => optional_amount(found.difference_minor, &found.currency),
            What::OccurredAt => found.occurred_at.map_or(Value::Empty, Value::Time),
            What::AgeDays => Value::Count(found.age_days),
            What::Status => Value::text(found.status.name()),
            What::Detail => Value::text(&found.detail),
            What::Of(side, of) => {
                found.side(side).map_or(Value::Empty, |stated| of_side(of, side, stated, &found.currency, places))
            }
            What::Owner => Value::optional_text(life().and_then(|life| life.owner.as_deref())),
            What::FirstPeriod => Value::optional_text(life().map(|life| life.first_period.as_str())),
            What::AgeInBusinessDays => life().map_or(Value::Empty, |life| Value::Count(life.age_business_days)),
            What::Comments => life().map_or(Value::Empty, |life| Value::Count(life.comments.into())),
        }
    }
}

fn optional_amount<'a>(minor: Option<i64>, currency: &str) -> Value<'a> {
    minor.map_or(Value::Empty, |minor| Value::amount(minor.into(), currency))
}

fn of_side<'a>(of: OfSide, side: Side, stated: &'a SideFacts, shared: &str, places: &Places<'_>) -> Value<'a> {
    let currency = stated.currency.as_deref().unwrap_or(shared);
    match of {
        OfSide::Amount => optional_amount(stated.amount_minor, currency),
        OfSide::IssuerCommission => optional_amount(stated.issuer_commission_minor, currency),
        OfSide::UserReward => optional_amount(stated.user_reward_minor, currency),
        OfSide::Currency => Value::optional_text(stated.currency.as_deref()),
        OfSide::Status => Value::optional_text(stated.status.as_deref()),
        OfSide::User => Value::optional_text(stated.user.as_deref()),
        OfSide::Merchant => Value::optional_text(stated.merchant.as_deref()),
        OfSide::CardFirstSix => Value::optional_text(stated.card_first_six.as_deref()),
        OfSide::CardLastFour => Value::optional_text(stated.card_last_four.as_deref()),
        OfSide::PaymentStatus => Value::optional_text(stated.payment_status.as_deref()),
        OfSide::Reason => Value::optional_text(stated.reason.as_deref()),
        OfSide::Account => Value::optional_text(stated.account.as_deref()),
        OfSide::ValidFrom => Value::optional_text(stated.valid_from.as_deref()),
        OfSide::ValidTo => Value::optional_text(stated.valid_to.as_deref()),
        OfSide::OccurredAt => stated.occurred_at.map_or(Value::Empty, Value::Time),
        OfSide::Files | OfSide::Lines if stated.rows.is_empty() => Value::Empty,
        OfSide::Files => Value::text(places.files(side, &stated.rows)),
        OfSide::Lines => Value::text(Places::lines(&stated.rows)),
    }
}

/// What stands beside the breaks: the names of each side's files, to turn a [`RowRef`] into a place that a person can
/// open, and their lives.
#[derive(Debug)]
pub(super) struct Places<'a> {
    names: [Vec<&'a str>; 3],
    facts: &'a Facts,
}

impl<'a> Places<'a> {
    pub(super) fn new(facts: &'a Facts) -> Self {
        let names = Side::ALL.map(|side| {
            facts.inputs.iter().filter(|input| input.side == side).map(|input| input.name.as_str()).collect()
        });
        Self { names, facts }
    }

    /// What is known of a break beside what this run has found.
    pub(super) fn life(&self, id: &str) -> Option<&'a LifeFacts> {
        self.facts.life(id)
    }

    fn name(&self, side: Side, file: u32) -> Cow<'a, str> {
        let name = usize::try_from(file).ok().and_then(|index| self.names[side as usize].get(index));
        name.map_or_else(|| Cow::Owned(format!("{side} file {}", u64::from(file) + 1)), |name| Cow::Borrowed(*name))
    }

    /// The names of the files in which the rows stand, each once, parted by `; `.
    fn files(&self, side: Side, rows: &[RowRef]) -> String {
        by_file(rows).iter().map(|(file, _)| self.name(side, *file)).collect::<Vec<_>>().join("; ")
    }

    /// The lines of the rows: parted by blanks, and by `; ` where the next of `files` begins.
    fn lines(rows: &[RowRef]) -> String {
        let shown = &rows[..rows.len().min(MOST_LINES)];
        let lines_of = |of: &Vec<u64>| of.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        let mut text = by_file(shown).iter().map(|(_, lines)| lines_of(lines)).collect::<Vec<_>>().join("; ");
        if rows.len() > shown.len() {
            write!(text, " and {} more", rows.len() - shown.len()).expect("writing to a string cannot fail");
        }
        text
    }

    /// `ledger.csv line 12, 15; other.csv line 3`: the place in words.
    pub(super) fn in_words(&self, side: Side, rows: &[RowRef]) -> String {
        let shown = &rows[..rows.len().min(5)];
        let mut parts: Vec<String> = by_file(shown)
            .iter()
            .map(|(file, lines)| {
                let lines = lines.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
                format!("{} line {lines}", self.name(side, *file))
            })
            .collect();
        if rows.len() > shown.len() {
            parts.push(format!("{} more", rows.len() - shown.len()));
        }
        parts.join("; ")
    }
}

/// Lines grouped by file, both in the order given (rows come ordered by file and line).
fn by_file(rows: &[RowRef]) -> Vec<(u32, Vec<u64>)> {
    let mut groups: Vec<(u32, Vec<u64>)> = Vec::new();
    for row in rows {
        match groups.last_mut() {
            Some((file, lines)) if *file == row.file => lines.push(row.line),
            _ => groups.push((row.file, vec![row.line])),
        }
    }
    groups
}
