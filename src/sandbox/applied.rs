//! What took effect: the audits and markers that stand, and how often each would have been made.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

/// An audit that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedAudit {
    pub user: String,
    pub transaction: String,
    /// 3005, 3006 or 8001
    pub code: u16,
    /// The provider's id of it.
    pub id: String,
    /// How often it was asked for where nothing but its standing already stood in the way: 1, or there are duplicates.
    pub times: u32,
}

/// A transaction that is flagged as fraudulent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedMarker {
    pub user: String,
    pub transaction: String,
    /// How often it was flagged.
    pub times: u32,
}

#[derive(Debug, Default)]
pub(super) struct Applied {
    audits: Mutex<Ledger<AppliedAudit>>,
    markers: Mutex<Ledger<AppliedMarker>>,
}

/// In order of arrival, found by transaction id.
#[derive(Debug)]
struct Ledger<T> {
    entries: Vec<T>,
    places: HashMap<String, usize>,
}

impl<T> Default for Ledger<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), places: HashMap::new() }
    }
}

impl<T> Ledger<T> {
    /// The entry for the transaction, made if there is none yet; and whether there was one.
    fn entry(&mut self, transaction: &str, make: impl FnOnce() -> T) -> (&mut T, bool) {
        let (place, stood) = match self.places.entry(transaction.to_owned()) {
            Entry::Occupied(place) => (*place.get(), true),
            Entry::Vacant(vacant) => {
                self.entries.push(make());
                (*vacant.insert(self.entries.len() - 1), false)
            }
        };
        (&mut self.entries[place], stood)
    }
}

impl Applied {
    /// The id of the new audit; none when one for this transaction stands already.
    pub(super) fn audit(&self, user: &str, transaction: &str, code: u16) -> Option<String> {
        let mut audits = self.audits.lock().unwrap_or_else(PoisonError::into_inner);
        let (audit, stood) = audits.entry(transaction, || AppliedAudit {
            user: user.to_owned(),
            transaction: transaction.to_owned(),
            code,
            id: audit_id(transaction),
            times: 0,
        });
        audit.times += 1;
        (!stood).then(|| audit.id.clone())
    }

    /// Flagging again changes nothing, and is counted.
    pub(super) fn mark(&self, user: &str, transaction: &str) {
        let mut markers = self.markers.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || AppliedMarker { user: user.to_owned(), transaction: transaction.to_owned(), times: 0 };
        markers.entry(transaction, new).0.times += 1;
    }

    pub(super) fn audits(&self) -> Vec<AppliedAudit> {
        self.audits.lock().unwrap_or_else(PoisonError::into_inner).entries.clone()
    }

    pub(super) fn markers(&self) -> Vec<AppliedMarker> {
        self.markers.lock().unwrap_or_else(PoisonError::into_inner).entries.clone()
    }
}

/// The same for the same transaction, in whatever order the calls come.
fn audit_id(transaction: &str) -> String {
    let hash = Sha256::digest(transaction.as_bytes());
    let number = hash[..8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("audit-{:012}", number % 1_000_000_000_000)
}
