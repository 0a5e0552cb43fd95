//! One mapped field, compiled: which cells it looks at, and how it reads them.

use super::line::TimeText;
use super::schema::{Kind, Published};
use super::values::{self, Held, Value};
use super::{AmountSign, FieldColumn, fips};
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
    /// The source's words and the published ones; an empty one says nothing.
    words: Vec<(String, String)>,
    fips: bool,
}

/// What is wrong with one field of one row. In a box: it is rare, and a row that fits should not
/// carry room for it from call to call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong(pub(super) Box<Told>);

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) field: &'static str,
    /// Masked.
    pub(super) value: String,
    pub(super) reason: String,
}

impl Wrong {
    pub(super) fn new(field: &'static str, value: &str, reason: impl Into<String>) -> Self {
        Self(Box::new(Told { field, value: mask::shown(value), reason: reason.into() }))
    }
}

impl Step {
    pub(super) fn new(published: &'static Published, column: &FieldColumn, from: From) -> Self {
        let words = column.words.iter().map(|(theirs, ours)| (theirs.clone(), ours.clone())).collect();
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
        held: &mut Held,
    ) -> Result<Value<'r>, Wrong> {
        if self.published.kind.is_closed() {
            return self.closed(cell, held);
        }
        if self.published.kind == Kind::LastFours {
            return self.list(cell, held);
        }
        let Some(text) = self.from.first(cell) else { return Ok(Value::Absent) };
        let read = match self.published.kind {
            Kind::Minor => self.minor(text, sign, held.exponent).map(Value::Minor),
            // What is written as it is sent need not be taken apart and put together again.
            Kind::Time if self.is_iso() && TimeText::is_written(text) => Ok(Value::Time(text)),
            Kind::Time => self.micros(text).map(Value::Micros),
            Kind::Bin => values::bin(text).map(|digits| {
                held.bin = digits;
                Value::Bin
            }),
            Kind::LastFour => values::last_four(text).map(|digits| {
                held.last_four = digits;
                Value::LastFour
            }),
            _ => values::text(text),
        };
        read.map_err(|reason| self.wrong(text, reason))
    }

    /// The first text whose word is known. Where none is, all are told.
    fn closed<'r>(&'r self, cell: &impl Fn(usize) -> Option<&'r str>, held: &mut Held) -> Result<Value<'r>, Wrong> {
        if let Some(value) = self.from.texts(cell).find_map(|text| self.word(text, held)) {
            return Ok(value);
        }
        let unknown: Vec<&str> = self.from.texts(cell).collect();
        if unknown.is_empty() {
            return Ok(Value::Absent);
        }
        Err(self
            .wrong(&unknown.join(", "), values::not_in_list(self.published.kind, !self.words.is_empty(), self.fips)))
    }

    /// None: the word is unknown.
    fn word(&self, text: &str, held: &mut Held) -> Option<Value<'static>> {
        let mapped = self.words.iter().find(|(theirs, _)| theirs == text).map(|(_, ours)| ours.as_str());
        let published = match mapped {
            Some("") => return Some(Value::Absent),
            Some(ours) => ours,
            None => text,
        };
        match self.published.kind {
            Kind::Currency => held.settle(published).then_some(Value::Currency),
            Kind::State if self.fips && mapped.is_none() => {
                fips::state(text).or_else(|| values::word(Kind::State, text)).map(Value::Word)
            }
            kind => values::word(kind, published).map(Value::Word),
        }
    }

    fn list<'r>(&'r self, cell: &impl Fn(usize) -> Option<&'r str>, held: &mut Held) -> Result<Value<'r>, Wrong> {
        held.last_fours.clear();
        for text in self.from.texts(cell) {
            values::last_fours(text, &mut held.last_fours).map_err(|reason| self.wrong(text, reason))?;
        }
        Ok(if held.last_fours.is_empty() { Value::Absent } else { Value::LastFours })
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

    const fn is_iso(&self) -> bool {
        matches!(self.time, TimePlan::Iso(_))
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
