//! One pass over all keys of all sides: group, fold, count what agrees, keep what does not. Part by part: a key lies in
//! the same part of every side, so that parts are worked on side by side, and only they have to be at hand.

use std::iter;
use std::sync::Arc;

use rayon::prelude::*;

use super::side::{Disposition, KeySide, Only, RowView, SideView};
use super::tally::Aside;
use super::{KeyFacts, MatchError, Matched, Pairing, Rules, Tally, agree, exclusion, fold};
use crate::breaks::SideFacts;
use crate::frames::rows::{Chunk, PackedRow, Part};
use crate::frames::{Exclusion, Frame, Measure, Side};
use crate::job::Splits;

/// Brings the rows of all frames together by key.
///
/// # Errors
/// [`MatchError`] when one key's sums overflow, there are more than 2³² rows in one part, or rows that were laid aside
/// cannot be read back.
///
/// # Panics
/// When the key of a frame's rows is not that of the rules.
pub fn match_frames(rules: &Rules, frames: &[Frame]) -> Result<Matched, MatchError> {
    let (mut matched, mut suspects) = match_frames_into::<Vec<KeyFacts>>(rules, frames, Afterwards::RowsStay)?;
    suspects.sort_by(|left, right| left.key.cmp(&right.key));
    matched.suspects = suspects;
    Ok(matched)
}

/// What is left of the frames when their rows have been matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    RowsStay,
    /// Each part is forgotten when it has been matched: its memory is there for what is found.
    RowsGo,
}

/// Who takes the keys that have to be looked at, part by part, so that they need not all be held at once.
pub trait Suspects: Default + Send {
    /// Those of one part.
    fn take(&mut self, rules: &Rules, suspects: Vec<KeyFacts>);

    /// Adds what another has taken.
    fn merge(&mut self, other: Self);
}

impl Suspects for Vec<KeyFacts> {
    fn take(&mut self, _rules: &Rules, suspects: Vec<KeyFacts>) {
        self.extend(suspects);
    }

    fn merge(&mut self, other: Self) {
        self.extend(other);
    }
}

/// [`match_frames`], of which each part hands over its suspects when it is done: they come in no order.
///
/// # Errors
/// As [`match_frames`].
///
/// # Panics
/// As [`match_frames`].
pub fn match_frames_into<S: Suspects>(
    rules: &Rules,
    frames: &[Frame],
    afterwards: Afterwards,
) -> Result<(Matched, S), MatchError> {
    assert!(frames.iter().all(|frame| frame.rows.key() == rules.matching.key), "rows lie where their key says");
    let bits = frames.iter().map(|frame| frame.rows.bits()).min().unwrap_or_default();
    let matching = (0..1_usize << bits).into_par_iter().fold(Default::default, |mut so_far: (Found, S), part| {
        let (found, suspects) = &mut so_far;
        if let Err(error) = match_part(rules, (frames, afterwards), (part, bits), found) {
            found.fail(error);
        }
        suspects.take(rules, std::mem::take(&mut found.matched.suspects));
        so_far
    });
    let (mut all, suspects) = matching.reduce(Default::default, |(found, mut suspects), (others, more)| {
        suspects.merge(more);
        (found.merged(others), suspects)
    });
    if let Some(fault) = all.fault {
        return Err(fault);
    }
    all.matched.tally.settle();
    for frame in frames {
        for row in &frame.quarantine {
            let currency = row.currency.as_deref().unwrap_or_default();
            all.matched.tally.aside(frame.side, Aside::Quarantined, currency, row.amounts_minor);
        }
    }
    all.matched.strays.sort_by(|left, right| left.key.cmp(&right.key));
    Ok((all.matched, suspects))
}

/// What is found so far.
#[derive(Default)]
struct Found {
    matched: Matched,
    fault: Option<MatchError>,
}

impl Found {
    fn merged(mut self, Self { matched, fault }: Self) -> Self {
        self.matched.merge(matched);
        if let Some(fault) = fault {
            self.fail(fault);
        }
        self
    }

    /// Of several faults one is told, whichever was met first.
    fn fail(&mut self, error: MatchError) {
        let comes_first = |known: &MatchError| error.to_string() < known.to_string();
        if self.fault.as_ref().is_none_or(comes_first) {
            self.fault = Some(error);
        }
    }
}

/// Matches the rows of a part, in finer parts where they are more than lie in a processor's cache.
fn match_part(
    rules: &Rules,
    (frames, afterwards): (&[Frame], Afterwards),
    (part, bits): (usize, u32),
    found: &mut Found,
) -> Result<(), MatchError> {
    let unread = |frame: &Frame, source| MatchError::LaidAside { side: frame.side, source };
    let mut parts: Vec<(&Frame, Part)> = Vec::with_capacity(frames.len());
    for frame in frames {
        let part = match afterwards {
            Afterwards::RowsStay => frame.rows.part(part, bits),
            Afterwards::RowsGo => frame.rows.give(part, bits),
        };
        parts.push((frame, part.map_err(|source| unread(frame, source))?));
    }
    let bytes: usize = parts.iter().map(|(_, part)| part.bytes()).sum();
    let fine_bytes = frames.iter().map(|frame| frame.rows.fine_bytes()).min().unwrap_or(usize::MAX);
    let finer = bytes.div_ceil(fine_bytes.max(1)).next_power_of_two().ilog2().min(MOST_FINER);
    if finer == 0 {
        let mut chunks = Vec::with_capacity(frames.len());
        for (frame, part) in parts {
            chunks.push((frame, part.chunks().map_err(|source| unread(frame, source))?));
        }
        let sides = chunks.iter().map(|(frame, chunks)| (*frame, chunks.iter().map(Arc::as_ref)));
        return match_rows(rules, sides, &mut Groups::default(), found);
    }
    let mut chunks = Vec::with_capacity(frames.len());
    for (frame, part) in parts {
        chunks.push((frame, part.finer(finer).map_err(|source| unread(frame, source))?));
    }
    // Whoever matches this one most likely matches the next one too.
    for frame in frames {
        frame.rows.announce(part + 1, bits);
    }
    let mut groups = Groups::default();
    for fine in 0..1 << finer {
        let sides = chunks.iter().map(|(frame, chunks)| (*frame, iter::once(&chunks[fine])));
        match_rows(rules, sides, &mut groups, found)?;
    }
    Ok(())
}

/// Matches all rows of some keys. What is in `groups` is of no interest.
fn match_rows<'c, C: Iterator<Item = &'c Chunk>>(
    rules: &Rules,
    sides: impl Iterator<Item = (&'c Frame, C)>,
    groups: &mut Groups<'c>,
    found: &mut Found,
) -> Result<(), MatchError> {
    groups.clear();
    for (frame, chunks) in sides {
        for row in chunks.flat_map(|chunk| chunk.rows(frame.rows.layout())) {
            match row.excluded() {
                0 => groups.add(frame.side, row)?,
                code => {
                    let reason = exclusion(code).expect("rows are excluded for a reason");
                    found.matched.tally.exclude(frame.side, reason, &RowView::of(row, 0));
                }
            }
        }
    }
    let mut buffers: [Vec<RowView>; 3] = Default::default();
    let mut brought = 0;
    for (key, rows) in groups.each() {
        for buffer in &mut buffers {
            buffer.clear();
        }
        for (number, side, row) in rows {
            RowView::add_to(&mut buffers[side as usize], row, number);
            brought += 1;
        }
        if let Err(error) = one_key(rules, key, &mut buffers, &mut found.matched) {
            found.fail(error);
        }
    }
    // Nothing else in this program could notice.
    if brought == groups.members.len() {
        Ok(())
    } else {
        Err(MatchError::NotOnce { taken: groups.members.len() as u64, brought: brought as u64 })
    }
}

/// Most finer parts of a part, as a power of two.
const MOST_FINER: u32 = 8;
/// No row.
const END: u32 = u32::MAX;

/// The rows of one part by key: an outer join that cannot multiply rows.
#[derive(Default)]
struct Groups<'c> {
    members: Vec<(Side, PackedRow<'c>)>,
    /// Of each row, the next one of its key.
    next: Vec<u32>,
    /// First and last row of each key, and its hash.
    ends: Vec<(u32, u32, u32)>,
    /// Where a hash leads: a key, or the place after it, and so on until a free one. Its size is a power of two.
    slots: Vec<u32>,
}

impl<'c> Groups<'c> {
    fn clear(&mut self) {
        self.members.clear();
        self.next.clear();
        self.ends.clear();
        self.slots.fill(END);
    }

    fn add(&mut self, side: Side, row: PackedRow<'c>) -> Result<(), MatchError> {
        let number = u32::try_from(self.members.len()).ok().filter(|number| *number < END);
        let number = number.ok_or(MatchError::TooManyRows)?;
        if self.slots.len() < 2 * (self.ends.len() + 1) {
            self.widen();
        }
        let hash = row.hash();
        let mut slot = hash as usize & (self.slots.len() - 1);
        loop {
            let group = self.slots[slot];
            if group == END {
                self.slots[slot] = u32::try_from(self.ends.len()).map_err(|_| MatchError::TooManyRows)?;
                self.ends.push((number, number, hash));
                break;
            }
            let (first, last, known) = &mut self.ends[group as usize];
            // The hash only finds candidates.
            if *known == hash && self.members[*first as usize].1.key() == row.key() {
                self.next[*last as usize] = number;
                *last = number;
                break;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.members.push((side, row));
        self.next.push(END);
        Ok(())
    }

    fn widen(&mut self) {
        let wide = (self.slots.len() * 2).max(1 << 10);
        self.slots.clear();
        self.slots.resize(wide, END);
        for (group, (_, _, hash)) in (0..).zip(&self.ends) {
            let mut slot = *hash as usize & (wide - 1);
            while self.slots[slot] != END {
                slot = (slot + 1) & (wide - 1);
            }
            self.slots[slot] = group;
        }
    }

    /// Each key with its rows, in the order in which they came.
    fn each(&self) -> impl Iterator<Item = (&'c str, impl Iterator<Item = (u32, Side, PackedRow<'c>)>)> {
        self.ends.iter().map(move |(first, ..)| {
            let mut at = *first;
            let rows = iter::from_fn(move || {
                let (side, row) = *self.members.get(at as usize)?;
                let number = at;
                at = self.next[at as usize];
                Some((number, side, row))
            });
            (self.members[*first as usize].1.key(), rows)
        })
    }
}

fn one_key(rules: &Rules, key: &str, buffers: &mut [Vec<RowView>; 3], matched: &mut Matched) -> Result<(), MatchError> {
    let watched = !rules.watched.is_empty() && rules.watched.contains(key);
    let outside = is_outside(rules, key, buffers);
    if !outside && !watched && agrees_at_once(rules, buffers, &mut matched.tally) {
        return Ok(());
    }
    if outside {
        for side in Side::ALL {
            for row in &buffers[side as usize] {
                matched.tally.exclude(side, Exclusion::OutsidePeriod, row);
            }
        }
        if !watched {
            return Ok(());
        }
    }
    let mut views: [Option<SideView>; 3] = [None; 3];
    let mut rows = [0; 3];
    for side in Side::ALL {
        let buffer = &mut buffers[side as usize];
        if buffer.is_empty() {
            continue;
        }
        let folded = fold::fold(side, rules.matching.splits, buffer).map_err(|source| MatchError::Overflow {
            side,
            key: key.to_owned(),
            source,
        })?;
        views[side as usize] = Some(folded);
        rows[side as usize] = buffer.len() as u64;
        for row in buffer.iter().filter(|row| !outside && row.disposition != Disposition::Counted) {
            matched.tally.set_aside(side, row);
        }
    }
    if !watched && agree::is_clean(rules, &views) {
        matched.tally.agree(&views, rows);
        return Ok(());
    }
    let sides = Side::ALL.map(|side| {
        let view = views[side as usize].as_ref()?;
        Some(own(view, &buffers[side as usize]))
    });
    let facts = KeyFacts { key: key.to_owned(), sides, pairing: Pairing::ByKey };
    if outside {
        matched.strays.push(facts);
    } else {
        matched.suspects.push(facts);
    }
    Ok(())
}

/// The way that nearly every key goes: of each side one row that says it all, and nothing to be looked at twice. What it
/// counts is what folding would; where it is not sure, nothing is counted.
fn agrees_at_once(rules: &Rules, buffers: &[Vec<RowView>; 3], tally: &mut Tally) -> bool {
    if rules.matching.splits == Splits::Balance {
        return false;
    }
    let mut stated: [Option<Only>; 3] = [None; 3];
    let mut rows = [0; 3];
    for (side, buffer) in buffers.iter().enumerate() {
        match buffer.as_slice() {
            [] => {}
            [row] if fold::says_it_all(row) => (stated[side], rows[side]) = (Some(Only(row)), 1),
            _ => return false,
        }
    }
    let agrees = agree::is_clean(rules, &stated);
    if agrees {
        tally.agree(&stated, rows);
    }
    agrees
}

/// A balance is of all rows, whatever their time. Else a key is outside when some row states a time and none lies in the
/// period. A row of the provider's file that states none is in: the file is the period's own.
fn is_outside(rules: &Rules, key: &str, buffers: &[Vec<RowView>; 3]) -> bool {
    if rules.matching.splits == Splits::Balance {
        return false;
    }
    if rules.carried.as_ref().is_some_and(|carried| carried.is_of_earlier(rules, key, buffers)) {
        return true;
    }
    if buffers[Side::File as usize].iter().any(|row| row.occurred_at.is_none()) {
        return false;
    }
    let mut times = buffers.iter().flatten().filter_map(|row| row.occurred_at).peekable();
    times.peek().is_some() && !times.any(|micros| agree::in_period(rules, micros))
}

/// Takes one side out of the packed rows, for a key that has to be looked at.
pub(super) fn own(view: &SideView, rows: &[RowView]) -> KeySide {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let mut places: Vec<_> = rows.iter().map(|row| row.place).collect();
    places.sort_unstable();
    let copies = || rows.iter().filter(|row| row.disposition == Disposition::Duplicate);
    let amount = Measure::TransactionAmount as usize;
    KeySide {
        facts: SideFacts {
            amount_minor: view.amount(),
            issuer_commission_minor: view.values[Measure::IssuerCommission as usize],
            user_reward_minor: view.user_reward(),
            currency: Some(view.row.currency.to_owned()),
            status: text(view.status),
            user: text(view.row.user),
            merchant: text(view.row.merchant),
            card_first_six: text(view.row.card_first_six),
            card_last_four: text(view.row.card_last_four),
            payment_status: text(view.row.payment_status),
            reason: text(view.row.reason.or_else(|| rows.iter().find_map(|row| row.reason))),
            account: text(view.row.account),
            valid_from: text(view.row.valid_from),
            valid_to: text(view.row.valid_to),
            occurred_at: view.row.occurred_at.and_then(chrono::DateTime::from_timestamp_micros),
            rows: places,
        }
        .into(),
        flags: view.flags,
        split_gap_minor: view.split_gap_minor,
        duplicate_rows: copies().count() as u64,
        duplicate_amount_minor: copies().filter_map(|row| row.values[amount]).fold(0, i64::saturating_add),
    }
}
