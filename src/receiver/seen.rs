//! Which notifications are on the disk: digests of their ids, for some days.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use chrono::{Days, NaiveDate};
use sha2::{Digest, Sha256};

use super::segment;
use crate::frames::signature;

/// Of an id; 16 bytes of SHA-256 are enough that no two of ours are alike.
pub(super) type IdDigest = [u8; 16];
/// Of a body, to tell a repeat from something else under the same id.
pub(super) type BodyDigest = [u8; 8];

pub(super) fn of_id(id: &str) -> IdDigest {
    first_bytes(id.as_bytes())
}

pub(super) fn of_body(body: &[u8]) -> BodyDigest {
    first_bytes(body)
}

fn first_bytes<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut first = [0; N];
    first.copy_from_slice(&Sha256::digest(bytes)[..N]);
    first
}

/// The notifications of the last days.
#[derive(Debug)]
pub(super) struct Seen {
    days: BTreeMap<NaiveDate, HashMap<IdDigest, BodyDigest>>,
    kept_days: u32,
}

impl Seen {
    /// Reads the segments of the last `kept_days` days up to `today`. They must be whole and on the disk.
    pub(super) fn read(folder: &Path, today: NaiveDate, kept_days: u32) -> io::Result<Self> {
        let mut seen = Self { days: BTreeMap::new(), kept_days };
        for (day, path) in segment::list(folder, segment::TAKEN)? {
            if day >= Self::first_day(today, kept_days) {
                seen.read_segment(day, &path)?;
            }
        }
        Ok(seen)
    }

    /// The body of the notification with this id, if it was taken.
    pub(super) fn body_of(&self, id: &IdDigest) -> Option<BodyDigest> {
        self.days.values().rev().find_map(|day| day.get(id)).copied()
    }

    pub(super) fn add(&mut self, day: NaiveDate, taken: impl IntoIterator<Item = (IdDigest, BodyDigest)>) {
        self.days.entry(day).or_default().extend(taken);
    }

    /// Forgets what is too old on this day.
    pub(super) fn forget(&mut self, today: NaiveDate) {
        self.days = self.days.split_off(&Self::first_day(today, self.kept_days));
    }

    /// How many are known.
    pub(super) fn len(&self) -> usize {
        self.days.values().map(HashMap::len).sum()
    }

    /// The first of the last `kept_days` days up to `today`.
    pub(super) fn first_day(today: NaiveDate, kept_days: u32) -> NaiveDate {
        let before = Days::new(u64::from(kept_days.saturating_sub(1)));
        today.checked_sub_days(before).unwrap_or(NaiveDate::MIN)
    }

    fn read_segment(&mut self, day: NaiveDate, path: &Path) -> io::Result<()> {
        let mut lines = BufReader::with_capacity(1 << 20, File::open(path)?);
        let mut found = HashMap::new();
        let (mut line, mut number, mut unreadable) = (Vec::new(), 0_u64, 0_u64);
        while lines.read_until(b'\n', &mut line)? > 0 {
            number += 1;
            match taken(&line) {
                Some((id, body)) => {
                    found.insert(id, body);
                }
                None if line.trim_ascii().is_empty() => {}
                None => {
                    unreadable += 1;
                    if unreadable == 1 {
                        tracing::warn!(file = %path.display(), line = number, "no logged notification; left as it is");
                    }
                }
            }
            line.clear();
        }
        if unreadable > 1 {
            tracing::warn!(file = %path.display(), lines = unreadable, "lines that are no logged notifications");
        }
        self.add(day, found);
        Ok(())
    }
}

fn taken(line: &[u8]) -> Option<(IdDigest, BodyDigest)> {
    let notification = signature::unwrap_line(std::str::from_utf8(line).ok()?, None).ok()?;
    let id = signature::event_id(&notification.body).ok().filter(|_| notification.rejected.is_none())?;
    Some((of_id(&id), of_body(notification.body.as_bytes())))
}
