//! Where a text repeats itself within the window (RFC 1951, 2 and 4).

use std::ops::Range;

/// How far back a match may lie.
const WINDOW: usize = 32 << 10;
/// The longest match.
const LONGEST: usize = 258;
/// The shortest that is searched: so many bytes are hashed. What is shorter costs about as much as its bytes.
const SHORTEST: usize = 6;
/// A match of this length is taken without looking at the other candidate in its place.
const LONG_ENOUGH: usize = 12;
/// A match of this length is taken without a second look.
const SURE: usize = 40;
/// How much further on the second look goes.
const SECOND_LOOK: usize = 3;
/// Positions that are remembered of a match, from its start.
const REMEMBERED: usize = 6;
/// The search goes on by a byte more after so many (in powers of two) positions without a match.
const PATIENCE: u32 = 1;
/// The longest step.
const LONGEST_STEP: usize = 4;
/// The end of a text, which is not searched: there are always so many bytes to look at.
const TAIL: usize = 24;
/// Literals are copied in pieces of this size; nearly all are one piece.
const COPIED: usize = 32;
/// Logarithm of the table's length: 64 KiB.
const TABLE_BITS: u32 = 13;
const TABLE_LENGTH: usize = 1 << TABLE_BITS;
/// Of a table's half: the tag.
const TAG: u64 = 0xffff_0000;

/// Of two places with one hash, the latest in the low half: a tag, which is another part of the hash, and the
/// low 16 bits of the position. What is older than the window, or has another text, is found out by looking.
type Table = [u64; TABLE_LENGTH];

/// Some literals, then a match.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) literals: u32,
    /// 0 in a block's last step.
    pub(super) length: u16,
    /// Less one.
    pub(super) distance: u16,
}

/// What a block's text consists of.
#[derive(Debug)]
pub(super) struct Found<'f> {
    /// The last one has no match, all others do.
    pub(super) steps: &'f [Step],
    /// Of all steps; [`Self::PADDING`] bytes of no meaning follow.
    padded: &'f [u8],
    literal_count: usize,
}

impl<'f> Found<'f> {
    pub(super) const PADDING: usize = COPIED;

    pub(super) fn literals(&self) -> &'f [u8] {
        &self.padded[..self.literal_count]
    }

    /// The literals and what stands behind them.
    pub(super) const fn padded(&self) -> &'f [u8] {
        self.padded
    }
}

/// Finds matches, block by block of one text.
#[derive(Debug, Default)]
pub(super) struct Finder {
    table: Vec<u64>,
    steps: Vec<Step>,
    literals: Vec<u8>,
}

/// A match, without what it may have in common before its start.
#[derive(Debug, Clone, Copy)]
struct Match {
    source: usize,
    length: usize,
}

impl Finder {
    /// Forgets the text before.
    pub(super) fn begin(&mut self) {
        self.table.clear();
        self.table.resize(TABLE_LENGTH, 0);
    }

    /// The steps of a part of the text; the parts before it were found before.
    pub(super) fn find(&mut self, text: &[u8], part: Range<usize>) -> Found<'_> {
        let Self { table, steps, literals } = self;
        let table: &mut Table = table.as_mut_slice().try_into().expect("`begin` makes it as long");
        steps.clear();
        let room = part.len() + Found::PADDING;
        if literals.len() < room {
            literals.resize(room, 0);
        }
        let limit = part.end.saturating_sub(TAIL);
        let (mut done, mut at, mut misses, mut literal_count) = (part.start, part.start, 0, 0);
        while let Some(hit) = next_hit(text, table, at..limit, &mut misses) {
            let (mut start, mut found) = (hit.at, longer(text, &hit, part.end, 0));
            if found.length < SHORTEST {
                misses += 1;
                at = start + step(misses);
                continue;
            }
            if found.length < SURE {
                let second = look_up(text, table, start + SECOND_LOOK);
                let most = found.length.saturating_sub(SECOND_LOOK);
                let further = longer(text, &second, part.end, most);
                if further.length > most.max(SHORTEST) {
                    (start, found) = (second.at, further);
                }
            }
            let back = before(text, start, found, start - done);
            let distance = start - found.source;
            start -= back;
            let length = found.length + back;
            copy_literals(text, done..start, literals, literal_count);
            literal_count += start - done;
            steps.push(Step { literals: count(start - done), length: short(length), distance: short(distance - 1) });
            remember(text, table, start);
            done = start + length;
            (at, misses) = (done, 0);
        }
        let rest = &text[done..part.end];
        literals[literal_count..literal_count + rest.len()].copy_from_slice(rest);
        literal_count += rest.len();
        steps.push(Step { literals: count(rest.len()), length: 0, distance: 0 });
        Found { steps, padded: literals, literal_count }
    }
}

fn count(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a block is much shorter than 4 GiB")
}

fn short(value: usize) -> u16 {
    u16::try_from(value).expect("a match's length and distance lie within the window")
}

/// How far the search goes on after so many misses.
#[inline]
fn step(misses: usize) -> usize {
    (1 + (misses >> PATIENCE)).min(LONGEST_STEP)
}

/// Eight bytes of the text; past its end some zeros, which only cost a look.
#[inline]
fn eight(text: &[u8], at: usize) -> u64 {
    text.get(at..at + 8).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// A position whose hash is known.
#[derive(Debug, Clone, Copy)]
struct Hit {
    at: usize,
    /// As it stands in the table.
    tagged: u64,
    /// The places that had the hash before.
    places: u64,
}

/// Where in the table, and what stands there, for a position with these bytes.
#[inline]
const fn hashed(bytes: u64, at: usize) -> (usize, u64) {
    let hash = (bytes << (64 - 8 * SHORTEST)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let tag = hash >> (64 - TABLE_BITS - 16) & 0xffff;
    ((hash >> (64 - TABLE_BITS)) as usize, tag << 16 | at as u64 & 0xffff)
}

#[inline]
fn look_up(text: &[u8], table: &mut Table, at: usize) -> Hit {
    let (slot, tagged) = hashed(eight(text, at), at);
    let places = table[slot];
    table[slot] = places << 32 | tagged;
    Hit { at, tagged, places }
}

/// The next position whose hash has been met. Apart, so that the loop has all registers to itself.
#[inline(never)]
fn next_hit(text: &[u8], table: &mut Table, within: Range<usize>, misses: &mut usize) -> Option<Hit> {
    let (mut at, mut passed) = (within.start, *misses);
    while at < within.end {
        let hit = look_up(text, table, at);
        let other = hit.places ^ (hit.tagged << 32 | hit.tagged);
        // One branch for both: each alone could not be foreseen.
        if (other & TAG).min(other >> 48) == 0 {
            *misses = passed;
            return Some(hit);
        }
        passed += 1;
        at += step(passed);
    }
    None
}

/// The first place that has more than `most` bytes in common with the position, or the second if that has
/// more still. The latest wins among equals: near is cheap.
#[inline]
fn longer(text: &[u8], hit: &Hit, end: usize, most: usize) -> Match {
    let mut best = Match { source: 0, length: most };
    for place in [hit.places, hit.places >> 32] {
        if (place ^ hit.tagged) & TAG != 0 {
            continue;
        }
        let distance = (hit.tagged.wrapping_sub(place) & 0xffff) as usize;
        if !(1..=WINDOW.min(hit.at)).contains(&distance) {
            continue;
        }
        let source = hit.at - distance;
        // The bytes that a longer match must have, its last ones.
        let last = best.length.max(7) - 7;
        if best.length > 0 && eight(text, source + last) != eight(text, hit.at + last) {
            continue;
        }
        let length = common(text, source, hit.at, end.min(hit.at + LONGEST));
        if length > best.length {
            best = Match { source, length };
            if length >= LONG_ENOUGH {
                break;
            }
        }
    }
    best
}

/// How many bytes are the same from `source` as from `at`, which ends before `end`.
#[inline]
fn common(text: &[u8], source: usize, at: usize, end: usize) -> usize {
    let (earlier, later) = (&text[source..], &text[at..end]);
    let mut length = 0;
    for (earlier, later) in earlier.as_chunks().0.iter().zip(later.as_chunks().0) {
        let other = u64::from_le_bytes(*earlier) ^ u64::from_le_bytes(*later);
        if other != 0 {
            return length + (other.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    length + earlier[length..].iter().zip(&later[length..]).take_while(|(earlier, later)| earlier == later).count()
}

/// How many bytes before a match are the same too, of at most so many.
#[inline]
fn before(text: &[u8], at: usize, found: Match, most: usize) -> usize {
    let most = most.min(found.source).min(LONGEST - found.length);
    let mut same = 0;
    if found.source >= 8 {
        let other = eight(text, found.source - 8) ^ eight(text, at - 8);
        same = most.min((other.leading_zeros() / 8) as usize);
        if same < 8 {
            return same;
        }
    }
    while same < most && text[found.source - 1 - same] == text[at - 1 - same] {
        same += 1;
    }
    same
}

/// Copies literals, a little too many where that is quicker.
#[inline]
fn copy_literals(text: &[u8], run: Range<usize>, literals: &mut [u8], at: usize) {
    let mut copied = 0;
    loop {
        let (from, to) = (run.start + copied, at + copied);
        let whole = text.get(from..from + COPIED).and_then(<[u8]>::first_chunk::<COPIED>);
        let room = literals.get_mut(to..to + COPIED).and_then(<[u8]>::first_chunk_mut::<COPIED>);
        let (Some(whole), Some(room)) = (whole, room) else {
            literals[to..at + run.len()].copy_from_slice(&text[from..run.end]);
            return;
        };
        *room = *whole;
        copied += COPIED;
        if copied >= run.len() {
            return;
        }
    }
}

/// Remembers the first positions of a match.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lowest 64 bits are meant")]
fn remember(text: &[u8], table: &mut Table, start: usize) {
    let Some(bytes) = text.get(start..start + 16).and_then(<[u8]>::first_chunk) else { return };
    let bytes = u128::from_le_bytes(*bytes);
    for offset in 0..REMEMBERED {
        let (slot, tagged) = hashed((bytes >> (8 * offset)) as u64, start + offset);
        let places = table[slot];
        // It may stand there already: then the older place stays.
        table[slot] = if places & 0xffff_ffff == tagged { places } else { places << 32 | tagged };
    }
}
