//! Which breaks, and in which order: answered from an [`Index`]. Pure.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::index::{Index, NOTHING};
use crate::breaks::BreakStatus;
use crate::money::exponent;

/// Which breaks. The default is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub kind: Option<String>,
    /// None: all.
    pub statuses: Vec<BreakStatus>,
    /// ISO 4217
    pub currency: Option<String>,
    /// `Some("")`: of nobody.
    pub owner: Option<String>,
    /// Whole days from the time that the break states to the period's end: first and last.
    pub age_days: Option<(i64, i64)>,
    /// At least so much at risk, in units of the break's currency.
    pub least: Option<Decimal>,
    /// How the key or the id begins.
    pub begins: Option<String>,
}

/// The column by which a list stands in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// As the report lists them.
    Report,
    Kind,
    Key,
    Currency,
    AtRisk,
    OccurredAt,
    Age,
    Status,
    Owner,
}

impl Sort {
    pub const ALL: [Self; 9] = [
        Self::Report,
        Self::Kind,
        Self::Key,
        Self::Currency,
        Self::AtRisk,
        Self::OccurredAt,
        Self::Age,
        Self::Status,
        Self::Owner,
    ];

    /// The name in addresses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Kind => "kind",
            Self::Key => "key",
            Self::Currency => "currency",
            Self::AtRisk => "at_risk",
            Self::OccurredAt => "occurred_at",
            Self::Age => "age",
            Self::Status => "status",
            Self::Owner => "owner",
        }
    }

    /// The column of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.name() == name)
    }
}

/// Which end of the order comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub filter: Filter,
    pub sort: Sort,
    pub direction: Direction,
    /// How many breaks stand before the page, and how many it holds at most.
    pub skip: usize,
    pub take: usize,
}

/// What a query finds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The rows of the page, in order.
    pub rows: Vec<u32>,
    /// Of everything that the filter finds.
    pub sums: Sums,
}

/// What is at risk, by currency and measure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    pub breaks: usize,
    /// (Currency, measure) → breaks, and the sum of what is at risk in minor units.
    pub at_risk: BTreeMap<(String, String), (usize, i128)>,
    /// Breaks about whole files, which are no amount of anything.
    pub without_amount: usize,
}

impl Sums {
    /// One break more.
    pub(super) fn add(&mut self, currency: &str, measure: &str, minor: Option<i64>) {
        self.breaks += 1;
        let Some(minor) = minor.filter(|_| !currency.is_empty()) else {
            self.without_amount += 1;
            return;
        };
        // Most breaks are of few currencies: no text is made for one that is known.
        let known = self.at_risk.iter_mut().find(|((code, what), _)| code == currency && what == measure);
        let sum = match known {
            Some((_, sum)) => sum,
            None => self.at_risk.entry((currency.to_owned(), measure.to_owned())).or_default(),
        };
        sum.0 += 1;
        sum.1 += i128::from(minor);
    }
}

/// What stands in a run, in short: count and sums, and what a filter can choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    pub sums: Sums,
    /// Kind → breaks.
    pub kinds: BTreeMap<String, usize>,
    pub owners: BTreeSet<String>,
}

impl Outline {
    /// The currencies of its breaks, in order.
    pub fn currencies(&self) -> BTreeSet<&str> {
        self.sums.at_risk.keys().map(|(currency, _)| currency.as_str()).collect()
    }

    pub(super) fn add(&mut self, kind: &str, owner: &str) {
        match self.kinds.get_mut(kind) {
            Some(count) => *count += 1,
            None => _ = self.kinds.insert(kind.to_owned(), 1),
        }
        if !owner.is_empty() && !self.owners.contains(owner) {
            self.owners.insert(owner.to_owned());
        }
    }
}

/// The sums of what a filter finds.
pub fn sums(index: &Index, filter: &Filter) -> Sums {
    sums_of(index, &matching(index, filter))
}

/// One page of what the filter finds. The pages of one query, together, hold every break that it finds exactly once:
/// what is equal stands in the order of the report.
pub fn page(index: &Index, query: &Query) -> Page {
    let mut rows = matching(index, &query.filter);
    let sums = sums_of(index, &rows);
    let start = query.skip.min(rows.len());
    let end = start.saturating_add(query.take).min(rows.len());
    let order = Order::new(index, query);
    // Only the page itself is sorted; the rest is parted before and behind it.
    if start > 0 && start < rows.len() {
        rows.select_nth_unstable_by(start, |one, other| order.compare(*one, *other));
    }
    let behind = &mut rows[start..];
    if end - start < behind.len() && end > start {
        behind.select_nth_unstable_by(end - start, |one, other| order.compare(*one, *other));
    }
    let mut rows = behind[..end - start].to_vec();
    rows.sort_unstable_by(|one, other| order.compare(*one, *other));
    Page { rows, sums }
}

fn sums_of(index: &Index, rows: &[u32]) -> Sums {
    // By the numbers of the names, which are few; the names come in at the end.
    let measures = index.measures.names().len().max(1);
    let mut table = vec![(0_usize, 0_i128); index.currencies.names().len().max(1) * measures];
    let mut sums = Sums { breaks: rows.len(), ..Sums::default() };
    for row in rows {
        let row = *row as usize;
        let minor = index.at_risk_minor[row].filter(|_| !index.currencies.get(row).is_empty());
        if let Some(minor) = minor {
            let sum = &mut table[index.currencies.number(row) * measures + index.measures.number(row)];
            sum.0 += 1;
            sum.1 += i128::from(minor);
        } else {
            sums.without_amount += 1;
        }
    }
    for (place, sum) in table.into_iter().enumerate().filter(|(_, (count, _))| *count > 0) {
        let names = (&index.currencies.names()[place / measures], &index.measures.names()[place % measures]);
        sums.at_risk.insert((names.0.clone(), names.1.clone()), sum);
    }
    sums
}

/// The rows that pass the filter, in the order of the report.
fn matching(index: &Index, filter: &Filter) -> Vec<u32> {
    let is = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
    let kinds = index.kinds.are(|name| is(&filter.kind, name));
    let currencies = index.currencies.are(|name| is(&filter.currency, name));
    let owners = index.owners.are(|name| is(&filter.owner, name));
    let of_status = |name: &str| filter.statuses.iter().any(|status| status.name() == name);
    let statuses = index.statuses.are(|name| filter.statuses.is_empty() || of_status(name));
    let least: Vec<Option<i128>> = index.currencies.names().iter().map(|code| least_minor(filter, code)).collect();
    let passes = |row: usize| {
        kinds[index.kinds.number(row)]
            && statuses[index.statuses.number(row)]
            && currencies[index.currencies.number(row)]
            && owners[index.owners.number(row)]
            && filter.age_days.is_none_or(|(first, last)| (first..=last).contains(&index.age_days[row]))
            && least[index.currencies.number(row)].is_none_or(|least| is_enough(index, row, least))
            && filter.begins.as_deref().is_none_or(|begins| begins_so(index, row, begins))
    };
    (0..).take(index.len()).filter(|row: &u32| passes(*row as usize)).collect()
}

/// What is about a whole file is no amount.
fn is_enough(index: &Index, row: usize, least: i128) -> bool {
    !index.currencies.get(row).is_empty() && index.at_risk_minor[row].is_some_and(|minor| i128::from(minor) >= least)
}

/// Ids are hexadecimal digits, in which case says nothing.
fn begins_so(index: &Index, row: usize, begins: &str) -> bool {
    let id = index.ids.get(row).as_bytes();
    index.keys.get(row).starts_with(begins)
        || id.get(..begins.len()).is_some_and(|first| first.eq_ignore_ascii_case(begins.as_bytes()))
}

/// The least amount in minor units of a currency: the next whole one where it has fewer decimals.
fn least_minor(filter: &Filter, currency: &str) -> Option<i128> {
    let least = filter.least?;
    let factor = Decimal::from(10_i64.pow(u32::from(exponent(currency).unwrap_or(2))));
    let minor = least.checked_mul(factor).map(|minor| minor.ceil());
    // More than any amount can be.
    Some(minor.and_then(|minor| i128::try_from(minor).ok()).unwrap_or(i128::MAX))
}

struct Order<'i> {
    index: &'i Index,
    sort: Sort,
    direction: Direction,
    /// By number of name, for a column of names.
    ranks: Vec<u32>,
}

impl<'i> Order<'i> {
    fn new(index: &'i Index, query: &Query) -> Self {
        let ranks = match query.sort {
            Sort::Kind => index.kinds.ranks(),
            Sort::Currency => index.currencies.ranks(),
            Sort::Status => index.statuses.ranks(),
            Sort::Owner => index.owners.ranks(),
            _ => Vec::new(),
        };
        Self { index, sort: query.sort, direction: query.direction, ranks }
    }

    fn compare(&self, one: u32, other: u32) -> Ordering {
        let (a, b) = (one as usize, other as usize);
        let index = self.index;
        let by_rank = |names: &super::index::Names| self.ranks[names.number(a)].cmp(&self.ranks[names.number(b)]);
        let order = match self.sort {
            Sort::Report => one.cmp(&other),
            Sort::Kind => by_rank(&index.kinds),
            Sort::Currency => by_rank(&index.currencies),
            Sort::Status => by_rank(&index.statuses),
            Sort::Owner => by_rank(&index.owners),
            Sort::Key => index.keys.get(a).cmp(index.keys.get(b)),
            Sort::Age => index.age_days[a].cmp(&index.age_days[b]),
            Sort::AtRisk => return self.known_first(index.at_risk_minor[a], index.at_risk_minor[b], one, other),
            Sort::OccurredAt => {
                let known = |row: usize| Some(index.occurred_at[row]).filter(|micros| *micros != NOTHING);
                return self.known_first(known(a), known(b), one, other);
            }
        };
        self.directed(order).then(one.cmp(&other))
    }

    /// What is not stated stands last in either direction.
    fn known_first(&self, a: Option<i64>, b: Option<i64>, one: u32, other: u32) -> Ordering {
        let order = match (a, b) {
            (Some(a), Some(b)) => self.directed(a.cmp(&b)),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        order.then(one.cmp(&other))
    }

    const fn directed(&self, order: Ordering) -> Ordering {
        match self.direction {
            Direction::Ascending => order,
            Direction::Descending => order.reverse(),
        }
    }
}
