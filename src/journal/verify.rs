//! Proving the journal: the chain of its entries, the legality of every step, and that the standings are what the
//! entries add up to (those of breaks: `verify_breaks`, of seals: `verify_seals`, of signatures: `verify_sign_offs`).
//! Pure, over rows; texts are looked at one by one and not kept.

use std::collections::{BTreeMap, HashMap};

use super::replay::{Replay, Replayed};
use super::verify_access::{SessionRow, Sessions};
use super::verify_breaks::{LifeRow, Lives, SightingRow};
use super::verify_seals::{SealRow, Seals};
use super::verify_sign_offs::{SignOffRow, SignOffs};
use super::verify_words::{shown, text, wrong_columns};
use super::{AccessEntry, BreakEntry, GENESIS, SealEntry, SignOffEntry};
use crate::digest::sha256;
use crate::effects::{Anchor, BusinessKey, Entry, Event, Standing, State, apply};

/// A row of `entries` as it lies in the file: whoever tampers with it may have left no text at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    pub sequence: i64,
    /// What it is about: `effect`, `break`, `seal`, `sign_off` or `access`.
    pub subject: Vec<u8>,
    /// The id of that, whatever it is.
    pub effect: Vec<u8>,
    pub entry: Vec<u8>,
    pub hash: Vec<u8>,
}

/// A row of `effects`: the columns by name, numbers as text too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectRow {
    pub id: Vec<u8>,
    /// In the order of [`EFFECT_COLUMNS`].
    pub columns: Vec<Vec<u8>>,
}

/// The columns of `effects` besides the id.
pub const EFFECT_COLUMNS: [&str; 12] = [
    "provider",
    "organization",
    "kind",
    "transaction_id",
    "opening",
    "job",
    "period",
    "plan",
    "state",
    "standing",
    "last_sequence",
    "last_hash",
];

/// One thing that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub place: Place,
    /// What was found and what was expected, as a lowercase fragment.
    pub what: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Of `entries`, by sequence.
    Entry(i64),
    /// Of `effects`, by id.
    Effect(String),
    /// Of `breaks`, by id.
    Break(String),
    /// Of `seals`, by id.
    Seal(String),
    /// Of `sign_offs`, by run.
    SignOff(String),
    /// Of `sessions`, by the digits that entries name it by.
    Session(String),
    /// The journal as a whole.
    End,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Place::Entry(sequence) => write!(f, "entry {sequence}: {}", self.what),
            Place::Effect(id) => write!(f, "effect {id}: {}", self.what),
            Place::Break(id) => write!(f, "break {id}: {}", self.what),
            Place::Seal(id) => write!(f, "seal {id}: {}", self.what),
            Place::SignOff(run) => write!(f, "sign-off {run}: {}", self.what),
            Place::Session(id) => write!(f, "session {id}: {}", self.what),
            Place::End => write!(f, "the end: {}", self.what),
        }
    }
}

/// What verifying came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Entries that were read.
    pub entries: u64,
    /// Effects that they are about.
    pub effects: u64,
    /// Breaks that they are about.
    pub breaks: u64,
    /// Seals that they are about.
    pub seals: u64,
    /// Signed reports that they are about.
    pub sign_offs: u64,
    /// Different anchors that were held against the journal.
    pub anchors: u64,
    /// Where the journal ends: the anchor to keep.
    pub end: Anchor,
    /// The first [`SHOWN_FINDINGS`].
    pub findings: Vec<Finding>,
    /// All of them.
    pub found: u64,
}

impl Verdict {
    /// Nothing was changed, removed, moved or added.
    pub const fn is_whole(&self) -> bool {
        self.found == 0
    }
}

/// More findings than these are only counted: one removed entry can make as many as there are effects.
pub const SHOWN_FINDINGS: usize = 20;

/// Takes first all entries by sequence, then all effects, breaks, sightings, seals, sign-offs and sessions, then says what
/// it found.
#[derive(Debug)]
pub struct Verifier {
    anchors: BTreeMap<u64, Vec<String>>,
    entries: u64,
    /// The sequence and hash of the row before.
    last: (i64, String),
    effects: Replay<Standing>,
    lives: Lives,
    seals: Seals,
    sign_offs: SignOffs,
    sessions: Sessions,
    findings: Vec<Finding>,
    found: u64,
}

impl Verifier {
    /// `anchors`: points of this journal that were kept elsewhere.
    pub fn new(anchors: &[Anchor]) -> Self {
        let mut by_sequence: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for anchor in anchors {
            let known = by_sequence.entry(anchor.sequence).or_default();
            if !known.contains(&anchor.hash) {
                known.push(anchor.hash.clone());
            }
        }
        Self {
            anchors: by_sequence,
            entries: 0,
            last: (0, GENESIS.to_owned()),
            effects: Replay::default(),
            lives: Lives::default(),
            seals: Seals::default(),
            sign_offs: SignOffs::default(),
            sessions: Sessions::default(),
            findings: Vec::new(),
            found: 0,
        }
    }

    /// The next row of `entries`, by sequence.
    pub fn entry(&mut self, row: &EntryRow) {
        self.entries += 1;
        let place = Place::Entry(row.sequence);
        self.check_row(row, &place);
        match row.subject.as_slice() {
            b"break" => return self.entry_of_break(row, place),
            b"seal" => return self.entry_of_seal(row, place),
            b"sign_off" => return self.entry_of_sign_off(row, place),
            b"access" => return self.entry_of_access(row, place),
            _ => {}
        }
        let entry = serde_json::from_slice::<Entry>(&row.entry);
        let before = std::mem::replace(&mut self.last, (row.sequence, text(&row.hash)));
        if let Ok(entry) = entry {
            let said = Said { sequence: entry.sequence, previous: &entry.previous, id: &entry.effect };
            if !self.check_entry(row, said, &before.1, &place) {
                self.effects.lose(&text(&row.effect));
            }
            self.replay(&entry, place);
        } else {
            self.tell(place, "its text is no entry that this program can read".to_owned());
            self.effects.lose(&text(&row.effect));
        }
    }

    /// One step more of a break.
    fn entry_of_break(&mut self, row: &EntryRow, place: Place) {
        let before = std::mem::replace(&mut self.last, (row.sequence, text(&row.hash)));
        let Ok(entry) = serde_json::from_slice::<BreakEntry>(&row.entry) else {
            self.tell(place, "its text is no entry that this program can read".to_owned());
            self.lives.breaks.lose(&text(&row.effect));
            return;
        };
        let said = Said { sequence: entry.sequence, previous: &entry.previous, id: &entry.id };
        if !self.check_entry(row, said, &before.1, &place) {
            self.lives.breaks.lose(&text(&row.effect));
        }
        if let Err(what) = self.lives.replay(&entry, &self.last) {
            self.tell(place, what);
        }
    }

    /// One step more of a seal.
    fn entry_of_seal(&mut self, row: &EntryRow, place: Place) {
        let before = std::mem::replace(&mut self.last, (row.sequence, text(&row.hash)));
        let Ok(entry) = serde_json::from_slice::<SealEntry>(&row.entry) else {
            self.tell(place, "its text is no entry that this program can read".to_owned());
            self.seals.0.lose(&text(&row.effect));
            return;
        };
        let said = Said { sequence: entry.sequence, previous: &entry.previous, id: &entry.id };
        if !self.check_entry(row, said, &before.1, &place) {
            self.seals.0.lose(&text(&row.effect));
        }
        if let Err(what) = self.seals.replay(&entry, &self.last) {
            self.tell(place, what);
        }
    }

    /// One step more of the signatures under a report.
    fn entry_of_sign_off(&mut self, row: &EntryRow, place: Place) {
        let before = std::mem::replace(&mut self.last, (row.sequence, text(&row.hash)));
        let Ok(entry) = serde_json::from_slice::<SignOffEntry>(&row.entry) else {
            self.tell(place, "its text is no entry that this program can read".to_owned());
            self.sign_offs.0.lose(&text(&row.effect));
            return;
        };
        let said = Said { sequence: entry.sequence, previous: &entry.previous, id: &entry.id };
        if !self.check_entry(row, said, &before.1, &place) {
            self.sign_offs.0.lose(&text(&row.effect));
        }
        if let Err(what) = self.sign_offs.replay(&entry, &self.last) {
            self.tell(place, what);
        }
    }

    /// Somebody at the door of the pages.
    fn entry_of_access(&mut self, row: &EntryRow, place: Place) {
        let before = std::mem::replace(&mut self.last, (row.sequence, text(&row.hash)));
        let Ok(entry) = serde_json::from_slice::<AccessEntry>(&row.entry) else {
            return self.tell(place, "its text is no entry that this program can read".to_owned());
        };
        let said = Said { sequence: entry.sequence, previous: &entry.previous, id: &entry.name };
        self.check_entry(row, said, &before.1, &place);
        if let Err(what) = self.sessions.replay(&entry) {
            self.tell(place, what);
        }
    }

    /// The next row of `sign_offs`, in any order.
    pub fn sign_off(&mut self, row: &SignOffRow) {
        for what in self.sign_offs.row(row) {
            self.tell(Place::SignOff(shown(&row.run)), what);
        }
    }

    /// The next row of `sessions`, in any order.
    pub fn session(&mut self, row: &SessionRow) {
        for what in self.sessions.row(row) {
            let id = row.id.get(..16).unwrap_or(&row.id);
            self.tell(Place::Session(shown(id)), what);
        }
    }

    /// The next row of `seals`, in any order.
    pub fn seal(&mut self, row: &SealRow) {
        for what in self.seals.row(row) {
            self.tell(Place::Seal(shown(&row.id)), what);
        }
    }

    /// The next row of `breaks`, in any order.
    pub fn life(&mut self, row: &LifeRow) {
        for what in self.lives.row(row) {
            self.tell(Place::Break(shown(&row.id)), what);
        }
    }

    /// The next row of `sightings`, in any order, after the last row of `breaks`.
    pub fn sighting(&mut self, row: &SightingRow) {
        if let Some(what) = self.lives.sighting(row) {
            self.tell(Place::Break(shown(&row.id)), what);
        }
    }

    /// What can be said without reading the entry.
    fn check_row(&mut self, row: &EntryRow, place: &Place) {
        let expected = self.last.0.saturating_add(1);
        if row.sequence > expected {
            let missing = row.sequence.abs_diff(expected);
            self.tell(place.clone(), format!("{missing} before it missing; expected entry {expected} here"));
        } else if row.sequence < expected {
            self.tell(place.clone(), format!("its number is too small; expected entry {expected} here"));
        }
        let hash = sha256(&row.entry);
        if hash.as_bytes() != row.hash {
            let beside = shown(&row.hash);
            self.tell(
                place.clone(),
                format!("its text has the hash {hash}; expected {beside}, which stands beside it"),
            );
        }
        let anchors = u64::try_from(row.sequence).ok().and_then(|sequence| self.anchors.get(&sequence));
        for anchor in anchors.cloned().unwrap_or_default() {
            if anchor.as_bytes() != row.hash {
                let found = shown(&row.hash);
                let anchor = shown(anchor.as_bytes());
                self.tell(place.clone(), format!("it has the hash {found}; expected {anchor}, as an anchor says"));
            }
        }
    }

    /// Whether the entry says of itself what its row and its place say. False when it is filed under another id.
    fn check_entry(&mut self, row: &EntryRow, said: Said<'_>, previous: &str, place: &Place) -> bool {
        if i64::try_from(said.sequence) != Ok(row.sequence) {
            self.tell(place.clone(), format!("its text says that it is entry {}", said.sequence));
        }
        if said.previous != previous {
            let (found, expected) = (shown(said.previous.as_bytes()), shown(previous.as_bytes()));
            self.tell(place.clone(), format!("it follows an entry of hash {found}; expected {expected}"));
        }
        let filed = said.id.as_bytes() == row.effect;
        if !filed {
            let subject = match row.subject.as_slice() {
                b"break" => "break",
                b"seal" => "seal",
                b"sign_off" => "sign-off",
                b"access" => "access",
                _ => "effect",
            };
            let (found, expected) = (shown(&row.effect), shown(said.id.as_bytes()));
            self.tell(
                place.clone(),
                format!("it is filed under {subject} {found}; expected {expected}, as its text says"),
            );
        }
        filed
    }

    /// One step more of the entry's effect.
    fn replay(&mut self, entry: &Entry, place: Place) {
        let at = &self.last;
        let outcome = self.effects.step(&entry.effect, at, |before| {
            if let (Some(before), Event::Proposed { effect, .. }) = (before, &entry.event)
                && (&before.effect.key, before.effect.opening) != (&effect.key, effect.opening)
            {
                return Err("it proposes another transaction under an id that is taken".to_owned());
            }
            apply(before, &entry.effect, &entry.event, entry.at).map_err(|illegal| illegal.to_string())
        });
        if let Err(what) = outcome {
            self.tell(place, what);
        }
    }

    /// The next row of `effects`, in any order.
    pub fn effect(&mut self, row: &EffectRow) {
        let place = Place::Effect(shown(&row.id));
        let expected = match self.effects.see(&row.id) {
            Ok(Some(replayed)) => expected_columns(replayed),
            Ok(None) => return,
            Err(wrong) => return self.tell(place, wrong),
        };
        for what in wrong_columns(&EFFECT_COLUMNS, &row.columns, &expected) {
            self.tell(place.clone(), what);
        }
    }

    /// After the last row.
    pub fn finish(mut self) -> Verdict {
        let told = |(id, standing): (&str, &Standing)| (id.to_owned(), standing.state);
        let unseen: Vec<(String, State)> = self.effects.unseen().into_iter().map(told).collect();
        for (id, state) in unseen {
            let what = format!("it is not among the effects; expected it there as {state}");
            self.tell(Place::Effect(shown(id.as_bytes())), what);
        }
        for (id, what) in self.lives.unseen() {
            self.tell(Place::Break(shown(id.as_bytes())), what);
        }
        for (id, what) in self.seals.unseen() {
            self.tell(Place::Seal(shown(id.as_bytes())), what);
        }
        for (run, what) in self.sign_offs.unseen() {
            self.tell(Place::SignOff(shown(run.as_bytes())), what);
        }
        self.check_ids();
        self.check_end();
        Verdict {
            entries: self.entries,
            effects: self.effects.count(),
            breaks: self.lives.breaks.count(),
            seals: self.seals.0.count(),
            sign_offs: self.sign_offs.0.count(),
            anchors: self.anchors.values().map(|hashes| hashes.len() as u64).sum(),
            end: Anchor { sequence: self.last.0.unsigned_abs(), hash: self.last.1 },
            findings: self.findings,
            found: self.found,
        }
    }

    /// One id for a key and opening.
    fn check_ids(&mut self) {
        let all = self.effects.all();
        let mut ids: HashMap<(&BusinessKey, u32), &str> = HashMap::with_capacity(all.len());
        let mut twice = Vec::new();
        for (id, Standing { effect, .. }) in all {
            if let Some(first) = ids.insert((&effect.key, effect.opening), id) {
                twice.push((id.to_owned(), first.to_owned()));
            }
        }
        for (id, other) in twice {
            let what = format!("it stands for the same transaction as effect {}", shown(other.as_bytes()));
            self.tell(Place::Effect(shown(id.as_bytes())), what);
        }
    }

    /// Anchors of what is no longer, or never was, there.
    fn check_end(&mut self) {
        let last = self.last.0.unsigned_abs();
        let beyond: Vec<u64> = self.anchors.range(last + 1..).map(|(sequence, _)| *sequence).collect();
        for sequence in beyond {
            let what = format!("the last entry is {last}; an anchor knows entry {sequence}, so the end was cut off");
            self.tell(Place::End, what);
        }
        if self.anchors.get(&0).is_some_and(|hashes| hashes.iter().any(|hash| hash != GENESIS)) {
            self.tell(Place::End, format!("an anchor of an empty journal has another hash than {GENESIS}"));
        }
    }

    fn tell(&mut self, place: Place, what: String) {
        self.found += 1;
        if self.findings.len() < SHOWN_FINDINGS {
            self.findings.push(Finding { place, what });
        }
    }
}

/// What an entry says of itself, whatever it is about.
#[derive(Clone, Copy)]
struct Said<'e> {
    sequence: u64,
    previous: &'e str,
    id: &'e str,
}

/// What the row of an effect must say, in the order of [`EFFECT_COLUMNS`].
fn expected_columns(replayed: &Replayed<Standing>) -> [String; 12] {
    let standing = &replayed.standing;
    let effect = &standing.effect;
    [
        effect.key.provider.clone(),
        effect.key.organization.clone(),
        effect.key.kind.name().to_owned(),
        effect.key.transaction.clone(),
        effect.opening.to_string(),
        effect.job.clone(),
        effect.period.clone(),
        standing.plan.clone(),
        standing.state.name().to_owned(),
        serde_json::to_string(standing).expect("a standing is plain data with text keys"),
        replayed.last_sequence.to_string(),
        replayed.last_hash.clone(),
    ]
}
