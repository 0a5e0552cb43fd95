//! Marqeta's events, by the names that the document lists, as records of every type.

use serde_json::{Value, json};
use tieout::records::{AmountSign, Mapping, RecordType, marqeta};

use crate::support::records::{Cells, line, write};

fn preset(record: RecordType) -> Mapping {
    Mapping { record, columns: marqeta(record), sign: AmountSign::Unsigned, event_key: Vec::new() }
}

/// An event with every field of the document's list.
fn event(kind: &'static str) -> Cells<'static> {
    let mut cells = Cells::from([
        ("type", kind),
        ("state", if kind == "authorization" { "PENDING" } else { "COMPLETION" }),
        ("token", "5d5a4b1c-auth"),
        ("user_token", "user-1"),
        ("user_transaction_time", "2022-10-29T17:48:06Z"),
        ("amount", "100.00"),
        ("currency_code", "USD"),
        ("card_acceptor.mcc", "5812"),
        ("card_acceptor.mid", "542814140150267"),
        ("card_acceptor.name", "Hilltop BBQ"),
        ("card_acceptor.street_address", "123 Peachtree St"),
        ("card_acceptor.city", "Atlanta"),
        ("card_acceptor.state", "13"),
        ("card_acceptor.zip", "30033"),
        ("card.last_four", "4321"),
        ("card.pan", "123456______4321"),
        ("network_reference_id", "net-1"),
    ]);
    if kind != "authorization" {
        cells.insert("settlement_date", "2022-10-30T00:00:00Z");
    }
    if kind == "authorization.clearing" {
        cells.extend([("token", "77aa-clearing"), ("preceding_related_transaction_token", "5d5a4b1c-auth")]);
    }
    cells
}

fn merchant() -> Value {
    json!({"id": "542814140150267", "name": "Hilltop BBQ", "addrStreet": "123 Peachtree St", "addrCity": "Atlanta",
        "addrState": "GA", "addrZipcode": "30033"})
}

#[test]
fn an_authorization_is_approved_and_its_clearing_settled_under_the_same_transaction() {
    for record in [RecordType::Transaction, RecordType::HistoricalTransaction] {
        let mut approved = json!({"type": record.name(), "id": "5d5a4b1c-auth", "attributes": {
            "userId": "user-1", "amount": 10000, "status": "APPROVED", "currency": "USD", "description": "Hilltop BBQ",
            "mcc": "5812", "authorizationDate": "2022-10-29T17:48:06.000Z", "merchant": merchant(), "cardBIN": "123456",
            "cardLastFour": "4321", "direction": "DEBIT", "paymentType": "CARD", "transactionId": "5d5a4b1c-auth"}});
        assert_eq!(line(&preset(record), &event("authorization")), approved);
        let attributes = &mut approved["attributes"];
        attributes["status"] = json!("SETTLED");
        attributes["settledDate"] = json!("2022-10-30T00:00:00.000Z");
        assert_eq!(line(&preset(record), &event("pindebit")), approved);
        approved["id"] = json!("77aa-clearing");
        assert_eq!(line(&preset(record), &event("authorization.clearing")), approved);
    }
}

#[test]
fn a_declined_authorization_is_declined() {
    let mut declined = event("authorization");
    declined.insert("state", "DECLINED");
    let sent = line(&preset(RecordType::Transaction), &declined);
    let attributes = &sent["attributes"];
    assert_eq!(
        (&attributes["status"], &attributes["transactionDate"]),
        (&json!("DECLINED"), &json!("2022-10-29T17:48:06.000Z"))
    );
    assert_eq!(attributes.get("authorizationDate"), None, "it was never authorized");
}

#[test]
fn clearings_of_one_purchase_on_one_day_are_two_events() {
    let first = line(&preset(RecordType::Transaction), &event("authorization.clearing"));
    let mut cells = event("authorization.clearing");
    cells.insert("token", "88bb-clearing");
    let second = line(&preset(RecordType::Transaction), &cells);
    assert_eq!(first["attributes"], second["attributes"]);
    assert_ne!(first["id"], second["id"]);
}

#[test]
fn the_settled_ones_are_core_transactions_too() {
    let core = json!({"type": "coreTransaction", "id": "77aa-clearing", "attributes": {
        "userId": "user-1", "transactionId": "5d5a4b1c-auth", "amount": 10000, "currency": "USD", "description": "Hilltop BBQ",
        "direction": "DEBIT", "status": "SETTLED", "settledDate": "2022-10-30T00:00:00.000Z",
        "authorizationDate": "2022-10-29T17:48:06.000Z", "cardLastFours": ["4321"]}});
    assert_eq!(line(&preset(RecordType::CoreTransaction), &event("authorization.clearing")), core);
}

#[test]
fn matched_transactions_have_the_fields_that_marqeta_knows() {
    let matched = json!({"type": "matchedTransaction", "id": "5d5a4b1c-auth", "attributes": {
        "userId": "user-1", "amount": 10000, "description": "Hilltop BBQ", "authorizationDate": "2022-10-29T17:48:06.000Z",
        "merchant": merchant(), "paymentType": "CARD", "cardBIN": "123456", "cardLastFour": "4321", "direction": "DEBIT",
        "transactionId": "5d5a4b1c-auth"}});
    assert_eq!(line(&preset(RecordType::MatchedTransaction), &event("pindebit")), matched);
}

#[test]
fn what_is_no_purchase_is_refused() {
    let all = "is neither a word that the job maps nor one of";
    let statuses = "`APPROVED`, `SETTLED`, `REVERSED`, `RETURNED`, `DECLINED`";
    let nothing =
        |record: RecordType| format!("is a word that the job maps to nothing; every `{}` needs one", record.name());
    let table = [
        (RecordType::Transaction, "refund", "COMPLETION", "status", "COMPLETION, refund", format!("{all} {statuses}")),
        (RecordType::Transaction, "authorization", "ERROR", "status", "ERROR", nothing(RecordType::Transaction)),
        (RecordType::Transaction, "refund", "DECLINED", "direction", "refund", format!("{all} `DEBIT`, `CREDIT`")),
        (
            RecordType::CoreTransaction,
            "authorization",
            "PENDING",
            "status",
            "PENDING, authorization",
            format!("{all} `SETTLED`"),
        ),
        (
            RecordType::CoreTransaction,
            "pindebit",
            "DECLINED",
            "status",
            "DECLINED",
            nothing(RecordType::CoreTransaction),
        ),
        (
            RecordType::MatchedTransaction,
            "pindebit",
            "DECLINED",
            "direction",
            "DECLINED",
            nothing(RecordType::MatchedTransaction),
        ),
    ];
    for (record, kind, state, field, value, reason) in table {
        let mut cells = event("pindebit");
        cells.extend([("type", kind), ("state", state)]);
        let refused = write(&preset(record), &cells).unwrap_err();
        assert_eq!((refused.field, refused.value.as_str(), refused.reason), (field, value, reason), "{kind} {state}");
    }
}

#[test]
fn states_may_be_letters() {
    let mut cells = event("authorization");
    cells.insert("card_acceptor.state", "ga");
    assert_eq!(line(&preset(RecordType::Transaction), &cells)["attributes"]["merchant"], merchant());
}
