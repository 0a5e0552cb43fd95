//! One pass over all keys of all sides: group, fold, count what agrees, keep what does not.

use polars::prelude::{GroupsType, IntoSeries, NewChunkedArray, PlSmallStr, PolarsResult, Series, StringChunked};

use super::side::{Columns, Disposition, KeySide, RowView, SideView};
use super::tally::{Aside, Tally};
use super::{KeyFacts, MatchError, Matched, Pairing, Rules, agree, exclusion, fold};
use crate::breaks::SideFacts;
use crate::frames::{Exclusion, Frame, Measure, Side};
use crate::job::Splits;

/// Brings the rows of all frames together by key.
///
/// # Errors
/// [`MatchError`] when one key's sums overflow or there are more than 2³² rows.
pub fn match_frames(rules: &Rules, frames: &[Frame]) -> Result<Matched, MatchError> {
    let columns: Vec<Columns> = frames.iter().map(Columns::of).collect();
    let mut matched = Matched::default();
    for frame in frames {
        for row in &frame.quarantine {
            let currency = row.currency.as_deref().unwrap_or_default();
            matched.tally.aside(frame.side, Aside::Quarantined, currency, row.amounts_minor);
        }
    }
    for side in &columns {
        exclude_marked(side, &mut matched.tally);
    }
    let places = Places::of(&columns)?;
    let groups = group(&columns, &places, rules)?;
    let mut buffers: [Vec<RowView>; 3] = Default::default();
    let mut visits = vec![0_u8; places.rows.len()];
    let mut group = |members: &mut dyn Iterator<Item = u32>| {
        for buffer in &mut buffers {
            buffer.clear();
        }
        let mut key = "";
        for member in members {
            visits[member as usize] = visits[member as usize].saturating_add(1);
            let (side, row) = places.find(member);
            buffers[columns[side].side as usize].push(columns[side].view(row));
            key = columns[side].text(rules.matching.key, row).unwrap_or_default();
        }
        one_key(rules, key, &columns, &mut buffers, &mut matched)
    };
    match groups {
        GroupsType::Idx(groups) => groups.iter().try_for_each(|(_, rows)| group(&mut rows.iter().copied()))?,
        // Keys that arrive sorted come back as ranges.
        GroupsType::Slice { groups, .. } => {
            groups.iter().try_for_each(|[first, rows]| group(&mut (*first..first + rows)))?;
        }
    }
    places.each_once(&visits, &columns)?;
    matched.tally.settle();
    for keys in [&mut matched.suspects, &mut matched.strays] {
        keys.sort_by(|left, right| left.key.cmp(&right.key));
    }
    Ok(matched)
}

/// Global row numbers: the sides' comparable rows, one side after the other.
struct Places {
    /// (side index, row in its frame)
    rows: Vec<(u8, u32)>,
}

impl Places {
    fn of(columns: &[Columns]) -> Result<Self, MatchError> {
        let mut rows = Vec::with_capacity(columns.iter().map(|side| side.height).sum());
        for (index, side) in columns.iter().enumerate() {
            let marker = u8::try_from(index).expect("three sides at most");
            for (row, code) in side.excluded.iter().enumerate() {
                if code.unwrap_or(0) == 0 {
                    rows.push((marker, u32::try_from(row).map_err(|_| MatchError::TooManyRows)?));
                }
            }
        }
        u32::try_from(rows.len()).map_err(|_| MatchError::TooManyRows)?;
        Ok(Self { rows })
    }

    /// Grouping must bring every row exactly once; nothing else in this program could notice if it did not.
    fn each_once(&self, visits: &[u8], columns: &[Columns]) -> Result<(), MatchError> {
        let odd = visits.iter().zip(&self.rows).filter(|(visits, _)| **visits != 1);
        let named: Vec<String> = odd
            .take(5)
            .map(|(visits, (side, row))| {
                let columns = &columns[usize::from(*side)];
                let place = columns.place(*row);
                format!("{} file {} line {} ({visits} times)", columns.side, place.file, place.line)
            })
            .collect();
        if named.is_empty() { Ok(()) } else { Err(MatchError::NotOnce { rows: named.join(", ") }) }
    }

    fn find(&self, member: u32) -> (usize, u32) {
        let (side, row) = self.rows[member as usize];
        (usize::from(side), row)
    }
}

/// All keys of all sides in one column, grouped once: an outer join that cannot multiply rows.
fn group(columns: &[Columns], places: &Places, rules: &Rules) -> PolarsResult<GroupsType> {
    let name = PlSmallStr::from_static("key");
    let mut keys = StringChunked::from_slice(name.clone(), &[] as &[&str]);
    for (index, side) in columns.iter().enumerate() {
        let Some(column) = side.text_column(rules.matching.key) else { continue };
        let wanted: Vec<u32> =
            places.rows.iter().filter(|(at, _)| usize::from(*at) == index).map(|(_, row)| *row).collect();
        let part = if wanted.len() == side.height {
            column.clone()
        } else {
            column.clone().into_series().take_slice(&wanted)?.str()?.clone()
        };
        keys.append_owned(part.with_name(name.clone()))?;
    }
    let series: Series = keys.rechunk().into_owned().into_series();
    series.group_tuples(true, true)
}

fn exclude_marked(columns: &Columns, tally: &mut Tally) {
    for (row, code) in columns.excluded.iter().enumerate() {
        if let Some(reason) = code.and_then(exclusion) {
            let row = u32::try_from(row).expect("frames hold fewer than 2^32 rows");
            tally.exclude(columns.side, reason, &columns.view(row));
        }
    }
}

fn one_key(
    rules: &Rules,
    key: &str,
    columns: &[Columns],
    buffers: &mut [Vec<RowView>; 3],
    matched: &mut Matched,
) -> Result<(), MatchError> {
    let watched = !rules.watched.is_empty() && rules.watched.contains(key);
    let outside = is_outside(rules, key, buffers);
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
        let columns = columns.iter().find(|columns| columns.side == side)?;
        Some(own(views[side as usize].as_ref()?, &buffers[side as usize], columns))
    });
    let facts = KeyFacts { key: key.to_owned(), sides, pairing: Pairing::ByKey };
    if outside {
        matched.strays.push(facts);
    } else {
        matched.suspects.push(facts);
    }
    Ok(())
}

/// A balance is of all rows, whatever their time. Else a key is outside when some row states a time and none lies in the period. A row of the provider's
/// file that states none is in: the file is the period's own.
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

/// Takes one side out of the columns, for a key that has to be looked at.
pub(super) fn own(view: &SideView, rows: &[RowView], columns: &Columns) -> KeySide {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let mut places: Vec<_> = rows.iter().map(|row| columns.place(row.row)).collect();
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
        },
        flags: view.flags,
        split_gap_minor: view.split_gap_minor,
        duplicate_rows: copies().count() as u64,
        duplicate_amount_minor: copies().filter_map(|row| row.values[amount]).fold(0, i64::saturating_add),
    }
}
