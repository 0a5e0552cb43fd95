//! What is known of rows only when all are there: notifications that were delivered more than once (the same id with
//! the same content counts once), and rows of reports that a higher revision replaces.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::chunk::{Cell, Chunk, PackedRow};
use super::layout::Layout;
use crate::frames::schema::{Exclusion, Field};

#[derive(Debug, Default)]
pub(super) struct Marks {
    /// By a row's tag: whether its report was replaced.
    pub(super) replaced: Vec<bool>,
    /// The fields that are the content of a notification; none: rows are no notifications.
    pub(super) repeats: Option<Vec<Field>>,
}

impl Marks {
    /// Marks the rows of one part, which are all that bear their keys.
    pub(super) fn apply(&self, layout: &Layout, chunks: &mut [Chunk]) {
        if self.replaced.iter().any(|replaced| *replaced) {
            self.supersede(layout, chunks);
        }
        if let Some(content) = &self.repeats {
            repeated(layout, content, chunks);
        }
    }

    fn supersede(&self, layout: &Layout, chunks: &mut [Chunk]) {
        for chunk in chunks {
            let is_replaced = |row: PackedRow<'_>| {
                let replaced = row.tag().and_then(|tag| self.replaced.get(tag as usize));
                row.excluded() == 0 && replaced.is_some_and(|replaced| *replaced)
            };
            let found: Vec<_> = chunk.places().filter(|place| is_replaced(chunk.row(*place, layout))).collect();
            for place in found {
                chunk.exclude(place, Exclusion::Superseded as u8);
            }
        }
    }
}

/// Marks every row but the one received first (of several the first in order of file and line)
/// whose event id and content stand elsewhere too. The content is every canonical field but the
/// time of receipt: a repeat comes later, wherever it stands in the logs. Rows of the same content have the same key.
fn repeated(layout: &Layout, content: &[Field], chunks: &mut [Chunk]) {
    let mut order = Vec::new();
    for (number, chunk) in chunks.iter().enumerate() {
        for place in chunk.places() {
            let row = chunk.row(place, layout);
            if row.excluded() == 0 && row.text(Field::EventId).is_some() {
                order.push((row.number(Field::OccurredAt), number, place));
            }
        }
    }
    // Stable, and one without a time comes first: it may have come whenever.
    order.sort_by_key(|(received, ..)| *received);
    let mut first_rows: HashMap<u64, Vec<PackedRow<'_>>> = HashMap::new();
    let mut found = Vec::new();
    for (_, number, place) in order {
        let row = chunks[number].row(place, layout);
        let mut hasher = DefaultHasher::new();
        said(row, content).for_each(|(field, cell)| match cell {
            Cell::Text(text) => (field as u8, text).hash(&mut hasher),
            Cell::Number(number) => (field as u8, number).hash(&mut hasher),
        });
        let candidates = first_rows.entry(hasher.finish()).or_default();
        // The hash only finds candidates: equal is what is equal cell by cell.
        if candidates.iter().any(|first| said(*first, content).eq(said(row, content))) {
            found.push((number, place));
        } else {
            candidates.push(row);
        }
    }
    drop(first_rows);
    for (number, place) in found {
        chunks[number].exclude(place, Exclusion::RepeatedNotification as u8);
    }
}

fn said<'c>(row: PackedRow<'c>, content: &[Field]) -> impl Iterator<Item = (Field, Cell<'c>)> {
    row.cells().filter(|(field, _)| content.contains(field))
}
