//! How each key of one side stands, whatever its period: for holding a file against that of the run before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::side::{Columns, Flags, RowView, SideView};
use super::{KeyFacts, MatchError, Pairing, Rules, fold, group};
use crate::frames::{Frame, Side};

/// What one side says of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing<'a> {
    pub status: Option<&'a str>,
    /// Minor units of `currency`.
    pub amount_minor: Option<i64>,
    pub currency: &'a str,
    /// Its rows contradict each other: how it stands is not known.
    pub contradicts: bool,
}

/// The keys of one side.
#[derive(Debug, Default)]
pub struct Standings<'a> {
    /// Those of which rows take part.
    pub known: HashMap<&'a str, Standing<'a>>,
    /// Those of which rows are there, and none takes part.
    pub left_out: BTreeSet<&'a str>,
}

/// The rows of one key: nearly every key has one.
struct Rows {
    first: u32,
    more: Vec<u32>,
}

impl<'a> Standings<'a> {
    /// Folds each key of the columns as a comparison does.
    ///
    /// # Errors
    /// When the sums of one key overflow, or there are more than 2³² rows.
    pub fn of(rules: &Rules, columns: &'a Columns) -> Result<Self, MatchError> {
        let mut standings = Self::default();
        let mut grouped: HashMap<&str, Rows> = HashMap::new();
        for (row, packed) in columns.numbered() {
            let Some(key) = packed.text(rules.matching.key) else { continue };
            if packed.excluded() != 0 {
                standings.left_out.insert(key);
            } else {
                let rows = grouped.entry(key);
                rows.and_modify(|rows| rows.more.push(row)).or_insert(Rows { first: row, more: Vec::new() });
            }
        }
        let mut buffer = Vec::new();
        for (key, rows) in grouped {
            buffer.clear();
            buffer.extend(std::iter::once(rows.first).chain(rows.more).map(|row| columns.view(row)));
            let view = folded(rules, columns.side, key, &mut buffer)?;
            standings.left_out.remove(key);
            standings.known.insert(key, Standing::of(&view));
        }
        Ok(standings)
    }
}

impl<'a> Standing<'a> {
    const fn of(view: &SideView<'a>) -> Self {
        Self {
            status: view.status,
            amount_minor: view.values[0],
            currency: view.row.currency,
            contradicts: view.flags.has(Flags::CONFLICT),
        }
    }
}

fn folded<'a>(rules: &Rules, side: Side, key: &str, rows: &mut [RowView<'a>]) -> Result<SideView<'a>, MatchError> {
    let folded = fold::fold(side, rules.matching.splits, rows);
    folded.map_err(|source| MatchError::Overflow { side, key: key.to_owned(), source })
}

/// What all sides say of these keys, whatever the period of their rows; in text order. A key of which no row takes part
/// has no side.
///
/// # Errors
/// When the sums of one key overflow, or there are more than 2³² rows.
pub fn facts_of(rules: &Rules, frames: &[Frame], keys: &BTreeSet<String>) -> Result<Vec<KeyFacts>, MatchError> {
    let mut found: BTreeMap<&str, [Option<super::KeySide>; 3]> =
        keys.iter().map(|key| (key.as_str(), [None, None, None])).collect();
    for frame in frames {
        let columns = Columns::of(frame);
        let mut rows: BTreeMap<&str, Vec<RowView<'_>>> = BTreeMap::new();
        for (row, packed) in columns.numbered() {
            let key = packed.text(rules.matching.key);
            if let Some(key) = key.filter(|key| packed.excluded() == 0 && keys.contains(*key)) {
                rows.entry(key).or_default().push(columns.view(row));
            }
        }
        for (key, mut rows) in rows {
            let view = folded(rules, columns.side, key, &mut rows)?;
            if let Some(sides) = found.get_mut(key) {
                sides[columns.side as usize] = Some(group::own(&view, &rows));
            }
        }
    }
    let facts = |(key, sides): (&str, _)| KeyFacts { key: key.to_owned(), sides, pairing: Pairing::ByKey };
    Ok(found.into_iter().map(facts).collect())
}
