//! An amount that stands in one of two columns: as a credit or as a debit.

use super::From;
use crate::frames::read::RowView;
use crate::job::Unit;
use crate::money::{self, MoneyError};

/// The slots of both columns, each in order of preference.
#[derive(Debug)]
pub(super) struct TwoColumns {
    pub(super) credit: Vec<usize>,
    pub(super) debit: Vec<usize>,
}

/// What is wrong: the text that was found, and why.
pub(super) type Wrong = (String, String);

impl TwoColumns {
    /// Minor units, a credit positive and a debit negative; none where neither column says anything.
    ///
    /// # Errors
    /// When one of them is no amount or has a sign of its own, or both hold money.
    pub(super) fn minor(&self, row: RowView<'_>, unit: Unit, exponent: u8) -> Result<Option<i64>, Wrong> {
        let credit = size(From::first(&self.credit, row), unit, exponent)?;
        let debit = size(From::first(&self.debit, row), unit, exponent)?;
        match (credit, debit) {
            (None, None) => Ok(None),
            (Some((credit, text)), Some((debit, other))) if credit != 0 && debit != 0 => {
                let reason = "states a credit and a debit; expected one of them, the other empty or zero";
                Err((format!("{text} and {other}"), reason.to_owned()))
            }
            (credit, debit) => {
                let minor = |side: Option<(i64, &str)>| side.map_or(0, |(minor, _)| minor);
                // Neither is negative, and one of them is zero.
                Ok(Some(minor(credit) - minor(debit)))
            }
        }
    }
}

/// An amount without a sign, and its text.
fn size(text: Option<&str>, unit: Unit, exponent: u8) -> Result<Option<(i64, &str)>, Wrong> {
    let Some(text) = text else { return Ok(None) };
    let wrong = |error: MoneyError| (text.to_owned(), error.to_string());
    let minor = money::parse_minor(text, unit, exponent).map_err(wrong)?;
    if minor < 0 {
        let reason = "is negative; whether money came or went is told by the column, expected a size";
        return Err((text.to_owned(), reason.to_owned()));
    }
    Ok(Some((minor, text)))
}
