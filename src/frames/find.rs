//! The rows of one transaction in a file, found again as they are written there.

use super::error::{InputError, Place};
use super::mask;
use super::read::{self, Halted, Reading, RowSink, RowView, Sources};
use crate::job::Input;
use crate::sources::RawFile;

/// A row that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenRow {
    /// See [`super::schema::Line`].
    pub line: u64,
    /// What each mapped field says, by the name that the job maps: as it stands in the file, without card
    /// numbers. Fields of which the row says nothing are left out.
    pub values: Vec<(String, String)>,
}

/// The rows of a file whose `field` is this transaction's id. Reads the file to its end; what cannot be read as a row
/// is passed over, and no notification is asked for its signature.
///
/// # Errors
/// When the file as a whole cannot be read safely.
pub(crate) fn rows_of(
    input: &Input,
    raw: &RawFile,
    sources: &Sources,
    field: &str,
    transaction: &str,
) -> Result<Vec<WrittenRow>, InputError> {
    let mut finder = Finder { sources, field, transaction, found: Vec::new() };
    let place = Place::Input(input.side);
    read::read(
        Reading { input, place, raw, sources, verifier: None, runner: None, held_bytes: u64::MAX },
        &mut finder,
    )?;
    Ok(finder.found)
}

struct Finder<'a> {
    sources: &'a Sources,
    /// Holds the transaction's id.
    field: &'a str,
    transaction: &'a str,
    found: Vec<WrittenRow>,
}

impl RowSink for Finder<'_> {
    fn row(&mut self, row: RowView<'_>) -> Result<(), Halted> {
        let stated = |slots: &[usize]| slots.iter().find_map(|slot| row.cell(*slot));
        let Sources { fields, joins, .. } = self.sources;
        let single = fields.iter().filter_map(|(name, slots)| Some((name, stated(slots)?.to_owned())));
        let joined = joins.iter().filter_map(|(name, join)| Some((name, join.text(row).ok()?)));
        let named = |(name, _): &(&String, String)| name.as_str() == self.field;
        if single.clone().chain(joined.clone()).find(named).is_some_and(|(_, text)| text == self.transaction) {
            let values = single.chain(joined).map(|(name, text)| (name.clone(), mask::without_cards(&text)));
            self.found.push(WrittenRow { line: row.line, values: values.collect() });
        }
        Ok(())
    }

    fn unreadable(&mut self, _: u64, _: &[u8], _: String) -> Result<(), Halted> {
        Ok(())
    }
}
