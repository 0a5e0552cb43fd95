//! Which transaction events were taken, however they came, and how often each of them arrived.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

/// The start of the SHA-256 of an event's id: a million of them are held in 64 MB.
type Key = [u8; 16];

/// One event that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IngestedEvent {
    /// How often it arrived: 1, or something was sent again.
    pub times: u32,
    /// How often it arrived with another content than at first; such a one is not taken.
    pub other_content: u32,
    /// The same number for the same published values, within one process.
    pub content: u64,
    /// In how many files or calls it arrived.
    pub arrivals: u32,
    /// The file or call in which it arrived last.
    last: u32,
}

/// Every event that was taken, found by its id.
#[derive(Debug, Clone, Default)]
pub struct Ingested {
    events: HashMap<Key, IngestedEvent>,
}

impl Ingested {
    /// How many different events there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub fn get(&self, event_id: &str) -> Option<IngestedEvent> {
        self.events.get(&key(event_id)).copied()
    }

    /// In no order.
    pub fn events(&self) -> impl Iterator<Item = IngestedEvent> {
        self.events.values().copied()
    }
}

/// What an arrival was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    New,
    /// It is known, and says the same; `here`: it came before in the same file or call.
    Repeated {
        here: bool,
    },
    /// It is known, and said something else.
    Conflicting,
}

#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    ingested: Ingested,
    sources: u32,
}

impl Ledger {
    /// The number of a file or call that comes now.
    pub(super) fn source(&self) -> u32 {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        book.sources += 1;
        book.sources
    }

    /// Takes an event that is new, and counts one that is not.
    pub(super) fn arrive(&self, source: u32, event_id: &str, content: u64) -> Arrival {
        let key = key(event_id);
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match book.ingested.events.entry(key) {
            Entry::Vacant(place) => {
                place.insert(IngestedEvent { times: 1, other_content: 0, content, arrivals: 1, last: source });
                Arrival::New
            }
            Entry::Occupied(mut place) => {
                let event = place.get_mut();
                event.times += 1;
                let here = event.last == source;
                event.arrivals += u32::from(!here);
                event.last = source;
                if event.content == content {
                    return Arrival::Repeated { here };
                }
                event.other_content += 1;
                Arrival::Conflicting
            }
        }
    }

    pub(super) fn ingested(&self) -> Ingested {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ingested.clone()
    }
}

fn key(event_id: &str) -> Key {
    let mut key = Key::default();
    let hash = Sha256::digest(event_id.as_bytes());
    key.copy_from_slice(&hash[..16]);
    key
}
