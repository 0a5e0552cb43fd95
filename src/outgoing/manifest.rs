//! What a build leaves beside its parcels: what was read, what was sealed, and that both agree.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::frames::{Quarantined, Warning};

/// Sums of amounts in minor units by currency, exact; a sum of zero is no entry. In JSON the sums are text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Totals(BTreeMap<String, i128>);

impl Totals {
    pub const fn by_currency(&self) -> &BTreeMap<String, i128> {
        &self.0
    }

    pub(super) fn add(&mut self, currency: [u8; 3], sum_minor: i128) {
        self.add_named(&String::from_utf8_lossy(&currency), sum_minor);
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for (currency, sum_minor) in &other.0 {
            self.add_named(currency, *sum_minor);
        }
    }

    fn add_named(&mut self, currency: &str, sum_minor: i128) {
        if sum_minor == 0 {
            return;
        }
        let Some(sum) = self.0.get_mut(currency) else {
            self.0.insert(currency.to_owned(), sum_minor);
            return;
        };
        *sum += sum_minor;
        if *sum == 0 {
            self.0.remove(currency);
        }
    }
}

impl From<Totals> for BTreeMap<String, String> {
    fn from(totals: Totals) -> Self {
        totals.0.into_iter().map(|(currency, sum)| (currency, sum.to_string())).collect()
    }
}

impl TryFrom<BTreeMap<String, String>> for Totals {
    type Error = std::num::ParseIntError;

    fn try_from(texts: BTreeMap<String, String>) -> Result<Self, Self::Error> {
        texts.into_iter().map(|(currency, sum)| Ok((currency, sum.parse()?))).collect::<Result<_, _>>().map(Self)
    }
}

/// Everything about one build. Written last: where it lies, all parcels lie complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Of this form: see [`Self::VERSION`].
    pub version: u32,
    /// 16 hexadecimal digits over all that decides the bytes.
    pub key: String,
    /// The files read, in their order.
    pub files: Vec<SourceFile>,
    pub source: SourceTotals,
    pub sealed: SealedTotals,
    /// Rows that do not fit and rows that repeat another, in the order of the source.
    pub left_out: Vec<Quarantined>,
    pub warnings: Vec<Warning>,
    /// In the order in which they are to be sent.
    pub parcels: Vec<Parcel>,
}

impl Manifest {
    /// A reader refuses any other.
    pub const VERSION: u32 = 1;
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// As shown to people.
    pub name: String,
    /// Lower-case hexadecimal SHA-256 of the bytes as received.
    pub sha256: String,
    pub bytes: u64,
    /// As its reader counted them, readable or not.
    pub rows: u64,
}

/// The source's side of the tie-out: `rows = quarantined + repeated + written`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceTotals {
    pub rows: u64,
    /// Rows that do not fit.
    pub quarantined: u64,
    /// Rows that say the same event as an earlier one.
    pub repeated: u64,
    /// Rows written as a line.
    pub written: u64,
    /// Amounts of the written rows, as parsed from the source.
    pub totals: Totals,
}

/// The other side: what stands in the parcels, as counted in the bytes that were read back out of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedTotals {
    pub rows: u64,
    pub totals: Totals,
    /// Of all parcels, as they are sent.
    pub bytes: u64,
    /// Before compression.
    pub text_bytes: u64,
}

/// What is sent at once: a bulk file, or the lines of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parcel {
    /// Unique, and the same for the same bytes: ends in the first eight digits of their digest.
    pub name: String,
    /// Lower-case hexadecimal SHA-256 of the bytes as they are sent.
    pub sha256: String,
    pub bytes: u64,
    pub rows: u64,
    pub totals: Totals,
    /// Whose rows these are, where the layout keeps users apart.
    pub user: Option<String>,
    /// Where the first and the last of its rows stand in the source.
    pub first: SourcePlace,
    pub last: SourcePlace,
    /// The file in the build's folder, and where in it the parcel begins.
    pub(super) stored: String,
    pub(super) offset: u64,
    /// Where the places of its rows stand in the build's list of places.
    pub(super) places_at: u64,
    pub(super) places_bytes: u64,
}

/// A row of the source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcePlace {
    /// Index into [`Manifest::files`].
    pub file: u32,
    /// See [`crate::frames::schema::Line`].
    pub line: u64,
}
