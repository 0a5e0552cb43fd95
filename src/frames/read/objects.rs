//! JSON objects that are written plainly, which nearly all are: nothing wrong, nothing twice, no escapes in wanted
//! values. Their values are slices of the input as it is. Whatever else a text may be is left to [`PathTree`], which
//! says the same of plain objects, only after a look at each byte.
//!
//! [`PathTree`]: super::paths::PathTree

use super::row::Cell;
use super::shapes::Shapes;

/// Brackets open at once in what is plain.
const MAX_DEPTH: usize = 32;

/// A node of the tree of paths, with its children by their index.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) slot: Option<usize>,
    /// Nothing below is wanted.
    pub(super) is_end: bool,
    /// The keys that have a place of their own.
    pub(super) children: Vec<(String, usize)>,
    /// That of every other key.
    pub(super) any: Option<usize>,
}

/// Reads plain objects. What it learns makes it faster, and changes nothing else.
#[derive(Debug)]
pub(super) struct Objects {
    /// The first one is the object itself.
    places: Vec<Place>,
    /// A key that is nobody's is told, and not passed over.
    checks_drift: bool,
    shapes: Shapes,
}

/// What an object says, by slot.
#[derive(Debug)]
pub(super) struct Found<'b> {
    /// Where the values stand in the text.
    pub(super) cells: &'b mut [Cell],
    /// Whether the key was there.
    pub(super) seen: &'b mut [bool],
}

impl Objects {
    pub(super) fn new(places: Vec<Place>, checks_drift: bool) -> Self {
        Self { places, checks_drift, shapes: Shapes::default() }
    }

    /// Finds the values of an object; false where it is no plain one, and nothing that was found counts.
    pub(super) fn take(&mut self, json: &str, found: &mut Found<'_>) -> bool {
        let text = json.as_bytes();
        if self.shapes.take(text, found).is_some() {
            return true;
        }
        found.clear();
        self.shapes.begin();
        let mut walk = Walk { objects: self, found, values: Values { text, at: 0 } };
        let is_plain = walk.whole().is_some();
        if is_plain {
            self.shapes.learn(text);
        }
        is_plain
    }
}

impl Found<'_> {
    fn clear(&mut self) {
        self.cells.fill(Cell::default());
        self.seen.fill(false);
    }
}

struct Walk<'w, 'b> {
    objects: &'w mut Objects,
    found: &'w mut Found<'b>,
    values: Values<'w>,
}

/// None where what stands there is not plain.
pub(super) type Plain<T> = Option<T>;

impl Walk<'_, '_> {
    fn whole(&mut self) -> Plain<()> {
        self.values.blanks();
        self.values.byte(b'{').then_some(())?;
        self.object(0, 1)?;
        self.values.blanks();
        self.values.rest().is_empty().then_some(())
    }

    /// The rest of an object after its bracket.
    fn object(&mut self, place: usize, depth: usize) -> Plain<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.values.blanks();
        if self.values.byte(b'}') {
            return Some(());
        }
        loop {
            let child = self.key(place)?;
            self.values.colon()?;
            match child.map(|child| &self.objects.places[child]) {
                Some(Place { slot: Some(slot), .. }) => self.value(*slot)?,
                Some(Place { is_end: false, .. }) => self.below(child?, depth)?,
                None if self.objects.checks_drift => return None,
                Some(_) | None => self.skip()?,
            }
            self.values.blanks();
            if self.values.byte(b'}') {
                return Some(());
            }
            self.values.byte(b',').then_some(())?;
            self.values.blanks();
        }
    }

    /// Takes a key; what it leads to.
    fn key(&mut self, place: usize) -> Plain<Option<usize>> {
        let Place { children, any, .. } = &self.objects.places[place];
        let key = self.values.plain_text()?;
        let key = &self.values.text[key.start..key.end];
        Some(children.iter().find(|(name, _)| name.as_bytes() == key).map(|(_, place)| *place).or(*any))
    }

    /// The value of a key that leads to wanted ones.
    fn below(&mut self, place: usize, depth: usize) -> Plain<()> {
        match self.values.peek()? {
            b'{' => {
                self.values.at += 1;
                self.object(place, depth + 1)
            }
            // The paths below are absent. Another value may have them, so this one is part of the object's shape.
            b'n' => self.values.scalar(),
            _ => None,
        }
    }

    /// The value of a wanted key.
    fn value(&mut self, slot: usize) -> Plain<()> {
        if std::mem::replace(&mut self.found.seen[slot], true) {
            return None;
        }
        let start = self.values.at;
        self.found.cells[slot] = self.values.value()?;
        self.objects.shapes.note(start, Some(slot), self.values.at);
        Some(())
    }

    /// A value that nobody wants.
    fn skip(&mut self) -> Plain<()> {
        let start = self.values.at;
        self.values.skip(0)?;
        self.objects.shapes.note(start, None, self.values.at);
        Some(())
    }
}

/// Takes values from a text, one after the other.
#[derive(Debug)]
pub(super) struct Values<'j> {
    pub(super) text: &'j [u8],
    /// The byte that is read next.
    pub(super) at: usize,
}

impl<'j> Values<'j> {
    pub(super) fn rest(&self) -> &'j [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes the next byte if it is this one.
    fn byte(&mut self, wanted: u8) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn colon(&mut self) -> Plain<()> {
        self.blanks();
        self.byte(b':').then_some(())?;
        self.blanks();
        Some(())
    }

    /// A text without escapes, or a scalar; nowhere in the case of null.
    pub(super) fn value(&mut self) -> Plain<Cell> {
        let start = self.at;
        match self.peek()? {
            b'"' => self.plain_text(),
            b'n' => self.scalar().map(|()| Cell::default()),
            _ => self.scalar().map(|()| Cell { start, end: self.at }),
        }
    }

    /// A text without escapes and without its quotes.
    fn plain_text(&mut self) -> Plain<Cell> {
        let start = self.at + 1;
        if !self.byte(b'"') {
            return None;
        }
        let end = start + text_end(self.rest())?;
        self.at = end + 1;
        (self.text.get(end) == Some(&b'"')).then_some(Cell { start, end })
    }

    /// A number, `true`, `false` or `null`.
    fn scalar(&mut self) -> Plain<()> {
        let rest = self.rest();
        let word: &[u8] = match rest.first()? {
            b't' => b"true",
            b'f' => b"false",
            b'n' => b"null",
            _ => {
                self.at += number_end(rest)?;
                return Some(());
            }
        };
        self.at += word.len();
        rest.starts_with(word).then_some(())
    }

    /// A value of which only the end is wanted.
    pub(super) fn skip(&mut self, depth: usize) -> Plain<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let close = match self.peek()? {
            b'"' => return self.skip_text(),
            b'{' => b'}',
            b'[' => b']',
            _ => return self.scalar(),
        };
        self.at += 1;
        self.blanks();
        if self.byte(close) {
            return Some(());
        }
        loop {
            if close == b'}' {
                self.skip_text()?;
                self.colon()?;
            }
            self.skip(depth + 1)?;
            self.blanks();
            if self.byte(close) {
                return Some(());
            }
            self.byte(b',').then_some(())?;
            self.blanks();
        }
    }

    fn skip_text(&mut self) -> Plain<()> {
        self.byte(b'"').then_some(())?;
        loop {
            self.at += text_end(self.rest())?;
            match self.rest() {
                [b'"', ..] => {
                    self.at += 1;
                    return Some(());
                }
                [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => self.at += 2,
                [b'\\', b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => {
                    self.at += 6;
                }
                _ => return None,
            }
        }
    }
}

/// The length of the number with which the bytes begin.
fn number_end(bytes: &[u8]) -> Plain<usize> {
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let start = usize::from(bytes.first() == Some(&b'-'));
    // No digit follows a zero at the beginning.
    let mut end =
        start + if bytes.get(start) == Some(&b'0') { 1 } else { Some(digits(start)).filter(|count| *count > 0)? };
    if bytes.get(end) == Some(&b'.') {
        end += 1 + Some(digits(end + 1)).filter(|count| *count > 0)?;
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        end += 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        end += Some(digits(end)).filter(|count| *count > 0)?;
    }
    Some(end)
}

/// Where the first quote, backslash or control character stands.
fn text_end(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHEST: u64 = u64::from_ne_bytes([0x80; 8]);
    let is_end = |byte: u8| byte == b'"' || byte == b'\\' || byte < b' ';
    let (chunks, rest) = text.as_chunks::<8>();
    for (number, chunk) in chunks.iter().enumerate() {
        let bytes = u64::from_le_bytes(*chunk);
        let below = |bytes: u64, least: u8| bytes.wrapping_sub(ONES * u64::from(least)) & !bytes;
        let quote = below(bytes ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(bytes ^ (ONES * u64::from(b'\\')), 1);
        // Of the bits that are set the lowest one is right: only what is borrowed from there sets others.
        let found = (quote | backslash | below(bytes, b' ')) & HIGHEST;
        if found != 0 {
            return Some(8 * number + found.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|byte| is_end(*byte)).map(|end| text.len() - rest.len() + end)
}
