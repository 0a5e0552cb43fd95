//! How the rows of one input are written down: which fields they may state, and the words that many of them share.

use crate::frames::schema::{Field, FieldType};

/// Words that are written as their number: as many as fit into one character with the bit that tells them from lengths.
const MOST_WORDS: usize = 31;

/// How a cell is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Not at all: it is the row's key.
    Key,
    /// Its length and itself.
    Text,
    /// As [`Self::Text`], or the number of a word that rows before have said.
    Word,
    Number,
    /// Microseconds, or seconds where these say as much.
    Micros,
}

/// What all rows of an input have in common.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(super) key: Field,
    /// In their order.
    pub(super) fields: Vec<(Field, Way)>,
    /// One bit a field: a row that states them all need not say which.
    pub(super) all: u32,
    pub(super) words: Words,
}

/// What rows have said in fields that know few words, by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Words(Vec<Box<str>>);

impl Layout {
    pub(super) fn new(key: Field, fields: impl Iterator<Item = Field>) -> Self {
        let mut fields: Vec<_> = fields.map(|field| (field, way(field, key))).collect();
        fields.sort_unstable_by_key(|(field, _)| *field);
        let all = fields.iter().fold(0, |all, (field, _)| all | bit(*field));
        Self { key, fields, all, words: Words::default() }
    }
}

impl Words {
    /// The number of a word, which is remembered while there is room for more.
    pub(super) fn number_of(&mut self, word: &str) -> Option<usize> {
        let Self(words) = self;
        let known = words.iter().position(|known| **known == *word);
        if known.is_none() && words.len() < MOST_WORDS {
            words.push(word.into());
            return Some(words.len() - 1);
        }
        known
    }

    pub(super) fn word(&self, number: usize) -> &str {
        &self.0[number]
    }
}

pub(super) const fn bit(field: Field) -> u32 {
    1 << field as u32
}

fn way(field: Field, key: Field) -> Way {
    match field {
        _ if field == key => Way::Key,
        Field::Currency
        | Field::Direction
        | Field::Status
        | Field::PaymentStatus
        | Field::PayoutMonth
        | Field::EventKind => Way::Word,
        _ => match field.kind() {
            FieldType::Text | FieldType::Date => Way::Text,
            FieldType::Minor => Way::Number,
            FieldType::Micros => Way::Micros,
        },
    }
}
