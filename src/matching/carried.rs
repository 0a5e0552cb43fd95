//! A file that carries items of earlier periods along: which keys are theirs alone.

use std::collections::{BTreeSet, HashSet};

use super::Rules;
use super::side::{Columns, RowView};
use crate::frames::{Field, Frame, Side};

/// What the provider's file of a period has to do with the files before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    /// Keys of this period's notifications that neither its file nor its ledger states, but a file of an earlier period.
    noticed: BTreeSet<String>,
}

impl Carried {
    /// `frames` are the period's own, `earlier` the files of the periods before it.
    pub fn of<'f>(key: Field, frames: &[Frame], earlier: impl IntoIterator<Item = &'f Frame>) -> Self {
        let columns: Vec<Columns> = frames.iter().map(Columns::of).collect();
        let of =
            |side: Side| columns.iter().filter(move |columns| columns.side == side).flat_map(|side| texts(side, key));
        let mut noticed: HashSet<&str> = of(Side::Webhooks).collect();
        for key in of(Side::File).chain(of(Side::Ledger)) {
            noticed.remove(key);
        }
        let mut known = BTreeSet::new();
        for frame in earlier {
            if noticed.is_empty() {
                break;
            }
            let columns = Columns::of(frame);
            known.extend(texts(&columns, key).filter(|key| noticed.contains(key)).map(str::to_owned));
        }
        Self { noticed: known }
    }

    /// Whether all that is said of a key is about an earlier period: its file rows settled before this one, or only
    /// notices of this period name it and an earlier file holds it. What the ledger books in the period never is.
    pub(super) fn is_of_earlier(&self, rules: &Rules, key: &str, buffers: &[Vec<RowView>; 3]) -> bool {
        let start_micros = rules.period.start.timestamp_micros();
        let earlier = |row: &RowView| row.settled_at.or(row.occurred_at).is_some_and(|micros| micros < start_micros);
        match [Side::File, Side::Ledger].map(|side| buffers[side as usize].as_slice()) {
            [[], []] => self.noticed.contains(key),
            [file, []] => file.iter().all(earlier),
            _ => false,
        }
    }
}

fn texts(columns: &Columns, field: Field) -> impl Iterator<Item = &str> {
    columns.numbered().filter_map(move |(_, row)| row.text(field))
}
