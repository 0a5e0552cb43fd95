//! The journal in a file of evidence: whether its entries follow each other, and what they add up to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Archive, JOURNAL};
use crate::digest::sha256;
use crate::effects::{self, Anchor, Entry};
use crate::journal::{GENESIS, SealEntry, SignOffEntry};
use crate::seals::life::{self as seal_life, Standing as Seal};
use crate::sign_off::life::{self as sign_off_life, Standing as SignOff};
use crate::text::visible;

/// A line longer than this is no entry of ours, in bytes.
const LONGEST_LINE: u64 = 16 << 20;
/// Hashes that are handed on at once.
const CHUNK: usize = 1_000;

/// Sequences and hashes, in order.
pub type Hashes = Vec<Anchor>;

/// One line: an entry in full, or the hash of one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'l> {
    hash: String,
    sequence: Option<u64>,
    #[serde(borrow)]
    entry: Option<&'l RawValue>,
}

/// What every entry says, and what it is about.
#[derive(Deserialize)]
struct Head {
    sequence: u64,
    previous: String,
    effect: Option<String>,
    seal: Option<String>,
    sign_off: Option<String>,
}

/// What the entries add up to so far.
#[derive(Debug)]
pub(super) struct Chain {
    /// The last one.
    pub(super) end: Anchor,
    /// Entries in full.
    pub(super) full: u64,
    pub(super) effects: BTreeMap<String, effects::Standing>,
    pub(super) seals: BTreeMap<String, Seal>,
    pub(super) sign_offs: BTreeMap<String, SignOff>,
    /// Points that are known from elsewhere, by sequence: none of them may be passed with another hash.
    pub(super) anchors: BTreeMap<u64, String>,
}

impl Chain {
    pub(super) fn new() -> Self {
        Self {
            end: Anchor { sequence: 0, hash: GENESIS.to_owned() },
            full: 0,
            effects: BTreeMap::new(),
            seals: BTreeMap::new(),
            sign_offs: BTreeMap::new(),
            anchors: BTreeMap::new(),
        }
    }

    /// Reads the journal of an archive. The error is the first thing that is wrong; nothing is said of what follows it.
    pub(super) fn read(&mut self, archive: &mut Archive) -> Result<(), String> {
        each_line(archive, JOURNAL, |line| self.line(line))
    }

    fn line(&mut self, text: &[u8]) -> Result<(), String> {
        let number = self.end.sequence + 1;
        let line: Line<'_> =
            serde_json::from_slice(text).map_err(|_| format!("line {number} is no entry of a journal"))?;
        if let Some(entry) = line.entry {
            let hash = sha256(entry.get().as_bytes());
            if hash != line.hash {
                let beside = visible(&line.hash);
                return Err(format!("entry {number}: its text has the hash {hash}; expected {beside}"));
            }
            self.entry(entry.get(), number)?;
            self.full += 1;
        } else if line.sequence != Some(number) {
            let found = line.sequence.map_or_else(|| "none".to_owned(), |found| found.to_string());
            return Err(format!("line {number} is about entry {found}: one is missing or was moved"));
        }
        if let Some(known) = self.anchors.get(&number).filter(|known| **known != line.hash) {
            return Err(format!("entry {number} has the hash {}; an anchor says {known}", visible(&line.hash)));
        }
        self.end = Anchor { sequence: number, hash: line.hash };
        Ok(())
    }

    fn entry(&mut self, text: &str, number: u64) -> Result<(), String> {
        let unreadable = || format!("entry {number} is none that this program can read");
        let head: Head = serde_json::from_str(text).map_err(|_| unreadable())?;
        if head.sequence != number {
            return Err(format!("line {number} is entry {}: one is missing or was moved", head.sequence));
        }
        if head.previous != self.end.hash {
            let found = visible(&head.previous);
            return Err(format!("entry {number} follows one of hash {found}; expected {}", self.end.hash));
        }
        let illegal = |error: &dyn std::fmt::Display| format!("entry {number}: {}", visible(&error.to_string()));
        if head.effect.is_some() {
            let Entry { effect: id, event, at, .. } = serde_json::from_str(text).map_err(|_| unreadable())?;
            let after = effects::apply(self.effects.get(&id), &id, &event, at).map_err(|error| illegal(&error))?;
            self.effects.insert(id, after);
        } else if head.seal.is_some() {
            let SealEntry { id, event, at, .. } = serde_json::from_str(text).map_err(|_| unreadable())?;
            let after = seal_life::apply(self.seals.get(&id), &id, &event, at).map_err(|error| illegal(&error))?;
            self.seals.insert(id, after);
        } else if head.sign_off.is_some() {
            let SignOffEntry { id, event, at, .. } = serde_json::from_str(text).map_err(|_| unreadable())?;
            let before = self.sign_offs.get(&id);
            let after = sign_off_life::apply(before, &id, &event, at).map_err(|error| illegal(&error))?;
            self.sign_offs.insert(id, after);
        }
        Ok(())
    }
}

/// Hands every line of a member on, without its line feed.
pub(super) fn each_line(
    archive: &mut Archive,
    name: &str,
    mut each: impl FnMut(&[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let mut lines = BufReader::with_capacity(256 << 10, archive.member(name)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut lines).take(LONGEST_LINE).read_until(b'\n', &mut line);
        match read.map_err(|error| format!("{name} cannot be read: {error}"))? {
            0 => return Ok(()),
            _ if line.pop() == Some(b'\n') => each(&line)?,
            _ => return Err(format!("{name} has a line that does not end")),
        }
    }
}

/// Hands the sequences and hashes of the journal in an archive on, some at a time, until `take` wants no more.
///
/// # Errors
/// When a line cannot be read.
pub fn journal_hashes(archive: &mut Archive, mut take: impl FnMut(Hashes) -> bool) -> Result<(), String> {
    let mut found = Vec::with_capacity(CHUNK);
    let (mut number, mut goes_on) = (0, true);
    each_line(archive, JOURNAL, |line| {
        number += 1;
        if !goes_on {
            return Ok(());
        }
        let line: Line<'_> = serde_json::from_slice(line).map_err(|_| format!("line {number} is no entry"))?;
        found.push(Anchor { sequence: number, hash: line.hash });
        if found.len() == CHUNK {
            goes_on = take(std::mem::replace(&mut found, Vec::with_capacity(CHUNK)));
        }
        Ok(())
    })?;
    if goes_on && !found.is_empty() {
        take(found);
    }
    Ok(())
}
