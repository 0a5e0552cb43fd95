//! What filters and sorting need of every break of a run, close together: some eighty bytes a break.

use std::collections::HashMap;
use std::path::Path;

use polars::prelude::{DataFrame, DataType, Int64Chunked, PolarsResult, StringChunked};

use super::query::{Filter, Outline};
use super::table::each_group;

/// No time, no count.
pub(super) const NOTHING: i64 = i64::MIN;

const COLUMNS: [&str; 10] =
    ["id", "kind", "key", "currency", "measure", "at_risk_minor", "occurred_at", "age_days", "status", "owner"];

/// The columns, each as long as the run has breaks.
#[derive(Debug, Default)]
pub struct Index {
    pub(super) ids: Texts,
    pub(super) keys: Texts,
    pub(super) kinds: Names,
    pub(super) statuses: Names,
    /// An empty name where there is none; so are measures and owners.
    pub(super) currencies: Names,
    pub(super) measures: Names,
    pub(super) owners: Names,
    /// Minor units of the currency; none for what is about a whole file.
    pub(super) at_risk_minor: Vec<Option<i64>>,
    /// Microseconds since 1970 in UTC, or [`NOTHING`].
    pub(super) occurred_at: Vec<i64>,
    pub(super) age_days: Vec<i64>,
}

impl Index {
    /// How many breaks.
    pub fn len(&self) -> usize {
        self.age_days.len()
    }

    /// Whether the run has found none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        let names = [&self.kinds, &self.statuses, &self.currencies, &self.measures, &self.owners];
        self.ids.bytes()
            + self.keys.bytes()
            + names.into_iter().map(Names::bytes).sum::<usize>()
            + self.at_risk_minor.capacity() * size_of::<Option<i64>>()
            + (self.occurred_at.capacity() + self.age_days.capacity()) * size_of::<i64>()
    }

    fn add(&mut self, frame: &DataFrame) -> PolarsResult<()> {
        let text = |name: &str| -> PolarsResult<StringChunked> { Ok(frame.column(name)?.str()?.clone()) };
        let whole = |name: &str| -> PolarsResult<Int64Chunked> {
            Ok(frame.column(name)?.cast(&DataType::Int64)?.i64()?.clone())
        };
        text("id")?.iter().for_each(|id| self.ids.push(id.unwrap_or_default()));
        text("key")?.iter().for_each(|key| self.keys.push(key.unwrap_or_default()));
        let names = [
            ("kind", &mut self.kinds),
            ("status", &mut self.statuses),
            ("currency", &mut self.currencies),
            ("measure", &mut self.measures),
            ("owner", &mut self.owners),
        ];
        for (column, names) in names {
            text(column)?.iter().for_each(|name| names.push(name.unwrap_or_default()));
        }
        self.at_risk_minor.extend(whole("at_risk_minor")?.iter());
        self.occurred_at.extend(whole("occurred_at")?.iter().map(|micros| micros.unwrap_or(NOTHING)));
        self.age_days.extend(whole("age_days")?.iter().map(Option::unwrap_or_default));
        Ok(())
    }

    fn shrink(&mut self) {
        self.ids.shrink();
        self.keys.shrink();
        for names in [&mut self.kinds, &mut self.statuses, &mut self.currencies, &mut self.measures, &mut self.owners] {
            names.of.shrink_to_fit();
        }
        self.at_risk_minor.shrink_to_fit();
        self.occurred_at.shrink_to_fit();
        self.age_days.shrink_to_fit();
    }
}

/// Reads the columns, a row group at a time.
pub(super) fn build(path: &Path) -> PolarsResult<Index> {
    let mut index = Index::default();
    each_group(path, &COLUMNS, |_, frame| {
        index.add(frame)?;
        Ok(true)
    })?;
    index.shrink();
    Ok(index)
}

/// Count, sums and names of all breaks, without an index.
pub(super) fn outline(path: &Path) -> PolarsResult<Outline> {
    let mut outline = Outline::default();
    each_group(path, &["kind", "currency", "measure", "at_risk_minor", "owner"], |_, frame| {
        let text = |name: &str| frame.column(name)?.str();
        let (kinds, owners) = (text("kind")?, text("owner")?);
        let (currencies, measures) = (text("currency")?, text("measure")?);
        let amounts = frame.column("at_risk_minor")?.i64()?;
        for ((currency, measure), minor) in currencies.iter().zip(measures.iter()).zip(amounts.iter()) {
            outline.sums.add(currency.unwrap_or_default(), measure.unwrap_or_default(), minor);
        }
        for (kind, owner) in kinds.iter().zip(owners.iter()) {
            outline.add(kind.unwrap_or_default(), owner.unwrap_or_default());
        }
        Ok(true)
    })?;
    Ok(outline)
}

/// The same from an index.
pub(super) fn outline_of(index: &Index) -> Outline {
    let mut outline = Outline { sums: super::query::sums(index, &Filter::default()), ..Outline::default() };
    (0..index.len()).for_each(|row| outline.add(index.kinds.get(row), index.owners.get(row)));
    outline
}

/// Many texts, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    pub(super) fn get(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.text[start..self.ends[row]]
    }

    fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<usize>()
    }
}

/// A column of few different texts: their numbers.
#[derive(Debug, Default)]
pub(super) struct Names {
    all: Vec<String>,
    numbers: HashMap<String, u32>,
    of: Vec<u32>,
}

impl Names {
    fn push(&mut self, name: &str) {
        let number = self.numbers.get(name).copied().unwrap_or_else(|| {
            let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
            self.all.push(name.to_owned());
            self.numbers.insert(name.to_owned(), number);
            number
        });
        self.of.push(number);
    }

    pub(super) fn get(&self, row: usize) -> &str {
        &self.all[self.of[row] as usize]
    }

    /// For each name, by its number, whether it is one of those that are wanted.
    pub(super) fn are(&self, wanted: impl Fn(&str) -> bool) -> Vec<bool> {
        self.all.iter().map(|name| wanted(name)).collect()
    }

    /// For each name, by its number, its place among all of them in order of text; what is empty stands last.
    pub(super) fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..).take(self.all.len()).collect();
        order.sort_by_key(|number| {
            let name = &self.all[*number as usize];
            (name.is_empty(), name)
        });
        let mut ranks = vec![0; order.len()];
        for (rank, number) in (0..).zip(order) {
            ranks[number as usize] = rank;
        }
        ranks
    }

    pub(super) fn number(&self, row: usize) -> usize {
        self.of[row] as usize
    }

    pub(super) fn names(&self) -> &[String] {
        &self.all
    }

    fn bytes(&self) -> usize {
        let names: usize = self.all.iter().map(|name| 2 * (name.capacity() + size_of::<String>())).sum();
        names + self.of.capacity() * size_of::<u32>()
    }
}
