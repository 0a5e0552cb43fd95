//! One mapped field, compiled: which cells it looks at, and how it reads them.

use super::line::TimeText;
use super::schema::{Kind, Published};
use super::values::{self, Value};
use super::{AmountSign, FieldColumn, Scratch};
use crate::frames::{TimePlan, mask};
use crate::job::Unit;
use crate::money;

/// Where a field's text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    /// Slots in order of preference.
    Slots(Vec<usize>),
    Constant(String),
}

impl From {
    /// The first text that says something.
    pub(super) fn first<'r>(&'r self, cell: &impl Fn(usize) -> Option<&'r str>) -> Option<&'r str> {
        self.texts(cell).next()
    }

    /// Every text that says something, in order of preference.
    fn texts<'r>(&'r self, cell: &impl Fn(usize) -> Option<&'r str>) -> impl Iterator<Item = &'r str> {
        let places = if let Self::Slots(slots) = self { slots.len() } else { 1 };
        (0..places).filter_map(move |place| {
            let text = match self {
                Self::Slots(slots) => cell(slots[place])?,
                Self::Constant(text) => text,
            };
            (!is_blank(text)).then_some(text)
        })
    }
}

/// A cell of blanks says nothing. Most cells begin with a letter or a digit.
fn is_blank(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(first) if first.is_ascii_graphic() => false,
        _ => text.trim().is_empty(),
    }
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) published: &'static Published,
    pub(super) from: From,
    unit: Unit,
    time: TimePlan,
    /// The source's words; none: the word says nothing.
    words: Vec<(String, Option<Value<'static>>)>,
    fips: bool,
}

/// What is wrong with one field of one row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) field: &'static str,
    /// Masked.
    pub(super) value: String,
    pub(super) reason: String,
}

impl Wrong {
    pub(super) fn new(field: &'static str, value: &str, reason: impl Into<String>) -> Self {
        Self { field, value: mask::shown(value), reason: reason.into() }
    }
}

impl Step {
    pub(super) fn new(published: &'static Published, column: &FieldColumn, from: From) -> Self {
        // A word that means nothing published was refused by the check, and reads as an unknown one here.
        let meaning =
            |word: &str| if word.is_empty() { Some(None) } else { values::word(published.kind, word).map(Some) };
        let words = column.words.iter().filter_map(|(theirs, ours)| Some((theirs.clone(), meaning(ours)?))).collect();
        Self { published, from, unit: column.unit, time: TimePlan::new(&column.time), words, fips: column.fips }
    }

    /// A field that the mapping does not name and that is the same in every row.
    pub(super) fn constant(published: &'static Published, text: &str) -> Self {
        Self {
            published,
            from: From::Constant(text.to_owned()),
            unit: Unit::Minor,
            time: TimePlan::EpochMillis,
            words: Vec::new(),
            fips: false,
        }
    }

    /// The field's value in one row; [`Value::Absent`] where no cell says anything. An amount has
    /// the sign that it has inside, spending positive.
    pub(super) fn read<'r>(
        &'r self,
        cell: &impl Fn(usize) -> Option<&'r str>,
        sign: AmountSign,
        scratch: &mut Scratch,
    ) -> Result<Value<'r>, Wrong> {
        if self.published.kind.is_closed() {
            return self.closed(cell, scratch);
        }
        if self.published.kind == Kind::LastFours {
            return self.list(cell, scratch);
        }
        let Some(text) = self.from.first(cell) else { return Ok(Value::Absent) };
        let read = match self.published.kind {
            Kind::Minor => self.minor(text, sign, scratch.exponent).map(Value::Minor),
            Kind::Time => self.micros(text).map(Value::Micros),
            Kind::Bin => values::bin(text).map(Value::Bin),
            Kind::LastFour => values::last_four(text).map(Value::LastFour),
            _ => values::text(text),
        };
        read.map_err(|reason| self.wrong(text, reason))
    }

    /// The first text whose word is known. Where none is, all are told.
    fn closed<'r>(&'r self, cell: &impl Fn(usize) -> Option<&'r str>, scratch: &Scratch) -> Result<Value<'r>, Wrong> {
        if let Some(value) = self.from.texts(cell).find_map(|text| self.word(text, scratch)) {
            return Ok(value.unwrap_or(Value::Absent));
        }
        let unknown: Vec<&str> = self.from.texts(cell).collect();
        if unknown.is_empty() {
            return Ok(Value::Absent);
        }
        Err(self
            .wrong(&unknown.join(", "), values::not_in_list(self.published.kind, !self.words.is_empty(), self.fips)))
    }

    /// The inner value is none for a word that the job maps to nothing.
    #[expect(clippy::option_option, reason = "an unknown word and one that says nothing are two things")]
    fn word(&self, text: &str, scratch: &Scratch) -> Option<Option<Value<'static>>> {
        if let Some((_, value)) = self.words.iter().find(|(theirs, _)| theirs == text) {
            return Some(*value);
        }
        let value = match self.published.kind {
            Kind::Currency if text.as_bytes() == scratch.currency => Some(Value::Currency(scratch.currency)),
            Kind::State if self.fips => values::fips_state(text).or_else(|| values::word(Kind::State, text)),
            kind => values::word(kind, text),
        };
        value.map(Some)
    }

    fn list<'r>(&'r self, cell: &impl Fn(usize) -> Option<&'r str>, scratch: &mut Scratch) -> Result<Value<'r>, Wrong> {
        scratch.list.clear();
        for text in self.from.texts(cell) {
            values::last_fours(text, &mut scratch.list).map_err(|reason| self.wrong(text, reason))?;
        }
        Ok(if scratch.list.is_empty() { Value::Absent } else { Value::LastFours })
    }

    fn minor(&self, text: &str, sign: AmountSign, exponent: u8) -> Result<i64, String> {
        let written = money::parse_minor(text, self.unit, exponent).map_err(|error| error.to_string())?;
        values::size(written)?;
        match sign {
            AmountSign::Unsigned if written < 0 => {
                Err("is negative; expected a size (does its sign say what was spent? then say `sign: signed` or \
                     `sign: inverted`)"
                    .to_owned())
            }
            AmountSign::Unsigned | AmountSign::Signed => Ok(written),
            // A size is far from the ends of 64 bits.
            AmountSign::Inverted => Ok(-written),
        }
    }

    fn micros(&self, text: &str) -> Result<i64, String> {
        let micros = self.time.micros(text)?;
        if TimeText::YEARS.contains(&micros) {
            Ok(micros)
        } else {
            Err("lies outside of the years 1970 to 9999".to_owned())
        }
    }

    fn wrong(&self, text: &str, reason: String) -> Wrong {
        Wrong::new(self.published.attribute.name(), text, reason)
    }
}
