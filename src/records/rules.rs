//! What the document asks of a row beyond its single fields ("Create Incoming Transactions": the
//! descriptions of the dates, of `merchant` and `processorMids`, and of what a
//! `matchedTransaction` must leave out).
//!
//! A constant of the job says nothing about a row: where a field must be left out, a constant is
//! left out quietly, while a value that the row states itself is refused.

use super::schema::{Attribute, RecordType, status_date};
use super::step::Wrong;
use super::values::{Held, Value, Values};

const MERCHANT: &[Attribute] = &[
    Attribute::MerchantId,
    Attribute::MerchantName,
    Attribute::MerchantStreet,
    Attribute::MerchantCity,
    Attribute::MerchantState,
    Attribute::MerchantZipcode,
    Attribute::MerchantCountry,
    Attribute::MerchantLatitude,
    Attribute::MerchantLongitude,
    Attribute::MerchantStoreId,
];
const PROCESSOR_MIDS: &[Attribute] = &[Attribute::Processor, Attribute::Vmid, Attribute::Vsid];

/// The attributes that are the same in every row, because the job or the document says so.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Constants(u64);

impl Constants {
    pub(super) const fn add(&mut self, attribute: Attribute) {
        self.0 |= 1 << attribute as u64;
    }

    const fn has(self, attribute: Attribute) -> bool {
        self.0 >> attribute as u64 & 1 == 1
    }
}

/// Holds a row against the rules of its type; takes out what must not leave.
pub(super) fn check(
    record: RecordType,
    constants: Constants,
    held: &Held,
    values: &mut Values<'_>,
) -> Result<(), Wrong> {
    let mut row = Row { constants, held, values };
    row.merchant()?;
    match record {
        RecordType::Transaction | RecordType::HistoricalTransaction => {
            row.processor_mids()?;
            row.dates(record)
        }
        RecordType::MatchedTransaction => row.matched(),
        RecordType::CoreTransaction => Ok(()),
    }
}

struct Row<'v, 'r> {
    constants: Constants,
    held: &'v Held,
    values: &'v mut Values<'r>,
}

impl Row<'_, '_> {
    fn has(&self, attribute: Attribute) -> bool {
        !self.values[attribute as usize].is_absent()
    }

    /// Whether the row itself states one of these.
    fn states(&self, attributes: &[Attribute]) -> bool {
        attributes.iter().any(|attribute| self.has(*attribute) && !self.constants.has(*attribute))
    }

    fn drop(&mut self, attributes: &[Attribute]) {
        for attribute in attributes {
            self.values[*attribute as usize] = Value::Absent;
        }
    }

    /// A merchant has a name ("Merchant").
    fn merchant(&mut self) -> Result<(), Wrong> {
        if !self.states(MERCHANT) {
            self.drop(MERCHANT);
        } else if !self.has(Attribute::MerchantName) {
            return Err(empty(Attribute::MerchantName, "a merchant without its name is not taken"));
        }
        Ok(())
    }

    /// All or nothing ("`ProcessorMid`", "`VisaMidDetails`").
    fn processor_mids(&mut self) -> Result<(), Wrong> {
        if !self.states(PROCESSOR_MIDS) {
            self.drop(PROCESSOR_MIDS);
            return Ok(());
        }
        match PROCESSOR_MIDS.iter().find(|attribute| !self.has(**attribute)) {
            Some(missing) => Err(empty(*missing, "`processorMids` is taken whole or not at all")),
            None => Ok(()),
        }
    }

    /// Every status has a date that must be there. A time stamp that a source has for both dates
    /// of the event itself goes under the one of its status ("Depending on status of transaction").
    fn dates(&mut self, record: RecordType) -> Result<(), Wrong> {
        let Value::Word(status) = self.values[Attribute::Status as usize] else { return Ok(()) };
        let date = status_date(status);
        if !self.has(date) {
            let why = format!("a `{}` with status {status} needs it", record.name());
            return Err(empty(date, &why));
        }
        let (authorized, other) = (Attribute::AuthorizationDate, Attribute::TransactionDate);
        if self.values[authorized as usize].says(&self.values[other as usize]) {
            self.drop(&[if date == other { authorized } else { other }]);
        }
        Ok(())
    }

    /// "`MatchedTransactionsAttributes`": the descriptions of its fields.
    fn matched(&mut self) -> Result<(), Wrong> {
        use Attribute as A;
        let Value::Word(payment) = self.values[A::PaymentType as usize] else { return Ok(()) };
        if payment == "CARD" {
            if self.has(A::MatchedOfferId) && !self.has(A::CardLastFour) {
                return Err(empty(A::CardLastFour, "a matched purchase by CARD needs it beside `matchedOfferId`"));
            }
            return Ok(());
        }
        for attribute in omitted(payment) {
            self.omit(*attribute, payment)?;
        }
        if payment == "UNKNOWN" && !self.has(A::OrderId) && !self.has(A::CardLastFour) {
            self.omit(A::MatchedOfferId, "UNKNOWN and neither `orderId` nor `cardLastFour` is there")?;
        }
        Ok(())
    }

    fn omit(&mut self, attribute: Attribute, payment: &str) -> Result<(), Wrong> {
        if self.states(&[attribute]) {
            let mut value = Vec::new();
            self.values[attribute as usize].text(self.held, &mut value);
            let reason = format!("must be omitted when `paymentType` is {payment}");
            return Err(Wrong::new(attribute.name(), &String::from_utf8_lossy(&value), reason));
        }
        self.drop(&[attribute]);
        Ok(())
    }
}

/// What a matched transaction without a known card must not state.
pub(super) fn omitted(payment: &str) -> &'static [Attribute] {
    use Attribute as A;
    match payment {
        "CASH" => &[A::CardBin, A::CardLastFour, A::CardNetwork, A::CardProductId],
        "UNKNOWN" => &[A::MatchedLocationId, A::CardBin, A::CardNetwork, A::CardProductId],
        _ => &[],
    }
}

fn empty(attribute: Attribute, why: &str) -> Wrong {
    Wrong::new(attribute.name(), "", format!("is empty; {why}"))
}
