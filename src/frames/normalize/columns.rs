//! Where canonical values go: summed up, and packed.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::io;

use crate::frames::rows::{Cell, Packer, Rows, Spread, Taken};
use crate::frames::schema::{Exclusion, Field, Measure};
use crate::frames::totals::{ControlTotals, Summing};

/// One canonical value of a row. It borrows from the row, or from [`Kept`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'r> {
    Null,
    Text(&'r str),
    /// Minor units or microseconds.
    Number(i64),
}

/// Texts of one row that are written otherwise than in its file: few, and none in most rows.
#[derive(Debug, Default)]
pub(crate) struct Kept(OnceCell<Box<(String, Self)>>);

impl Kept {
    /// The text, for as long as the row is worked at.
    pub(crate) fn text<'r>(&'r self, text: Cow<'r, str>) -> &'r str {
        let mut text = match text {
            Cow::Borrowed(text) => return text,
            Cow::Owned(text) => text,
        };
        let mut last = self;
        loop {
            match last.0.set(Box::new((text, Self::default()))) {
                Ok(()) => return last.0.get().map_or("", |kept| kept.0.as_str()),
                Err(refused) => text = refused.0,
            }
            last = &last.0.get().expect("it is set, or this would have set it").1;
        }
    }
}

/// The values of one row, by field.
pub(crate) type Values<'r> = [Value<'r>; Field::ALL.len()];

/// The rows of an input and their sums while they grow.
#[derive(Debug)]
pub(crate) struct Columns {
    /// In order.
    fields: Vec<Field>,
    key: Field,
    packer: Packer,
    summing: Summing,
}

impl Columns {
    /// `fields` are those that the job maps.
    pub(crate) fn new(key: Field, fields: impl Iterator<Item = Field>, spread: Spread) -> Self {
        let mut fields: Vec<Field> = fields.collect();
        fields.sort_unstable();
        let packer = Packer::new(key, fields.iter().copied(), spread);
        Self { fields, key, packer, summing: Summing::default() }
    }

    /// Takes a row in; `tag`: which revision of a report it is of.
    pub(crate) fn push(
        &mut self,
        (file, line): (u32, u64),
        excluded: Option<Exclusion>,
        tag: Option<u32>,
        values: &Values<'_>,
    ) {
        let text = |field: Field| match values[field as usize] {
            Value::Text(text) => text,
            _ => "",
        };
        let measures = Measure::ALL.map(|measure| match values[measure.field() as usize] {
            Value::Number(minor) => Some(minor),
            _ => None,
        });
        self.summing.add(file, text(Field::Currency), measures);
        let cell = |field: Field| match values[field as usize] {
            Value::Null => None,
            Value::Text(text) => Some(Cell::Text(text)),
            Value::Number(number) => Some(Cell::Number(number)),
        };
        let excluded = excluded.map_or(0, |reason| reason as u32);
        self.packer.push(Taken { key: text(self.key), file, line, excluded, tag }, cell);
    }

    /// The rows and their sums. `replaced`: by tag, whether a higher revision replaces it.
    ///
    /// # Errors
    /// When the disk refused rows that are more than may be held.
    pub(crate) fn finish(self, replaced: Vec<bool>) -> io::Result<(Rows, ControlTotals)> {
        let content = || self.fields.iter().copied().filter(|field| *field != Field::OccurredAt).collect();
        let repeats = self.fields.contains(&Field::EventId).then(content);
        Ok((self.packer.finish(replaced, repeats)?, self.summing.finish()))
    }
}
