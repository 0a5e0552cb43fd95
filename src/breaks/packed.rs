//! Breaks by the million: each as some two hundred bytes, unfolded one at a time where somebody looks at it.

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use super::codec::{Reader, put_side, put_signed, put_text, put_time};
use super::{Break, BreakKind, BreakStatus};
use crate::frames::{Measure, Side};

/// Bytes of a block: what is packed into one is found by its place there.
const BLOCK: usize = 256 << 10;

/// How many are unfolded at a time, by all cores.
const TOGETHER: usize = 4096;

/// Bits of a packed break: what follows, and from the third on which sides.
const DIFFERENCE: u8 = 1;
const OCCURRED: u8 = 1 << 1;
const SIDES: u8 = 2;

/// A list of breaks. Copies share what does not change: all but the statuses.
#[derive(Debug, Clone, Default)]
pub struct Breaks {
    full: Vec<Arc<[u8]>>,
    /// The block that is being filled.
    open: Vec<u8>,
    list: Vec<Listed>,
}

/// One break of the list.
#[derive(Debug, Clone, Copy)]
struct Listed {
    block: u32,
    at: u32,
    status: BreakStatus,
}

/// A break without what its sides say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'b> {
    pub id: &'b str,
    pub kind: BreakKind,
    pub key: &'b str,
    pub currency: &'b str,
    pub measure: Measure,
    pub at_risk_minor: i64,
    pub difference_minor: Option<i64>,
    pub occurred_at: Option<DateTime<Utc>>,
    pub age_days: i64,
    pub status: BreakStatus,
    pub detail: &'b str,
    /// Which sides state it, in the order of [`Side::ALL`].
    pub stated: [bool; 3],
}

impl Head<'_> {
    /// See [`BreakStatus::is_open`].
    pub const fn is_open(&self) -> bool {
        self.status.is_open()
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
        self.list.extend(other.list.into_iter().map(|one| Listed { block: one.block + shift, ..one }));
    }

    /// That of each, in their order: none is unfolded for it.
    pub fn statuses(&self) -> impl ExactSizeIterator<Item = BreakStatus> {
        self.list.iter().map(|listed| listed.status)
    }

    /// Without what their sides say, in their order.
    pub fn heads(&self) -> impl ExactSizeIterator<Item = Head<'_>> + DoubleEndedIterator {
        self.list.iter().map(|listed| self.read(*listed).0)
    }

    /// # Panics
    /// Where there are fewer.
    pub fn head(&self, place: usize) -> Head<'_> {
        self.read(self.list[place]).0
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
        let first = |head: Head<'_>| (head.kind, Reverse(head.at_risk_minor));
        let mut order: Vec<_> = self.heads().map(first).zip(0_usize..).collect();
        // Few are alike so far: only these are read once more.
        let rest = |place: usize| {
            let head = self.head(place);
            (head.key, head.id, place)
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
        out.extend([found.kind as u8, found.measure as u8, follows | occurred | stated]);
        put_text(out, &found.id);
        put_text(out, &found.key);
        put_text(out, &found.currency);
        put_signed(out, found.at_risk_minor);
        if let Some(minor) = found.difference_minor {
            put_signed(out, minor);
        }
        if let Some(at) = found.occurred_at {
            put_time(out, at);
        }
        put_signed(out, found.age_days);
        put_text(out, &found.detail);
        let mut before = None;
        for side in found.sides.iter().flatten() {
            put_side(out, side, before);
            before = Some(&**side);
        }
        Listed { block, at, status: found.status }
    }

    /// The head, and the bytes of the sides.
    fn read(&self, listed: Listed) -> (Head<'_>, Reader<'_>) {
        let block = self.full.get(listed.block as usize).map_or(&*self.open, |block| &**block);
        let mut from = Reader::new(&block[listed.at as usize..]);
        let (kind, measure, bits) = (from.byte(), from.byte(), from.byte());
        let (id, key, currency) = (from.text(), from.text(), from.text());
        let head = Head {
            id,
            kind: BreakKind::ALL[kind as usize],
            key,
            currency,
            measure: Measure::ALL[measure as usize],
            at_risk_minor: from.signed(),
            difference_minor: (bits & DIFFERENCE != 0).then(|| from.signed()),
            occurred_at: (bits & OCCURRED != 0).then(|| from.time()),
            age_days: from.signed(),
            status: listed.status,
            detail: from.text(),
            stated: std::array::from_fn(|place| bits & (1 << (SIDES as usize + place)) != 0),
        };
        (head, from)
    }

    fn unfold(&self, listed: Listed) -> Break {
        let (head, mut from) = self.read(listed);
        let mut found = Break {
            id: head.id.to_owned(),
            kind: head.kind,
            key: head.key.to_owned(),
            currency: head.currency.to_owned(),
            measure: head.measure,
            at_risk_minor: head.at_risk_minor,
            difference_minor: head.difference_minor,
            sides: [None, None, None],
            occurred_at: head.occurred_at,
            age_days: head.age_days,
            status: head.status,
            detail: head.detail.to_owned(),
        };
        let mut before = None;
        for place in Side::ALL.map(|side| side as usize) {
            if head.stated[place] {
                found.sides[place] = Some(from.side(before.and_then(|at: usize| found.sides[at].as_deref())).into());
                before = Some(place);
            }
        }
        found
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).expect("fewer than 2^32 blocks, each smaller")
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
