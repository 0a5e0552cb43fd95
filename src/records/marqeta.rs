//! Marqeta's transaction events as records ("Marqeta Integrations", "Transaction Status Mapping").
//!
//! The document lists three *types* of events (`authorization`: approved, `authorization.clearing` and
//! `pindebit`: settled) and, among the fields, `state` as the status. Marqeta's `type` says what
//! an event is, its `state` how it ended: an authorization that was declined is still of type
//! `authorization`. So the status is told by `state` where that says DECLINED, and by `type` otherwise.
//! A state of ERROR moved no money and is no published status: such a row is refused, as is every
//! other type (a refund, say), rather than sent as a purchase. All three types are purchases: DEBIT.
//!
//! `transactionId` joins the events of one purchase: the token of the first event, which later ones
//! name as `preceding_related_transaction_token`. (`network_reference_id`, "relevant for specific
//! integrations", is for the job to map.) An event's own `token` is its event id: two clearings
//! of one purchase on one day share everything else that would tell them apart.

use std::collections::BTreeMap;

use super::{Attribute, EVENT_ID, FieldColumn, RecordType};
use crate::job::{ColumnSource, TimeFormat, Unit};

/// The columns of Marqeta's JSON for a record type. Amounts are decimals of major units, states
/// may be FIPS codes, and of the masked card number only BIN and last four are read.
pub fn marqeta(record: RecordType) -> BTreeMap<String, FieldColumn> {
    use Attribute as A;
    let mut columns = BTreeMap::from([(EVENT_ID.to_owned(), paths(&["token"]))]);
    for field in record.fields() {
        let column = match field.attribute {
            A::UserId => paths(&["user_token"]),
            A::TransactionId => paths(&["preceding_related_transaction_token", "token"]),
            A::Amount => FieldColumn { unit: Unit::Major, ..paths(&["amount"]) },
            A::Currency => paths(&["currency_code"]),
            A::Status => status(record),
            A::Direction => direction(record),
            A::TransactionDate | A::AuthorizationDate => paths(&["user_transaction_time"]),
            A::SettledDate => paths(&["settlement_date"]),
            A::Description | A::MerchantName => paths(&["card_acceptor.name"]),
            A::Mcc => paths(&["card_acceptor.mcc"]),
            A::MerchantId => paths(&["card_acceptor.mid"]),
            A::MerchantStreet => paths(&["card_acceptor.street_address"]),
            A::MerchantCity => paths(&["card_acceptor.city"]),
            A::MerchantState => FieldColumn { fips: true, ..paths(&["card_acceptor.state"]) },
            A::MerchantZipcode => paths(&["card_acceptor.zip"]),
            A::CardBin => paths(&["card.pan"]),
            A::CardLastFour | A::CardLastFours => paths(&["card.last_four"]),
            A::PaymentType => FieldColumn { from: ColumnSource::Constant("CARD".to_owned()), ..paths(&[]) },
            _ => continue,
        };
        columns.insert(field.attribute.name().to_owned(), column);
    }
    columns
}

/// A core transaction is settled by definition: what is not is refused.
fn status(record: RecordType) -> FieldColumn {
    let settled = [("authorization.clearing", "SETTLED"), ("pindebit", "SETTLED"), ("DECLINED", ""), ("ERROR", "")];
    let mut column = worded(&["state", "type"], &settled);
    if record != RecordType::CoreTransaction {
        column.words.insert("authorization".to_owned(), "APPROVED".to_owned());
        column.words.insert("DECLINED".to_owned(), "DECLINED".to_owned());
    }
    column
}

/// A matched transaction has no status that could say that it was declined.
fn direction(record: RecordType) -> FieldColumn {
    let purchases = [("authorization", "DEBIT"), ("authorization.clearing", "DEBIT"), ("pindebit", "DEBIT")];
    let mut column = worded(&["type"], &purchases);
    if record == RecordType::MatchedTransaction {
        column.from = ColumnSource::Columns(vec!["state".to_owned(), "type".to_owned()]);
        column.words.extend(["DECLINED", "ERROR"].map(|word| (word.to_owned(), String::new())));
    }
    column
}

fn worded(names: &[&str], words: &[(&str, &str)]) -> FieldColumn {
    let words = words.iter().map(|(theirs, ours)| ((*theirs).to_owned(), (*ours).to_owned())).collect();
    FieldColumn { words, ..paths(names) }
}

fn paths(names: &[&str]) -> FieldColumn {
    FieldColumn {
        from: ColumnSource::Columns(names.iter().map(|name| (*name).to_owned()).collect()),
        unit: Unit::Minor,
        time: TimeFormat::Iso { zone: None },
        words: BTreeMap::new(),
        fips: false,
    }
}
