//! What every rendering shows of what a job has sent: counts by fate, and one list with one set of columns.

use std::collections::BTreeMap;

use super::amount::{count, money};
use super::facts::{Facts, Fate, ParcelFacts};
use super::table::{Columns, Value, ValueKind};
use super::text::counted;
use crate::effects::EffectKind;

/// The parcels of one kind that share a fate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FateTotal {
    pub(super) kind: EffectKind,
    pub(super) fate: Fate,
    pub(super) parcels: u64,
    pub(super) rows: u64,
    /// Of these rows, refused by themselves.
    pub(super) rejected_rows: u64,
    pub(super) bytes: u64,
    /// Currency → minor units.
    pub(super) totals_minor: BTreeMap<String, i128>,
}

/// Fates, the one that needs a person most first: the order of lists.
const BY_URGENCY: [Fate; 7] =
    [Fate::InDoubt, Fate::Refused, Fate::Overdue, Fate::Unsent, Fate::Awaited, Fate::Accepted, Fate::Declined];

/// The parcels by kind, and within a kind by fate, the most urgent first.
pub(super) fn by_fate(parcels: &[ParcelFacts]) -> Vec<FateTotal> {
    let pairs = EffectKind::ALL.into_iter().flat_map(|kind| BY_URGENCY.map(|fate| (kind, fate)));
    let of_pair = |(kind, fate)| {
        let totals_minor = BTreeMap::new();
        let mut total = FateTotal { kind, fate, parcels: 0, rows: 0, rejected_rows: 0, bytes: 0, totals_minor };
        for parcel in parcels.iter().filter(|parcel| (parcel.kind, parcel.fate) == (kind, fate)) {
            total.parcels += 1;
            total.rows += parcel.rows;
            total.rejected_rows += parcel.rejected_rows;
            total.bytes += parcel.bytes;
            for (currency, minor) in &parcel.totals_minor {
                *total.totals_minor.entry(currency.clone()).or_default() += minor;
            }
        }
        (total.parcels > 0).then_some(total)
    };
    pairs.filter_map(of_pair).collect()
}

/// The parcels that are not accepted, the most urgent first, otherwise in the order of the plan.
pub(super) fn not_accepted(parcels: &[ParcelFacts]) -> Vec<&ParcelFacts> {
    let of_fate = |fate| parcels.iter().filter(move |parcel| parcel.fate == fate);
    BY_URGENCY.into_iter().filter(|fate| *fate != Fate::Accepted).flat_map(of_fate).collect()
}

/// `USD 1,250.00, JPY 500`
pub(super) fn sums_in_words(totals_minor: &BTreeMap<String, i128>) -> String {
    totals_minor.iter().map(|(currency, minor)| money(*minor, currency)).collect::<Vec<_>>().join(", ")
}

/// What was sent, for the headline: `3 bulk files with 1,000,000 rows are sent`.
pub(super) fn headline(facts: &Facts) -> Option<String> {
    let parcels = facts.sent.as_deref()?;
    let Some(first) = parcels.first() else { return Some("nothing to send".to_owned()) };
    // A job sends parcels of one kind.
    let (one, many) = (first.kind.words(1), first.kind.words(2));
    let all = parcels.len() as u64;
    let sent: Vec<&ParcelFacts> = parcels.iter().filter(|parcel| parcel.fate.is_sent()).collect();
    let number = sent.len() as u64;
    let rows = counted(sent.iter().map(|parcel| parcel.rows).sum(), "row", "rows");
    let is = if number == 1 { "is" } else { "are" };
    Some(match number {
        0 => "nothing is sent yet".to_owned(),
        _ if number == all => format!("{} with {rows} {is} sent", counted(all, one, many)),
        _ => format!("{} of {} with {rows} {is} sent", count(number), counted(all, one, many)),
    })
}

/// What is still to come of it, in whole sentences.
pub(super) fn waiting(facts: &Facts) -> Vec<String> {
    let told = |fate: Fate, (one, many): (&str, &str)| {
        let totals = by_fate(facts.parcels()).into_iter().filter(move |total| total.fate == fate);
        let (one, many) = (one.to_owned(), many.to_owned());
        totals.map(move |total| {
            let which = counted(total.parcels, total.kind.words(1), total.kind.words(2));
            let rows = counted(total.rows, "row", "rows");
            format!("{which} with {rows} {}.", if total.parcels == 1 { &one } else { &many })
        })
    };
    let unsent = told(Fate::Unsent, ("is still to be sent", "are still to be sent"));
    let awaited = ("waits to be confirmed by Kard", "wait to be confirmed by Kard");
    unsent.chain(told(Fate::Awaited, awaited)).collect()
}

impl Fate {
    /// All of it has left, and Kard has taken it.
    const fn is_sent(self) -> bool {
        matches!(self, Self::Accepted | Self::Awaited | Self::Overdue)
    }
}

/// One line of the list: a parcel, or of one in several currencies each of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    parcel: &'a ParcelFacts,
    /// What counts the parcel as a whole stands on its first line, so that every column adds up.
    is_first: bool,
    /// None where no row states an amount.
    sum: Option<(&'a str, i128)>,
}

/// The whole list, in the order of the plan.
pub(super) fn lines(parcels: &[ParcelFacts]) -> impl Iterator<Item = Line<'_>> {
    parcels.iter().flat_map(|parcel| {
        let sums = parcel.totals_minor.iter().map(|(currency, minor)| Some((currency.as_str(), *minor)));
        let none = parcel.totals_minor.is_empty().then_some(None);
        sums.chain(none).enumerate().map(move |(index, sum)| Line { parcel, is_first: index == 0, sum })
    })
}

/// The list's columns in files and on the sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Name,
    Kind,
    User,
    Fate,
    Rows,
    RowsRefused,
    Sum,
    Currency,
    Bytes,
    Sha256,
    ProviderId,
    Effect,
}

impl Columns for Column {
    const ALL: &'static [(Self, &'static str, &'static str, f64)] = &[
        (Self::Name, "parcel", "Parcel", 46.0),
        (Self::Kind, "kind", "Kind", 15.0),
        (Self::User, "user", "User", 18.0),
        (Self::Fate, "fate", "What became of it", 22.0),
        (Self::Rows, "rows", "Rows", 12.0),
        (Self::RowsRefused, "rows_refused", "Rows refused", 10.0),
        (Self::Sum, "sum", "Sum", 17.0),
        (Self::Currency, "currency", "Currency", 10.0),
        (Self::Bytes, "bytes", "Bytes", 15.0),
        (Self::Sha256, "sha256", "SHA-256", 68.0),
        (Self::ProviderId, "provider_id", "Kard's id", 38.0),
        (Self::Effect, "effect", "Effect id", 18.0),
    ];
}

impl Column {
    pub(super) const fn kind(self) -> ValueKind {
        match self {
            Self::Sum => ValueKind::Amount,
            Self::Rows | Self::RowsRefused | Self::Bytes => ValueKind::Count,
            _ => ValueKind::Text,
        }
    }

    /// `people` reads words, a script names.
    pub(super) fn value<'a>(self, line: &Line<'a>, people: bool) -> Value<'a> {
        let parcel = line.parcel;
        let of_whole = |number: u64| if line.is_first { Value::count(number) } else { Value::Empty };
        match self {
            Self::Name => Value::text(&*parcel.name),
            Self::Kind => Value::text(parcel.kind.name()),
            Self::User => Value::optional_text(parcel.user.as_deref()),
            Self::Fate => Value::text(if people { parcel.fate.words() } else { parcel.fate.name() }),
            Self::Rows => of_whole(parcel.rows),
            Self::RowsRefused => of_whole(parcel.rejected_rows),
            Self::Sum => line.sum.map_or(Value::Empty, |(currency, minor)| Value::amount(minor, currency)),
            Self::Currency => Value::optional_text(line.sum.map(|sum| sum.0)),
            Self::Bytes => of_whole(parcel.bytes),
            Self::Sha256 => Value::text(&*parcel.sha256),
            Self::ProviderId => Value::optional_text(parcel.provider_id.as_deref()),
            Self::Effect => Value::text(&*parcel.effect),
        }
    }
}
