//! Breaks by the million: each as some two hundred bytes, unfolded one at a time where somebody looks at it.

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use super::codec::{Reader, put_side, put_signed, put_text, put_time};
use super::{Break, BreakKind, BreakStatus, sighting};
use crate::frames::{Measure, Side};

/// Bytes of a block: what is packed into one is found by its place there.
const BLOCK: usize = 256 << 10;

/// How many are unfolded at a time, by all cores.
const TOGETHER: usize = 4096;

/// Bits of a packed break: what follows, and from the third on which sides.
const DIFFERENCE: u8 = 1;
const OCCURRED: u8 = 1 << 1;
const SIDES: u8 = 2;

/// Bytes of the digest behind these bits.
const DIGEST: usize = 8;

/// A list of breaks. Copies share what does not change: all but the statuses.
#[derive(Debug, Clone, Default)]
pub struct Breaks {
    full: Vec<Arc<[u8]>>,
    /// The block that is being filled.
    open: Vec<u8>,
    list: Vec<Listed>,
    /// The currencies that they name: few.
    currencies: Vec<String>,
}

/// One break of the list, with all that sums and orders go by: nothing has to be unfolded for them.
#[derive(Debug, Clone, Copy)]
struct Listed {
    block: u32,
    at: u32,
    at_risk_minor: i64,
    /// Its place among the currencies of the list.
    currency: u32,
    kind: BreakKind,
    measure: Measure,
    status: BreakStatus,
}

/// A break without what its sides say. What stands in a field is at hand; the rest is read where it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Head<'b> {
    pub kind: BreakKind,
    pub currency: &'b str,
    pub measure: Measure,
    pub at_risk_minor: i64,
    pub status: BreakStatus,
    /// From the packed break on.
    bytes: &'b [u8],
}

impl<'b> Head<'b> {
    /// See [`BreakStatus::is_open`].
    pub const fn is_open(&self) -> bool {
        self.status.is_open()
    }

    pub fn id(&self) -> &'b str {
        self.text(0)
    }

    pub fn key(&self) -> &'b str {
        self.text(1)
    }

    pub fn detail(&self) -> &'b str {
        self.text(2)
    }

    /// The first bytes of [`super::life::Sighting::digest`].
    pub(super) fn digest(&self) -> &'b [u8] {
        &self.bytes[1..=DIGEST]
    }

    /// One of the texts that stand first, in their order.
    fn text(&self, place: usize) -> &'b str {
        let mut from = Reader::new(self.bytes);
        from.byte();
        from.take(DIGEST);
        for _ in 0..place {
            from.pass();
        }
        from.text()
    }

    /// Which sides state it, in the order of [`Side::ALL`].
    pub fn stated(&self) -> [bool; 3] {
        stated(Reader::new(self.bytes).byte())
    }
}

fn stated(bits: u8) -> [bool; 3] {
    std::array::from_fn(|place| bits & (1 << (SIDES as usize + place)) != 0)
}

/// What stands before the sides.
struct Start<'b> {
    id: &'b str,
    key: &'b str,
    detail: &'b str,
    difference_minor: Option<i64>,
    occurred_at: Option<DateTime<Utc>>,
    age_days: i64,
    stated: [bool; 3],
}

impl<'b> Start<'b> {
    /// And the bytes of the sides.
    fn read(bytes: &'b [u8]) -> (Self, Reader<'b>) {
        let mut from = Reader::new(bytes);
        let bits = from.byte();
        from.take(DIGEST);
        let start = Self {
            id: from.text(),
            key: from.text(),
            detail: from.text(),
            difference_minor: (bits & DIFFERENCE != 0).then(|| from.signed()),
            occurred_at: (bits & OCCURRED != 0).then(|| from.time()),
            age_days: from.signed(),
            stated: stated(bits),
        };
        (start, from)
    }
}

impl Breaks {
    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Adds one at the end.
    pub fn push(&mut self, found: impl Borrow<Break>) {
        let listed = self.pack(found.borrow());
        self.list.push(listed);
    }

    /// Adds those of another list at the end.
    pub fn append(&mut self, mut other: Self) {
        self.close();
        other.close();
        let shift = small(self.full.len());
        self.full.append(&mut other.full);
        let currencies: Vec<u32> = other.currencies.iter().map(|currency| self.currency(currency)).collect();
        self.list.extend(other.list.into_iter().map(|one| Listed {
            block: one.block + shift,
            currency: currencies[one.currency as usize],
            ..one
        }));
    }

    /// That of each, in their order: none is unfolded for it.
    pub fn statuses(&self) -> impl ExactSizeIterator<Item = BreakStatus> {
        self.list.iter().map(|listed| listed.status)
    }

    /// Without what their sides say, in their order.
    pub fn heads(&self) -> impl ExactSizeIterator<Item = Head<'_>> + DoubleEndedIterator {
        self.list.iter().map(|listed| self.head_of(listed))
    }

    /// # Panics
    /// Where there are fewer.
    pub fn head(&self, place: usize) -> Head<'_> {
        self.head_of(&self.list[place])
    }

    /// # Panics
    /// Where there are fewer.
    pub fn get(&self, place: usize) -> Break {
        self.unfold(self.list[place])
    }

    /// Each unfolded, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Break> + '_ {
        self.between(0..self.len())
    }

    /// Some of them unfolded, in their order.
    ///
    /// # Panics
    /// Where there are fewer.
    pub fn between(&self, places: Range<usize>) -> impl Iterator<Item = Break> + '_ {
        self.list[places].chunks(TOGETHER).flat_map(|page| self.unfolded(page))
    }

    fn unfolded(&self, page: &[Listed]) -> Vec<Break> {
        // Few are not worth waking the other cores for.
        page.par_iter().with_min_len(TOGETHER / 8).map(|listed| self.unfold(*listed)).collect()
    }

    /// Without those in these places, which ascend.
    #[must_use]
    pub fn without(mut self, places: &[usize]) -> Self {
        let mut places = places.iter().copied().peekable();
        let mut at = 0..;
        self.list.retain(|_| {
            let place = at.next();
            places.next_if(|gone| Some(*gone) == place).is_none()
        });
        self
    }

    /// All of them at once.
    pub fn to_vec(&self) -> Vec<Break> {
        self.iter().collect()
    }

    /// # Panics
    /// Where there are fewer.
    pub fn set_status(&mut self, place: usize, status: BreakStatus) {
        self.list[place].status = status;
    }

    /// Gives each the status that follows from it.
    pub fn set_statuses(&mut self, mut status: impl FnMut(&Head<'_>) -> BreakStatus) {
        for place in 0..self.list.len() {
            self.list[place].status = status(&self.head(place));
        }
    }

    /// Changes the breaks that are meant.
    pub fn change(&mut self, is_meant: impl Fn(&Head<'_>) -> bool, mut change: impl FnMut(&mut Break)) {
        for place in 0..self.list.len() {
            if is_meant(&self.head(place)) {
                let mut found = self.get(place);
                change(&mut found);
                self.list[place] = self.pack(&found);
            }
        }
    }

    /// Puts them into the one order of breaks: by kind, then most at risk first, then key and id; what is alike in all of
    /// them stays in its order.
    pub fn sort(&mut self) {
        self.close();
        let first = |listed: &Listed| {
            let key = self.head_of(listed).key().as_bytes();
            (listed.kind, Reverse(listed.at_risk_minor), u128::from_be_bytes(beginning(key)))
        };
        let placed = |(place, listed)| (first(listed), place);
        let mut order: Vec<_> = self.list.par_iter().enumerate().map(placed).collect();
        // Few are alike so far: only these are read again.
        let rest = |place: usize| {
            let head = self.head(place);
            (head.key(), head.id(), place)
        };
        order.par_sort_unstable_by(|(left, at), (right, other)| {
            left.cmp(right).then_with(|| rest(*at).cmp(&rest(*other)))
        });
        self.list = order.into_iter().map(|(_, place)| self.list[place]).collect();
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.full.push(std::mem::take(&mut self.open).into());
        }
    }

    fn pack(&mut self, found: &Break) -> Listed {
        if self.open.len() >= BLOCK {
            self.close();
        }
        let (block, at) = (small(self.full.len()), small(self.open.len()));
        let out = &mut self.open;
        let stated = found.sides.iter().enumerate().filter(|(_, side)| side.is_some());
        let stated: u8 = stated.map(|(place, _)| 1 << (SIDES as usize + place)).sum();
        let follows = if found.difference_minor.is_some() { DIFFERENCE } else { 0 };
        let occurred = if found.occurred_at.is_some() { OCCURRED } else { 0 };
        out.push(follows | occurred | stated);
        out.extend(sighting::digest_of(found));
        put_text(out, &found.id);
        put_text(out, &found.key);
        put_text(out, &found.detail);
        if let Some(minor) = found.difference_minor {
            put_signed(out, minor);
        }
        if let Some(at) = found.occurred_at {
            put_time(out, at);
        }
        put_signed(out, found.age_days);
        let mut before = None;
        for side in found.sides.iter().flatten() {
            put_side(out, side, before);
            before = Some(&**side);
        }
        Listed {
            block,
            at,
            at_risk_minor: found.at_risk_minor,
            currency: self.currency(&found.currency),
            kind: found.kind,
            measure: found.measure,
            status: found.status,
        }
    }

    fn currency(&mut self, currency: &str) -> u32 {
        let place = self.currencies.iter().position(|known| known == currency).unwrap_or_else(|| {
            self.currencies.push(currency.to_owned());
            self.currencies.len() - 1
        });
        small(place)
    }

    fn bytes(&self, listed: &Listed) -> &[u8] {
        let block = self.full.get(listed.block as usize).map_or(&*self.open, |block| &**block);
        &block[listed.at as usize..]
    }

    fn head_of(&self, listed: &Listed) -> Head<'_> {
        Head {
            kind: listed.kind,
            currency: &self.currencies[listed.currency as usize],
            measure: listed.measure,
            at_risk_minor: listed.at_risk_minor,
            status: listed.status,
            bytes: self.bytes(listed),
        }
    }

    fn unfold(&self, listed: Listed) -> Break {
        let head = self.head_of(&listed);
        let (start, mut from) = Start::read(head.bytes);
        let mut found = Break {
            id: start.id.to_owned(),
            kind: head.kind,
            key: start.key.to_owned(),
            currency: head.currency.to_owned(),
            measure: head.measure,
            at_risk_minor: head.at_risk_minor,
            difference_minor: start.difference_minor,
            sides: [None, None, None],
            occurred_at: start.occurred_at,
            age_days: start.age_days,
            status: head.status,
            detail: start.detail.to_owned(),
        };
        let mut before = None;
        for place in Side::ALL.map(|side| side as usize) {
            if start.stated[place] {
                found.sides[place] = Some(from.side(before.and_then(|at: usize| found.sides[at].as_deref())).into());
                before = Some(place);
            }
        }
        found
    }
}

/// The first bytes of a text, behind which nothing stands where it is shorter: as numbers, these have its order.
fn beginning<const BYTES: usize>(text: &[u8]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let length = text.len().min(BYTES);
    bytes[..length].copy_from_slice(&text[..length]);
    bytes
}

fn small(number: usize) -> u32 {
    u32::try_from(number).expect("fewer than 2^32 blocks, each smaller, and few currencies")
}

impl From<Vec<Break>> for Breaks {
    fn from(breaks: Vec<Break>) -> Self {
        breaks.into_iter().collect()
    }
}

impl FromIterator<Break> for Breaks {
    fn from_iter<I: IntoIterator<Item = Break>>(breaks: I) -> Self {
        let mut all = Self::default();
        all.extend(breaks);
        all
    }
}

impl Extend<Break> for Breaks {
    fn extend<I: IntoIterator<Item = Break>>(&mut self, breaks: I) {
        breaks.into_iter().for_each(|found| self.push(found));
    }
}

impl PartialEq for Breaks {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}
