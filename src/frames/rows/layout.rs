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
    /// Microseconds, or seconds where these say as much, counted from the first ones.
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
    /// What seconds are counted from, since the epoch; none as long as no row states any.
    pub(super) seconds: Option<i64>,
}

/// What rows have said in fields that know few words, by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    words: Vec<Box<str>>,
    /// By field: the word of the last row, which is often that of the next.
    last: [u8; Field::ALL.len()],
}

impl Layout {
    pub(super) fn new(key: Field, fields: impl Iterator<Item = Field>) -> Self {
        let mut fields: Vec<_> = fields.map(|field| (field, way(field, key))).collect();
        fields.sort_unstable_by_key(|(field, _)| *field);
        let all = fields.iter().fold(0, |all, (field, _)| all | bit(*field));
        Self { key, fields, all, words: Words::default(), seconds: None }
    }

    pub(super) fn first_second(&self) -> i64 {
        self.seconds.unwrap_or_default()
    }
}

impl Words {
    /// The number of a word, which is remembered while there is room for more.
    pub(super) fn number_of(&mut self, field: Field, word: &str) -> Option<u8> {
        let last = &mut self.last[field as usize];
        if self.words.get(usize::from(*last)).is_some_and(|known| **known == *word) {
            return Some(*last);
        }
        let known = self.words.iter().position(|known| **known == *word);
        let number = match known {
            Some(number) => number,
            None if self.words.len() < MOST_WORDS => {
                self.words.push(word.into());
                self.words.len() - 1
            }
            None => return None,
        };
        *last = u8::try_from(number).ok()?;
        Some(*last)
    }

    pub(super) fn word(&self, number: usize) -> &str {
        &self.words[number]
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
