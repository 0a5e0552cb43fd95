//! Rows packed one after the other: numbers and lengths as bytes, texts as one string beside them.

use crate::frames::schema::{Field, FieldType};

/// Of each row: how it is excluded (1 byte), the length of its bytes (2), of its texts (4), which fields it states (4), and
/// half of the hash of its key (4), the length of its key and its place behind them.
const EXCLUDED_AT: usize = 0;
const BYTES_AT: usize = 1;
const TEXTS_AT: usize = 3;
const STATED_AT: usize = 7;
const HASH_AT: usize = 11;
const HEAD_BYTES: usize = 15;
/// What a row's numbers and lengths take at most.
pub(super) const ROW_BYTES: usize = 320;
/// Beside the fields: the row bears a tag.
const TAGGED: u32 = 1 << 31;

const _: () = assert!(HEAD_BYTES + 10 * (4 + Field::ALL.len()) <= ROW_BYTES, "ten bytes hold any number");
const _: () = assert!(Field::ALL.len() < 31, "one bit a field, and one for the tag");

/// Some rows of a part.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    texts: String,
}

/// What a field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'c> {
    Text(&'c str),
    /// Minor units or microseconds.
    Number(i64),
}

impl<'c> Cell<'c> {
    pub const fn text(self) -> Option<&'c str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) => None,
        }
    }

    pub const fn number(self) -> Option<i64> {
        match self {
            Self::Text(_) => None,
            Self::Number(number) => Some(number),
        }
    }
}

/// What is packed of a row besides its cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'h> {
    pub(super) key: &'h str,
    pub(super) key_field: Field,
    pub(super) hash: u64,
    pub(super) file: u32,
    pub(super) line: u64,
    pub(super) excluded: u8,
    pub(super) tag: Option<u32>,
}

impl Chunk {
    pub(super) fn with_capacity(bytes: usize, texts: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), texts: String::with_capacity(texts) }
    }

    /// Bytes of numbers and lengths, and of texts, for which there is room in all.
    pub(super) fn room(&self) -> (usize, usize) {
        (self.bytes.capacity(), self.texts.capacity())
    }

    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity() + self.texts.capacity()
    }

    /// Takes the rows out; the room stays.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.texts.clear();
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes and texts, for the disk.
    pub(super) fn raw(&self) -> (&[u8], &[u8]) {
        (&self.bytes, self.texts.as_bytes())
    }

    /// Back from the disk.
    pub(super) const fn from_raw(bytes: Vec<u8>, texts: String) -> Self {
        Self { bytes, texts }
    }

    /// Packs a row. The key's own field is among the cells and is passed over.
    pub(super) fn push<'c>(&mut self, head: Head<'_>, cells: impl Iterator<Item = (Field, Cell<'c>)>) {
        let texts_from = self.texts.len();
        let mut row = [0; ROW_BYTES];
        let mut at = HEAD_BYTES;
        self.texts.push_str(head.key);
        put(&mut row, &mut at, head.key.len() as u64);
        put(&mut row, &mut at, u64::from(head.file));
        put(&mut row, &mut at, head.line);
        let mut stated = 0;
        if let Some(tag) = head.tag {
            stated |= TAGGED;
            put(&mut row, &mut at, u64::from(tag));
        }
        for (field, cell) in cells {
            stated |= 1 << field as u32;
            if field == head.key_field {
                continue;
            }
            match cell {
                Cell::Text(text) => {
                    put(&mut row, &mut at, text.len() as u64);
                    self.texts.push_str(text);
                }
                Cell::Number(number) => put(&mut row, &mut at, zigzag(number)),
            }
        }
        let bytes = u16::try_from(at).expect("a row's numbers and lengths are a few hundred bytes");
        let texts = u32::try_from(self.texts.len() - texts_from).expect("`max_row_bytes` is far below 4 GiB");
        row[EXCLUDED_AT] = head.excluded;
        row[BYTES_AT..TEXTS_AT].copy_from_slice(&bytes.to_le_bytes());
        row[TEXTS_AT..STATED_AT].copy_from_slice(&texts.to_le_bytes());
        row[STATED_AT..HASH_AT].copy_from_slice(&u32::to_le_bytes(stated));
        row[HASH_AT..HEAD_BYTES].copy_from_slice(&low(head.hash).to_le_bytes());
        self.bytes.extend_from_slice(&row[..at]);
    }

    /// The rows, in the order in which they were packed.
    pub(crate) fn rows(&self, key: Field) -> impl Iterator<Item = PackedRow<'_>> {
        let (mut bytes, mut texts) = (self.bytes.as_slice(), self.texts.as_str());
        std::iter::from_fn(move || {
            if bytes.is_empty() {
                return None;
            }
            let (length, texts_length) = (usize::from(u16_at(bytes, BYTES_AT)), u32_at(bytes, TEXTS_AT) as usize);
            let (row, text);
            (row, bytes) = bytes.split_at(length);
            (text, texts) = texts.split_at(texts_length);
            Some(PackedRow { bytes: row, texts: text, key })
        })
    }

    /// Where each row begins in bytes and texts.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        let (mut at, mut text_at) = (0, 0);
        std::iter::from_fn(move || {
            let row = self.bytes.get(at..)?;
            if row.is_empty() {
                return None;
            }
            let place = (at, text_at);
            at += usize::from(u16_at(row, BYTES_AT));
            text_at += u32_at(row, TEXTS_AT) as usize;
            Some(place)
        })
    }

    /// The row that begins there.
    pub(crate) fn row(&self, (at, text_at): (usize, usize), key: Field) -> PackedRow<'_> {
        let bytes = &self.bytes[at..];
        let bytes = &bytes[..usize::from(u16_at(bytes, BYTES_AT))];
        PackedRow { bytes, texts: &self.texts[text_at..text_at + u32_at(bytes, TEXTS_AT) as usize], key }
    }

    pub(super) fn exclude(&mut self, (at, _): (usize, usize), excluded: u8) {
        self.bytes[at + EXCLUDED_AT] = excluded;
    }
}

/// One row, borrowed where it lies.
#[derive(Debug, Clone, Copy)]
pub struct PackedRow<'c> {
    bytes: &'c [u8],
    texts: &'c str,
    key: Field,
}

impl<'c> PackedRow<'c> {
    /// 0, or the [`super::super::Exclusion`] that keeps it out.
    pub fn excluded(self) -> u32 {
        u32::from(self.bytes[EXCLUDED_AT])
    }

    /// The half of its key's hash that tells keys of one part apart.
    pub(crate) fn hash(self) -> u32 {
        u32_at(self.bytes, HASH_AT)
    }

    /// The text of its key; empty where it states none.
    pub fn key(self) -> &'c str {
        let mut at = HEAD_BYTES;
        &self.texts[..length(take(self.bytes, &mut at))]
    }

    /// Index of its file, and where it begins in it: see [`super::super::schema::Line`].
    pub fn place(self) -> (u32, u64) {
        let mut at = HEAD_BYTES;
        take(self.bytes, &mut at);
        let file = take(self.bytes, &mut at);
        (u32::try_from(file).unwrap_or(u32::MAX), take(self.bytes, &mut at))
    }

    pub(super) fn tag(self) -> Option<u32> {
        if u32_at(self.bytes, STATED_AT) & TAGGED == 0 {
            return None;
        }
        let mut at = HEAD_BYTES;
        for _ in 0..3 {
            take(self.bytes, &mut at);
        }
        u32::try_from(take(self.bytes, &mut at)).ok()
    }

    /// What it states, in the order of the fields.
    pub fn cells(self) -> impl Iterator<Item = (Field, Cell<'c>)> {
        let mut at = HEAD_BYTES;
        let (key, mut texts) = self.texts.split_at(length(take(self.bytes, &mut at)));
        let mut left = u32_at(self.bytes, STATED_AT);
        // Its file, its line and its tag.
        for _ in 0..2 + (left >> 31) {
            take(self.bytes, &mut at);
        }
        left &= !TAGGED;
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let field = Field::ALL[left.trailing_zeros() as usize];
            left &= left - 1;
            Some((field, self.cell(field, key, &mut at, &mut texts)))
        })
    }

    /// Hands on what it states, in the order of the fields, and says its place: in one go, for whoever wants it all.
    pub(crate) fn tell(self, mut say: impl FnMut(Field, Cell<'c>)) -> (u32, u64) {
        let mut at = HEAD_BYTES;
        let (key, mut texts) = self.texts.split_at(length(take(self.bytes, &mut at)));
        let (file, line) = (take(self.bytes, &mut at), take(self.bytes, &mut at));
        let stated = u32_at(self.bytes, STATED_AT);
        if stated & TAGGED != 0 {
            take(self.bytes, &mut at);
        }
        let mut left = stated & !TAGGED;
        while left != 0 {
            let field = Field::ALL[left.trailing_zeros() as usize];
            left &= left - 1;
            say(field, self.cell(field, key, &mut at, &mut texts));
        }
        (u32::try_from(file).unwrap_or(u32::MAX), line)
    }

    /// The next cell, which is that of `field`.
    #[inline]
    fn cell(self, field: Field, key: &'c str, at: &mut usize, texts: &mut &'c str) -> Cell<'c> {
        if field == self.key {
            return Cell::Text(key);
        }
        let number = take(self.bytes, at);
        match field.kind() {
            FieldType::Minor | FieldType::Micros => Cell::Number(unzigzag(number)),
            FieldType::Text | FieldType::Date => {
                let text;
                (text, *texts) = texts.split_at(length(number));
                Cell::Text(text)
            }
        }
    }

    pub fn text(self, field: Field) -> Option<&'c str> {
        self.cells().find(|(stated, _)| *stated == field)?.1.text()
    }

    pub fn number(self, field: Field) -> Option<i64> {
        self.cells().find(|(stated, _)| *stated == field)?.1.number()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the upper half chose the part")]
const fn low(hash: u64) -> u32 {
    hash as u32
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[expect(clippy::cast_possible_truncation, reason = "it was the length of a text")]
const fn length(number: u64) -> usize {
    number as usize
}

/// Small numbers take few bytes, whatever their sign.
const fn zigzag(number: i64) -> u64 {
    (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned()
}

const fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

/// Seven bits a byte, the last without its highest bit.
#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn put(bytes: &mut [u8; ROW_BYTES], at: &mut usize, mut number: u64) {
    while number >= 0x80 {
        bytes[*at] = 0x80 | (number & 0x7f) as u8;
        *at += 1;
        number >>= 7;
    }
    bytes[*at] = number as u8;
    *at += 1;
}

#[inline]
fn take(bytes: &[u8], at: &mut usize) -> u64 {
    let first = bytes[*at];
    *at += 1;
    if first < 0x80 {
        return u64::from(first);
    }
    let (mut number, mut shift) = (u64::from(first & 0x7f), 7);
    loop {
        let byte = bytes[*at];
        *at += 1;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return number;
        }
        shift += 7;
    }
}
