//! Rows as lines: the whole text of the published examples, what is left out, and the event id.

use tieout::digest::{hex, sha256};
use tieout::job::Unit;
use tieout::records::{AmountSign, EVENT_ID, RecordPlan, RecordType, Scratch};

use crate::support::records::{
    Cells, ORGANIZATION, column, columns, constant, example, line, mapping, valid, whole, write,
};

#[test]
fn the_published_examples_become_whole_lines() {
    let transaction = r#""attributes":{"userId":"6FHt5b6Fnp0qdomMEy5AN6PXcSJIeX69","amount":1000,"subtotal":800,"status":"APPROVED","currency":"USD","description":"ADVANCEAUTO","description2":"ADVANCEAUTO","mcc":"1234","authorizationDate":"2021-07-02T17:47:06.000Z","merchant":{"id":"12345678901234567","name":"ADVANCEAUTO","addrStreet":"125 Main St","addrCity":"Philadelphia","addrState":"PA","addrZipcode":"19147","addrCountry":"United States","latitude":"37.9419429","longitude":"-73.1446869","storeId":"12345"},"cardBIN":"123456","cardLastFour":"4321","authorizationCode":"123456","retrievalReferenceNumber":"100804333919","systemTraceAuditNumber":"333828","acquirerReferenceNumber":"1234567890123456789012345678","direction":"DEBIT","paymentType":"CARD","transactionId":"2467de37-cbdc-416d-a359-75de87bfffb0","processorMids":{"processor":"VISA","mids":{"vmid":"12345678","vsid":"87654321"}}}}"#;
    let matched = r#""attributes":{"userId":"6FHt5b6Fnp0qdomMEy5AN6PXcSJIeX69","amount":1000,"subtotal":800,"description":"ADVANCEAUTO","authorizationDate":"2021-07-02T17:47:06.000Z","matchedOfferId":"5eb2d4a39ce24e00081488c4","matchedLocationId":"5eb2d4a39ce24e00081488d5","merchant":{"id":"12345678901234567","name":"ADVANCEAUTO","addrStreet":"125 Main St","addrCity":"Philadelphia","addrState":"PA","addrZipcode":"19147","addrCountry":"United States"},"paymentType":"CARD","cardBIN":"123456","cardLastFour":"4321","authorizationCode":"123456","retrievalReferenceNumber":"100804333919","systemTraceAuditNumber":"333828","acquirerReferenceNumber":"1234567890123456789012345678","direction":"DEBIT","transactionId":"2467de37-cbdc-416d-a359-75de87bfffb0","cardProductId":"1234567890123456789012345678","orderId":"23q49807iklasdf238904","receiptMedium":"ELECTRONIC"}}"#;
    let core = r#""attributes":{"userId":"6FHt5b6Fnp0qdomMEy5AN6PXcSJIeX69","transactionId":"CORE-TXN-2024-001234","amount":4599,"currency":"USD","description":"WALMART SUPERCENTER","direction":"DEBIT","status":"SETTLED","settledDate":"2024-10-15T14:30:00.000Z","authorizationDate":"2024-10-15T14:25:00.000Z","financialInstitutionId":"fin-inst-001","cardLastFours":["4321"]}}"#;
    // The ids are those of the documented recipe, computed apart from this program.
    let table = [
        (RecordType::Transaction, "8ce8c8e912c99ce9b435c77175bbab3a", transaction),
        (RecordType::MatchedTransaction, "22fcacdda35c1123462d76347da6d60b", matched),
        (RecordType::CoreTransaction, "484599f794830fbfcdd762dd1fba4d5e", core),
        (RecordType::HistoricalTransaction, "d55b15bbb3e66c1ec922df8995804e83", transaction),
    ];
    for (record, id, attributes) in table {
        let (written, text) = write(&whole(record), &example(record)).unwrap();
        assert_eq!(text, format!("{{\"type\":\"{}\",\"id\":\"{id}\",{attributes}\n", record.name()));
        valid(record, &text);
        assert_eq!(hex(&written.event_id), id);
        assert_eq!(written.currency, *b"USD");
        assert_eq!(written.amount_minor, if record == RecordType::CoreTransaction { 4599 } else { 1000 });
        assert_eq!(&text[written.user], "\"6FHt5b6Fnp0qdomMEy5AN6PXcSJIeX69\"");
        assert_eq!(text[written.transaction].trim_matches('"'), example(record)["transactionId"]);
    }
}

/// Everything that a core transaction must have, and an id of its own.
const CORE: [&str; 8] =
    ["userId", "transactionId", "amount", "currency", "description", "direction", "settledDate", "authorizationDate"];

#[test]
fn places_are_counted_from_the_line_that_was_written() {
    let plan = RecordPlan::new(&mapping(RecordType::CoreTransaction, &CORE), ORGANIZATION);
    let mut cells = example(RecordType::CoreTransaction);
    cells.insert("userId", "a \"quoted\"\tuser");
    let (mut out, mut scratch) = (Vec::new(), Scratch::default());
    for _ in 0..3 {
        let start = out.len();
        let cell = |slot: usize| cells.get(plan.sources()[slot].as_str()).copied();
        let written = plan.write(cell, &mut scratch, &mut out).unwrap();
        assert_eq!(out[start..][written.user], *br#""a \"quoted\"\tuser""#);
        assert_eq!(out[start..][written.transaction], *br#""CORE-TXN-2024-001234""#);
    }
    assert_eq!(String::from_utf8(out).unwrap().lines().count(), 3);
}

#[test]
fn a_core_transaction_is_settled_and_a_transaction_paid_by_card_without_saying_so() {
    let core = line(&mapping(RecordType::CoreTransaction, &CORE), &example(RecordType::CoreTransaction));
    assert_eq!(core["attributes"]["status"], "SETTLED");
    for record in [RecordType::Transaction, RecordType::HistoricalTransaction] {
        let mut fields = whole(record);
        fields.columns.remove("paymentType");
        fields.columns.remove("processorMids.processor");
        let line = line(&fields, &example(record));
        assert_eq!(line["attributes"]["paymentType"], "CARD");
        assert_eq!(line["attributes"]["processorMids"]["processor"], "VISA");
    }
}

#[test]
fn what_a_row_does_not_state_is_left_out() {
    let fields = whole(RecordType::Transaction);
    let mut cells = example(RecordType::Transaction);
    cells.retain(|name, _| !name.starts_with("merchant") && !name.starts_with("processor"));
    cells.insert("subtotal", "");
    cells.insert("mcc", "  \t");
    let line = line(&fields, &cells);
    let names: Vec<&str> = line["attributes"].as_object().unwrap().keys().map(String::as_str).collect();
    for absent in ["subtotal", "mcc", "merchant", "processorMids", "settledDate", "cardNetwork"] {
        assert!(!names.contains(&absent), "{absent}");
    }
    assert!(names.contains(&"description2"));
}

#[test]
fn a_column_that_several_fields_share_is_asked_for_once() {
    let mut fields = mapping(RecordType::CoreTransaction, &CORE);
    fields.columns.insert("description".to_owned(), columns(&["memo", "userId"]));
    fields.columns.insert("authorizationDate".to_owned(), column("settledDate"));
    fields.columns.insert("currency".to_owned(), constant("EUR"));
    let plan = RecordPlan::new(&fields, ORGANIZATION);
    assert_eq!(plan.sources(), ["userId", "transactionId", "amount", "memo", "direction", "settledDate"]);
    let slots: Vec<(&str, &[usize], bool)> =
        plan.fields().iter().map(|field| (field.name, field.slots.as_slice(), field.required)).collect();
    let expected: [(&str, &[usize], bool); 7] = [
        ("userId", &[0], true),
        ("transactionId", &[1], true),
        ("amount", &[2], true),
        ("description", &[3, 0], true),
        ("direction", &[4], true),
        ("settledDate", &[5], true),
        ("authorizationDate", &[5], true),
    ];
    assert_eq!(slots, expected);
    let mut cells = example(RecordType::CoreTransaction);
    assert_eq!(line(&fields, &cells)["attributes"]["description"], cells["userId"], "the first that says something");
    cells.insert("memo", "coffee");
    assert_eq!(line(&fields, &cells)["attributes"]["description"], "coffee");
}

#[test]
fn the_direction_follows_from_the_sign_where_it_is_not_mapped() {
    let table = [
        (AmountSign::Signed, "12.50", 1250, "DEBIT"),
        (AmountSign::Signed, "-12.50", 1250, "CREDIT"),
        (AmountSign::Signed, "0", 0, "DEBIT"),
        (AmountSign::Signed, "-0.00", 0, "DEBIT"),
        (AmountSign::Inverted, "-12.50", 1250, "DEBIT"),
        (AmountSign::Inverted, "12.50", 1250, "CREDIT"),
        (AmountSign::Inverted, "0.00", 0, "DEBIT"),
    ];
    for (sign, amount, minor, direction) in table {
        let mut fields = mapping(RecordType::CoreTransaction, &CORE);
        fields.sign = sign;
        fields.columns.get_mut("amount").unwrap().unit = Unit::Major;
        let mut cells = example(RecordType::CoreTransaction);
        cells.insert("amount", amount);
        // Mapped, it says itself what it is, and the size is sent all the same.
        let mapped = line(&fields, &cells);
        assert_eq!(
            (&mapped["attributes"]["amount"], &mapped["attributes"]["direction"]),
            (&minor.into(), &"DEBIT".into())
        );
        fields.columns.remove("direction");
        let follows = line(&fields, &cells);
        let attributes = &follows["attributes"];
        assert_eq!(
            (&attributes["amount"], &attributes["direction"]),
            (&minor.into(), &direction.into()),
            "{sign:?} {amount}"
        );
        let (written, _) = write(&fields, &cells).unwrap();
        assert_eq!(written.amount_minor, minor);
    }
}

#[test]
fn the_currency_says_how_many_decimals_an_amount_has() {
    let table = [("USD", "12.5", 1250), ("JPY", "12", 12), ("KWD", "1.234", 1234), ("clf", "1.2345", 12345)];
    let plan_of = |currency: Option<&str>| {
        let mut fields = mapping(RecordType::CoreTransaction, &CORE);
        fields.columns.get_mut("amount").unwrap().unit = Unit::Major;
        if let Some(code) = currency {
            fields.columns.insert("currency".to_owned(), constant(code));
        }
        RecordPlan::new(&fields, ORGANIZATION)
    };
    // One scratch for all: the exponent of the row before must not stay.
    let mut scratch = Scratch::default();
    for (currency, amount, minor) in table.into_iter().chain(table.into_iter().rev()) {
        let mut cells = example(RecordType::CoreTransaction);
        cells.extend([("currency", currency), ("amount", amount)]);
        for plan in [plan_of(None), plan_of(Some(currency))] {
            let cell = |slot: usize| cells.get(plan.sources()[slot].as_str()).copied();
            let written = plan.write(cell, &mut scratch, &mut Vec::new()).unwrap();
            assert_eq!(
                (written.amount_minor, written.currency.to_vec()),
                (minor, currency.to_uppercase().into_bytes())
            );
        }
    }
}

#[test]
fn matched_transactions_count_in_cents_of_the_dollar() {
    let mut fields = whole(RecordType::MatchedTransaction);
    fields.columns.get_mut("amount").unwrap().unit = Unit::Major;
    let mut cells = example(RecordType::MatchedTransaction);
    cells.insert("amount", "10.05");
    let (written, text) = write(&fields, &cells).unwrap();
    assert_eq!((written.amount_minor, written.currency), (1005, *b"USD"));
    assert!(!text.contains("currency"));
    cells.insert("amount", "10.055");
    let refused = write(&fields, &cells).unwrap_err();
    assert_eq!((refused.currency, refused.amount_minor), (Some(*b"USD"), None));
}

fn id(fields: &tieout::records::Mapping, cells: &Cells<'_>) -> String {
    line(fields, cells)["id"].as_str().unwrap().to_owned()
}

#[test]
fn the_event_id_is_what_the_event_is() {
    for record in RecordType::ALL {
        let (fields, cells) = (whole(record), example(record));
        let first = id(&fields, &cells);
        let differs = |name: &'static str, text: &'static str| {
            let mut other = cells.clone();
            other.insert(name, text);
            id(&fields, &other) != first
        };
        assert!(differs("transactionId", "another"));
        assert!(differs("authorizationDate", "2021-07-02T17:47:06.001Z") == (record != RecordType::CoreTransaction));
        if record == RecordType::CoreTransaction {
            assert!(differs("settledDate", "2024-10-16T14:30:00Z"));
        }
        for (name, text) in
            [("amount", "7"), ("description", "another"), ("userId", "another"), ("cardLastFour", "9999")]
        {
            assert!(!differs(name, text), "{} {name}", record.name());
        }
    }
}

#[test]
fn settlements_of_one_purchase_differ_by_their_date_alone() {
    let fields = whole(RecordType::Transaction);
    let mut cells = example(RecordType::Transaction);
    cells.extend([("status", "SETTLED"), ("settledDate", "2022-10-30T18:48:06.135Z")]);
    let first = id(&fields, &cells);
    cells.insert("settledDate", "2022-10-31T18:48:06.135Z");
    let second = id(&fields, &cells);
    assert_ne!(first, second);
    // The same instant in another zone is the same event; the date of another status is no part of it.
    cells.insert("settledDate", "2022-10-31T14:48:06.135-04:00");
    cells.insert("authorizationDate", "2022-10-29T18:48:06.135Z");
    assert_eq!(id(&fields, &cells), second);
    cells.insert("status", "RETURNED");
    cells.insert("transactionDate", "2022-10-31T18:48:06.135Z");
    assert_ne!(id(&fields, &cells), second, "the status is part of it");
}

#[test]
fn organization_and_record_type_are_part_of_the_event_id() {
    let cells = example(RecordType::Transaction);
    let id_at = |record: RecordType, organization: &str| {
        let plan = RecordPlan::new(&whole(record), organization);
        let cell = |slot: usize| cells.get(plan.sources()[slot].as_str()).copied();
        plan.write(cell, &mut Scratch::default(), &mut Vec::new()).unwrap().event_id
    };
    let ids = [
        id_at(RecordType::Transaction, "org-1"),
        id_at(RecordType::Transaction, "org-12"),
        id_at(RecordType::HistoricalTransaction, "org-1"),
    ];
    assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2]);
}

#[test]
fn the_order_in_which_a_job_names_its_event_key_changes_nothing() {
    let mut fields = whole(RecordType::CoreTransaction);
    let cells = example(RecordType::CoreTransaction);
    let default = id(&fields, &cells);
    let key = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    fields.event_key = key(&["settledDate", "transactionId", "status"]);
    assert_eq!(id(&fields, &cells), default);
    fields.event_key = key(&["transactionId", "financialInstitutionName", "cardLastFours"]);
    let own = id(&fields, &cells);
    assert_ne!(own, default);
    let mut other = cells.clone();
    other.insert("financialInstitutionName", "a bank");
    assert_ne!(id(&fields, &other), own, "an absent value is told from a present one");
    other.insert("settledDate", "2024-10-16T00:00:00Z");
    other.remove("financialInstitutionName");
    assert_eq!(id(&fields, &other), own);
}

#[test]
fn parts_of_the_key_do_not_run_into_each_other() {
    let mut fields = whole(RecordType::CoreTransaction);
    fields.event_key = vec!["userId".to_owned(), "transactionId".to_owned()];
    let mut cells = example(RecordType::CoreTransaction);
    cells.extend([("userId", "ab"), ("transactionId", "c")]);
    let first = id(&fields, &cells);
    cells.extend([("userId", "a"), ("transactionId", "bc")]);
    assert_ne!(id(&fields, &cells), first);
}

#[test]
fn a_source_may_state_the_event_id_itself() {
    let mut fields = whole(RecordType::CoreTransaction);
    fields.columns.insert(EVENT_ID.to_owned(), columns(&["event", "other"]));
    let mut cells = example(RecordType::CoreTransaction);
    cells.insert("event", "an \"event\" \u{2028}\n");
    let (written, text) = write(&fields, &cells).unwrap();
    assert!(text.starts_with(r#"{"type":"coreTransaction","id":"an \"event\" \u2028\n","attributes":{"#), "{text}");
    assert_eq!(valid(fields.record, &text)["id"], cells["event"]);
    assert_eq!(hex(&written.event_id), sha256(cells["event"].as_bytes())[..32]);
    cells.remove("event");
    let refused = write(&fields, &cells).unwrap_err();
    assert_eq!(refused.to_string(), "`id` is empty; every event needs its id");
    assert_eq!((refused.currency, refused.amount_minor), (Some(*b"USD"), Some(4599)));
    cells.insert("event", "a\0b");
    assert_eq!(write(&fields, &cells).unwrap_err().to_string(), "`id` holds a NUL character");
}
