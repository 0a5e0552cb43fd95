//! The part of proving the journal that is about the door of the pages: every session was begun by an entry, and is over
//! where an entry says so. Pure, over rows.

use std::collections::HashMap;

use super::access::{AccessEntry, AccessEvent, short};
use super::rows::time_text;
use super::verify_words::{shown, text, wrong_columns};

/// A row of `sessions`: the columns by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub id: Vec<u8>,
    /// In the order of [`SESSION_COLUMNS`].
    pub columns: Vec<Vec<u8>>,
}

/// The columns of `sessions` besides the id that entries speak of.
pub const SESSION_COLUMNS: [&str; 3] = ["name", "begun_at", "ended_at"];

/// What the entries say of a session.
#[derive(Debug)]
struct Said {
    name: String,
    begun_at: String,
    /// Empty: it is not said to be over.
    ended_at: String,
}

/// All sessions as far as the entries were read, by the digits that entries name them by.
#[derive(Debug, Default)]
pub(super) struct Sessions(HashMap<String, Said>);

impl Sessions {
    /// One entry more. The error says what is wrong.
    pub(super) fn replay(&mut self, entry: &AccessEntry) -> Result<(), String> {
        let at = time_text(entry.at);
        match &entry.event {
            AccessEvent::SignInFailed { .. } => Ok(()),
            AccessEvent::SignedIn { session, .. } => {
                let said = Said { name: entry.name.clone(), begun_at: at, ended_at: String::new() };
                match self.0.insert(session.clone(), said) {
                    None => Ok(()),
                    Some(_) => Err(format!("session {} is begun twice", shown(session.as_bytes()))),
                }
            }
            AccessEvent::SignedOut { session } => match self.0.get_mut(session) {
                Some(said) if said.ended_at.is_empty() && said.name == entry.name => {
                    said.ended_at = at;
                    Ok(())
                }
                _ => Err(format!("session {} ends that is not under way", shown(session.as_bytes()))),
            },
        }
    }

    /// What is wrong with a row of `sessions`.
    pub(super) fn row(&self, row: &SessionRow) -> Vec<String> {
        let Some(said) = self.0.get(short(&text(&row.id))) else {
            return vec!["no entry speaks of it".to_owned()];
        };
        let expected = [said.name.clone(), said.begun_at.clone(), said.ended_at.clone()];
        wrong_columns(&SESSION_COLUMNS, &row.columns, &expected)
    }
}
