//! Do the sides of one key agree? The same answer serves the fast path, which only counts, and
//! classification, which says what differs.

use super::Rules;
use super::side::{Flags, KeySide, Only, SideView};
use crate::frames::{Field, Measure, Side};
use crate::job::Splits;
use crate::period::parse_day;

/// What differs between the sides that state a key, as a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Differences(u8);

impl Differences {
    pub const CURRENCY: Self = Self(1);
    pub const AMOUNT: Self = Self(1 << 1);
    pub const COMMISSION: Self = Self(1 << 2);
    pub const REWARD: Self = Self(1 << 3);
    pub const STATUS: Self = Self(1 << 4);
    pub const IDENTITY: Self = Self(1 << 5);
    pub const PERIOD: Self = Self(1 << 6);
    pub const VALIDITY: Self = Self(1 << 7);

    /// A difference of that measure.
    pub const fn of(measure: Measure) -> Self {
        match measure {
            Measure::TransactionAmount => Self::AMOUNT,
            Measure::IssuerCommission => Self::COMMISSION,
            Measure::UserReward => Self::REWARD,
        }
    }

    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    const fn add_if(&mut self, differs: bool, other: Self) {
        if differs {
            self.0 |= other.0;
        }
    }
}

/// What is compared of one side, whether borrowed from columns or owned.
pub trait Stated {
    fn values(&self) -> [Option<i64>; 3];
    fn currency(&self) -> &str;
    fn status(&self) -> Option<&str>;
    fn text(&self, field: Field) -> Option<&str>;
    /// Microseconds, UTC.
    fn occurred_at(&self) -> Option<i64>;
    fn flags(&self) -> Flags;
}

impl Stated for SideView<'_> {
    fn values(&self) -> [Option<i64>; 3] {
        self.values
    }
    fn currency(&self) -> &str {
        self.row.currency
    }
    fn status(&self) -> Option<&str> {
        self.status
    }
    fn text(&self, field: Field) -> Option<&str> {
        SideView::text(self, field)
    }
    fn occurred_at(&self) -> Option<i64> {
        self.row.occurred_at
    }
    fn flags(&self) -> Flags {
        self.flags
    }
}

impl Stated for Only<'_, '_> {
    fn values(&self) -> [Option<i64>; 3] {
        self.0.values
    }
    fn currency(&self) -> &str {
        self.0.currency
    }
    fn status(&self) -> Option<&str> {
        self.0.status
    }
    fn text(&self, field: Field) -> Option<&str> {
        self.0.text(field)
    }
    fn occurred_at(&self) -> Option<i64> {
        self.0.occurred_at
    }
    fn flags(&self) -> Flags {
        Flags::NONE
    }
}

impl Stated for KeySide {
    fn values(&self) -> [Option<i64>; 3] {
        KeySide::values(self)
    }
    fn currency(&self) -> &str {
        KeySide::currency(self)
    }
    fn status(&self) -> Option<&str> {
        self.facts.status.as_deref()
    }
    fn text(&self, field: Field) -> Option<&str> {
        KeySide::text(self, field)
    }
    fn occurred_at(&self) -> Option<i64> {
        self.facts.occurred_at.map(|time| time.timestamp_micros())
    }
    fn flags(&self) -> Flags {
        self.flags
    }
}

impl<S: Stated> Stated for &S {
    fn values(&self) -> [Option<i64>; 3] {
        (**self).values()
    }
    fn currency(&self) -> &str {
        (**self).currency()
    }
    fn status(&self) -> Option<&str> {
        (**self).status()
    }
    fn text(&self, field: Field) -> Option<&str> {
        (**self).text(field)
    }
    fn occurred_at(&self) -> Option<i64> {
        (**self).occurred_at()
    }
    fn flags(&self) -> Flags {
        (**self).flags()
    }
}

/// Both ends of a validity.
pub const ENDS: [Field; 2] = [Field::ValidFrom, Field::ValidTo];

/// The sides two by two, in the order in which differences are told.
pub const PAIRS: [(Side, Side); 3] =
    [(Side::File, Side::Ledger), (Side::File, Side::Webhooks), (Side::Ledger, Side::Webhooks)];

/// Every side of the job states the key, nothing in it needs a second look, and all agree.
pub fn is_clean<S: Stated>(rules: &Rules, sides: &[Option<S>; 3]) -> bool {
    rules.sides.iter().all(|side| sides[*side as usize].as_ref().is_some_and(|stated| stated.flags().is_none()))
        && differences(rules, sides).is_none()
        && one_currency(sides)
        && !sides[Side::File as usize].as_ref().is_some_and(|file| has_failed(rules, file))
        && open_after_end(rules, sides).is_none()
}

/// Whether the file's status says that the provider has failed.
pub fn has_failed<S: Stated>(rules: &Rules, file: &S) -> bool {
    is_among(&rules.matching.failed, file.status())
}

fn is_among(words: &[String], status: Option<&str>) -> bool {
    !words.is_empty() && status.is_some_and(|status| words.iter().any(|word| word == status))
}

/// The side that states the end of the validity, where the file's status is none to have after that end: the file, or
/// failing that the ledger.
pub fn open_after_end<S: Stated>(rules: &Rules, sides: &[Option<S>; 3]) -> Option<Side> {
    let file = sides[Side::File as usize].as_ref()?;
    if !is_among(&rules.matching.open_after_end, file.status()) {
        return None;
    }
    let ends = |side: &Side| sides[*side as usize].as_ref().is_some_and(|stated| stated.text(Field::ValidTo).is_some());
    let side = [Side::File, Side::Ledger].into_iter().find(ends)?;
    let end = parse_day(sides[side as usize].as_ref()?.text(Field::ValidTo)?)?;
    (end < rules.last_day()).then_some(side)
}

/// Sums are kept by currency, whether or not the job compares currencies.
fn one_currency<S: Stated>(sides: &[Option<S>; 3]) -> bool {
    let mut stated = sides.iter().flatten().map(Stated::currency);
    let first = stated.next();
    stated.all(|currency| Some(currency) == first)
}

/// Compares the sides that are there, two by two.
pub fn differences<S: Stated>(rules: &Rules, sides: &[Option<S>; 3]) -> Differences {
    let mut found = Differences::default();
    for (left, right) in PAIRS {
        let (Some(left_stated), Some(right_stated)) = (&sides[left as usize], &sides[right as usize]) else { continue };
        found.0 |= pair_differences(rules, (left, left_stated), (right, right_stated)).0;
    }
    found
}

/// Compares two sides of one key.
pub fn pair_differences<S: Stated>(rules: &Rules, left: (Side, &S), right: (Side, &S)) -> Differences {
    let mut found = Differences::default();
    let matching = &rules.matching;
    let same_currency = left.1.currency() == right.1.currency();
    found.add_if(matching.currency && !same_currency, Differences::CURRENCY);
    let (left_values, right_values) = (left.1.values(), right.1.values());
    for measure in Measure::ALL {
        let tolerance_minor = matching.tolerance_minor(measure);
        if let (true, Some(tolerance_minor), Some(left_minor), Some(right_minor)) =
            (same_currency, tolerance_minor, left_values[measure as usize], right_values[measure as usize])
        {
            let apart = left_minor.abs_diff(right_minor);
            found.add_if(apart > tolerance_minor.unsigned_abs(), Differences::of(measure));
        }
    }
    found.add_if(statuses_differ(rules, left.1.status(), right.1.status()), Differences::STATUS);
    found.add_if(matching.identity.iter().any(|field| texts_differ(*field, left, right)), Differences::IDENTITY);
    found
        .add_if(matching.validity && ENDS.iter().any(|field| texts_differ(*field, left, right)), Differences::VALIDITY);
    // A balance has no time of its own.
    found.add_if(matching.splits != Splits::Balance && times_differ(rules, left, right), Differences::PERIOD);
    found
}

/// Statuses agree when they are equal, listed as the same, or one side states none.
pub fn statuses_differ(rules: &Rules, left: Option<&str>, right: Option<&str>) -> bool {
    let (Some(same), Some(left), Some(right)) = (&rules.matching.status, left, right) else { return false };
    // A valid-transaction notice says that Kard could read it, not how far it got.
    let silent = |status: &str| status == "VALID" || status == "CLAWBACK";
    left != right
        && !silent(left)
        && !silent(right)
        && !same.iter().any(|(a, b)| (a == left && b == right) || (a == right && b == left))
}

/// A notification names the merchant in words, the others by id: that tells nothing.
pub fn texts_differ<S: Stated>(field: Field, left: (Side, &S), right: (Side, &S)) -> bool {
    if field == Field::Merchant && (left.0 == Side::Webhooks || right.0 == Side::Webhooks) {
        return false;
    }
    matches!((left.1.text(field), right.1.text(field)), (Some(left), Some(right)) if left != right)
}

/// A notification's time is that of its receipt, so only file and ledger are held against each other.
fn times_differ<S: Stated>(rules: &Rules, left: (Side, &S), right: (Side, &S)) -> bool {
    if left.0 == Side::Webhooks || right.0 == Side::Webhooks {
        return false;
    }
    let (Some(left_micros), Some(right_micros)) = (left.1.occurred_at(), right.1.occurred_at()) else { return false };
    match rules.matching.date_tolerance {
        Some(tolerance) => {
            let tolerance_micros = tolerance.num_microseconds().unwrap_or(i64::MAX).unsigned_abs();
            left_micros.abs_diff(right_micros) > tolerance_micros
        }
        None => in_period(rules, left_micros) != in_period(rules, right_micros),
    }
}

/// Does the instant (microseconds, UTC) lie in the run's period?
pub fn in_period(rules: &Rules, micros: i64) -> bool {
    (rules.period.start.timestamp_micros()..rules.period.end.timestamp_micros()).contains(&micros)
}
