//! Rows packed one after the other: heads of a fixed size, and beside them what the rows state, numbers among the texts as
//! characters of six bits, so that all of it is one text and values are slices of it.

use std::ops::Range;

use super::layout::{Layout, Way, bit};
use super::spread::Spread;
use crate::frames::schema::Field;

/// Of each row: how long it is (2 bytes), how it is excluded (1).
pub(super) const HEAD_BYTES: usize = 3;
const EXCLUDED_AT: usize = 2;
/// The row is at least so long; how long stands before it.
const LONG: u16 = u16::MAX;

type Head = [u8; HEAD_BYTES];

/// Some rows of a part.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chunk {
    heads: Vec<u8>,
    /// Of each row: length of the key and the key; its file, with two bits below: see [`PARTIAL`] and [`TAGGED`]; its line;
    /// its tag; the fields that it states; and then these.
    texts: String,
}

/// The row does not state all fields of its layout, so that it says which.
const PARTIAL: u64 = 1;
/// The row bears a tag.
const TAGGED: u64 = 1 << 1;

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
pub(super) struct Start<'h> {
    pub(super) key: &'h str,
    pub(super) file: u32,
    pub(super) line: u64,
    pub(super) excluded: u8,
    pub(super) tag: Option<u32>,
}

impl Chunk {
    pub(super) fn with_capacity(heads: usize, texts: usize) -> Self {
        Self { heads: Vec::with_capacity(heads), texts: String::with_capacity(texts) }
    }

    /// Bytes of heads and of texts for which there is room in all.
    pub(super) fn room(&self) -> (usize, usize) {
        (self.heads.capacity(), self.texts.capacity())
    }

    pub(super) fn capacity(&self) -> usize {
        self.heads.capacity() + self.texts.capacity()
    }

    /// Takes the rows out; the room stays.
    pub(super) fn clear(&mut self) {
        self.heads.clear();
        self.texts.clear();
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Heads and texts, for the disk.
    pub(super) fn raw(&self) -> (&[u8], &str) {
        (&self.heads, &self.texts)
    }

    /// Back from the disk.
    pub(super) fn from_raw(heads: &[u8], texts: &str) -> Self {
        Self { heads: heads.to_vec(), texts: texts.to_owned() }
    }

    /// Adds each of these rows to one of the chunks; `place` says to which by the hash of its key.
    pub(super) fn share_out((heads, texts): (&[u8], &str), chunks: &mut [Self], place: impl Fn(u64) -> usize) {
        let mut rest = texts;
        for head in heads.as_chunks::<HEAD_BYTES>().0 {
            let span = span(*head, rest);
            let end = span.end;
            let key = Cursor::new(&rest[span]).text();
            let chunk = &mut chunks[place(Spread::hash(key))];
            chunk.heads.extend_from_slice(head);
            chunk.texts.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }

    /// Packs a row; `cell` says what it states of a field.
    pub(super) fn push<'c>(&mut self, layout: &mut Layout, start: Start<'_>, cell: impl Fn(Field) -> Option<Cell<'c>>) {
        let Layout { fields, words, all, seconds, .. } = layout;
        let stated =
            fields.iter().filter(|(field, _)| cell(*field).is_some()).fold(0, |all, (field, _)| all | bit(*field));
        let partial = if stated == *all { 0 } else { PARTIAL };
        let tagged = start.tag.map_or(0, |_| TAGGED);
        let texts = &mut self.texts;
        let begin = texts.len();
        put_text(texts, start.key.len() as u64, start.key);
        put(texts, u64::from(start.file) << 2 | tagged | partial);
        put(texts, start.line);
        if let Some(tag) = start.tag {
            put(texts, u64::from(tag));
        }
        if partial == PARTIAL {
            put(texts, u64::from(stated));
        }
        for (field, way) in fields.iter() {
            let Some(cell) = cell(*field) else { continue };
            match (way, cell) {
                (Way::Key, _) => {}
                (Way::Word, Cell::Text(word)) => match words.number_of(*field, word) {
                    Some(number) => put(texts, u64::from(number) << 1 | 1),
                    None => put_text(texts, (word.len() as u64) << 1, word),
                },
                (_, Cell::Text(text)) => put_text(texts, text.len() as u64, text),
                (Way::Micros, Cell::Number(micros)) => put_micros(texts, micros, seconds),
                (_, Cell::Number(number)) => put(texts, zigzag(number)),
            }
        }
        let length = texts.len() - begin;
        let short = u16::try_from(length).ok().filter(|short| *short < LONG);
        if short.is_none() {
            let mut before = String::new();
            put(&mut before, length as u64);
            texts.insert_str(begin, &before);
        }
        let [low, high] = short.unwrap_or(LONG).to_le_bytes();
        self.heads.extend_from_slice(&[low, high, start.excluded]);
    }

    /// The rows, in the order in which they were packed.
    pub(crate) fn rows<'c>(&'c self, layout: &'c Layout) -> impl Iterator<Item = PackedRow<'c>> {
        let mut rest = self.texts.as_str();
        self.heads.as_chunks().0.iter().map(move |head| {
            let span = span(*head, rest);
            let text = &rest[span.clone()];
            rest = &rest[span.end..];
            PackedRow { head, text, layout }
        })
    }

    /// Where each row begins in heads and texts.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        let mut text_at = 0;
        (0..).zip(self.heads.as_chunks().0).map(move |(number, head)| {
            let place = (number, text_at);
            text_at += span(*head, &self.texts[text_at..]).end;
            place
        })
    }

    /// The row that begins there.
    pub(crate) fn row<'c>(&'c self, (number, text_at): (usize, usize), layout: &'c Layout) -> PackedRow<'c> {
        let head = &self.heads.as_chunks().0[number];
        let texts = &self.texts[text_at..];
        PackedRow { head, text: &texts[span(*head, texts)], layout }
    }

    pub(super) fn exclude(&mut self, (number, _): (usize, usize), excluded: u8) {
        self.heads[number * HEAD_BYTES + EXCLUDED_AT] = excluded;
    }
}

/// Where the row lies in the texts that begin with it.
#[inline]
fn span(head: Head, texts: &str) -> Range<usize> {
    let short = u16::from_le_bytes([head[0], head[1]]);
    if short < LONG {
        return 0..usize::from(short);
    }
    let mut before = Cursor::new(texts);
    let length = size(before.take());
    before.at..before.at + length
}

/// One row, borrowed where it lies.
#[derive(Debug, Clone, Copy)]
pub struct PackedRow<'c> {
    head: &'c Head,
    text: &'c str,
    layout: &'c Layout,
}

impl<'c> PackedRow<'c> {
    /// 0, or the [`super::super::Exclusion`] that keeps it out.
    pub fn excluded(self) -> u32 {
        u32::from(self.head[EXCLUDED_AT])
    }

    /// The half of its key's hash that tells keys of one part apart.
    pub(crate) fn hash(self) -> u32 {
        low(Spread::hash(self.key()))
    }

    /// The text of its key; empty where it states none.
    pub fn key(self) -> &'c str {
        Cursor::new(self.text).text()
    }

    /// Index of its file, and where it begins in it: see [`super::super::schema::Line`].
    pub fn place(self) -> (u32, u64) {
        self.begin().0.place
    }

    pub(super) fn tag(self) -> Option<u32> {
        self.begin().0.tag
    }

    /// What stands before the cells, and these.
    #[inline]
    fn begin(self) -> (Begin<'c>, Cursor<'c>) {
        let mut cursor = Cursor::new(self.text);
        let key = cursor.text();
        let file = cursor.take();
        let line = cursor.take();
        let tag = if file & TAGGED == 0 { None } else { u32::try_from(cursor.take()).ok() };
        let stated =
            if file & PARTIAL == 0 { self.layout.all } else { u32::try_from(cursor.take()).unwrap_or_default() };
        (Begin { key, place: (u32::try_from(file >> 2).unwrap_or(u32::MAX), line), tag, stated }, cursor)
    }

    /// What it states, in the order of the fields.
    pub fn cells(self) -> impl Iterator<Item = (Field, Cell<'c>)> {
        let (Begin { key, stated, .. }, mut cursor) = self.begin();
        let fields = self.layout.fields.iter().filter(move |(field, _)| stated & bit(*field) != 0);
        fields.map(move |(field, way)| (*field, cursor.cell(*way, key, self.layout)))
    }

    /// Hands on what it states, in the order of the fields, and says its place: in one go, for whoever wants it all.
    #[inline]
    pub(crate) fn tell(self, mut say: impl FnMut(Field, Cell<'c>)) -> (u32, u64) {
        let (Begin { key, place, stated, .. }, mut cursor) = self.begin();
        for (field, way) in &self.layout.fields {
            if stated & bit(*field) != 0 {
                say(*field, cursor.cell(*way, key, self.layout));
            }
        }
        place
    }

    pub fn text(self, field: Field) -> Option<&'c str> {
        self.cells().find(|(stated, _)| *stated == field)?.1.text()
    }

    pub fn number(self, field: Field) -> Option<i64> {
        self.cells().find(|(stated, _)| *stated == field)?.1.number()
    }
}

/// What stands before the cells of a row.
struct Begin<'c> {
    key: &'c str,
    place: (u32, u64),
    tag: Option<u32>,
    stated: u32,
}

/// A row's text, and how far it was read: numbers are taken from its bytes, and only texts are cut out of it.
struct Cursor<'c> {
    text: &'c str,
    at: usize,
}

impl<'c> Cursor<'c> {
    const fn new(text: &'c str) -> Self {
        Self { text, at: 0 }
    }

    /// The next cell, which is written in this way.
    #[inline]
    fn cell(&mut self, way: Way, key: &'c str, layout: &'c Layout) -> Cell<'c> {
        match way {
            Way::Key => Cell::Text(key),
            Way::Text => Cell::Text(self.text()),
            Way::Word => {
                let number = self.take();
                Cell::Text(if number & 1 == 1 {
                    layout.words.word(size(number >> 1))
                } else {
                    self.cut(size(number >> 1))
                })
            }
            Way::Number => Cell::Number(unzigzag(self.take())),
            Way::Micros => Cell::Number(match self.take() {
                MICROS => unzigzag(self.take()),
                seconds => (layout.first_second() + unzigzag(seconds - 1)) * MICROS_PER_SECOND,
            }),
        }
    }

    #[inline]
    fn text(&mut self) -> &'c str {
        let length = size(self.take());
        self.cut(length)
    }

    #[inline]
    fn cut(&mut self, length: usize) -> &'c str {
        let from = self.at;
        self.at += length;
        &self.text[from..self.at]
    }

    /// The number that comes next.
    #[inline]
    fn take(&mut self) -> u64 {
        let bytes = self.text.as_bytes();
        let mut byte = bytes[self.at];
        self.at += 1;
        let (mut number, mut shift) = (u64::from(byte & SIX_BITS), 6);
        while byte & MORE != 0 {
            byte = bytes[self.at];
            self.at += 1;
            number |= u64::from(byte & SIX_BITS) << shift;
            shift += 6;
        }
        number
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the upper half chose the part")]
const fn low(hash: u64) -> u32 {
    hash as u32
}

#[expect(clippy::cast_possible_truncation, reason = "it was the length of a text, or the number of a word")]
const fn size(number: u64) -> usize {
    number as usize
}

/// Small numbers take few characters, whatever their sign.
const fn zigzag(number: i64) -> u64 {
    (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned()
}

const fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

/// Six bits a character, every one but the last with [`MORE`]: whatever the number, they are ASCII.
const SIX_BITS: u8 = 0x3f;
const MORE: u8 = 0x40;

const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds follow; every other number is one of seconds, and one more.
const MICROS: u64 = 0;
#[expect(clippy::cast_possible_truncation, reason = "six bits at a time")]
#[inline]
fn put(texts: &mut String, mut number: u64) {
    while number > u64::from(SIX_BITS) {
        texts.push(char::from(MORE | (number as u8 & SIX_BITS)));
        number >>= 6;
    }
    texts.push(char::from(number as u8 & SIX_BITS));
}

/// A number that says how long the text is, and the text.
#[inline]
fn put_text(texts: &mut String, number: u64, text: &str) {
    put(texts, number);
    texts.push_str(text);
}

/// `first`: the second of the first row that states any. Those of one input lie near each other.
#[inline]
fn put_micros(texts: &mut String, micros: i64, first: &mut Option<i64>) {
    if micros % MICROS_PER_SECOND == 0 {
        let seconds = micros / MICROS_PER_SECOND;
        put(texts, zigzag(seconds - *first.get_or_insert(seconds)) + 1);
    } else {
        put(texts, MICROS);
        put(texts, zigzag(micros));
    }
}
