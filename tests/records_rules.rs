//! What the document asks of a row beyond its single fields.

use tieout::records::{RecordType, Refused};

use crate::support::records::{Cells, constant, example, line, whole, write};

fn refused<R>(record: RecordType, change: impl FnOnce(&mut Cells<'static>) -> R) -> Refused {
    let mut cells = example(record);
    change(&mut cells);
    write(&whole(record), &cells).expect_err("the row does not fit")
}

fn attributes(record: RecordType, change: impl FnOnce(&mut Cells<'static>)) -> serde_json::Value {
    let mut cells = example(record);
    change(&mut cells);
    line(&whole(record), &cells)["attributes"].take()
}

#[test]
fn each_status_needs_its_date() {
    let table = [
        ("APPROVED", "authorizationDate"),
        ("SETTLED", "settledDate"),
        ("REVERSED", "transactionDate"),
        ("RETURNED", "transactionDate"),
        ("DECLINED", "transactionDate"),
    ];
    for record in [RecordType::Transaction, RecordType::HistoricalTransaction] {
        for (status, date) in table {
            let others = ["authorizationDate", "settledDate", "transactionDate"];
            let all_but = |cells: &mut Cells<'static>| {
                cells.insert("status", status);
                cells.extend(others.into_iter().zip([
                    "2025-03-19T14:05:00Z",
                    "2025-03-20T14:05:00Z",
                    "2025-03-21T14:05:00Z",
                ]));
                cells.remove(date);
            };
            let why = format!("`{date}` is empty; a `{}` with status {status} needs it", record.name());
            let refused = refused(record, all_but);
            assert_eq!(refused.to_string(), why);
            assert_eq!(
                (refused.value.as_str(), refused.currency, refused.amount_minor),
                ("", Some(*b"USD"), Some(1000))
            );
            let alone = attributes(record, |cells| {
                cells.insert("status", status);
                cells.retain(|name, _| !others.contains(name));
                cells.insert(date, "2025-03-19T14:05:00Z");
            });
            assert_eq!(alone[date], "2025-03-19T14:05:00.000Z");
        }
    }
}

#[test]
fn a_time_stamp_that_two_dates_share_goes_under_the_one_of_the_status() {
    let table = [
        ("APPROVED", "authorizationDate", "transactionDate"),
        ("SETTLED", "authorizationDate", "transactionDate"),
        ("REVERSED", "transactionDate", "authorizationDate"),
        ("RETURNED", "transactionDate", "authorizationDate"),
        ("DECLINED", "transactionDate", "authorizationDate"),
    ];
    for (status, kept, left_out) in table {
        let dates = |first: &'static str, second: &'static str| {
            attributes(RecordType::Transaction, |cells| {
                cells.extend([("status", status), ("settledDate", "2025-03-20T00:00:00Z")]);
                cells.extend([(kept, first), (left_out, second)]);
            })
        };
        // However the same instant is written.
        let same = ["2025-03-19T14:05:00Z", "2025-03-19T14:05:00.000Z", "2025-03-19T09:05:00-05:00"];
        for (first, second) in same.into_iter().flat_map(|first| same.map(|second| (first, second))) {
            let shared = dates(first, second);
            assert_eq!((shared.get(kept).is_some(), shared.get(left_out)), (true, None), "{status} {first} {second}");
        }
        for (first, second) in same
            .into_iter()
            .flat_map(|first| ["2025-03-19T14:06:00Z", "2025-03-19T14:05:00.001Z"].map(|second| (first, second)))
        {
            let different = dates(first, second);
            assert!(different.get(kept).is_some() && different.get(left_out).is_some(), "{status} {first} {second}");
        }
    }
}

#[test]
fn a_merchant_has_a_name() {
    for record in [RecordType::Transaction, RecordType::MatchedTransaction] {
        let refused = refused(record, |cells| cells.remove("merchant.name"));
        assert_eq!(refused.to_string(), "`merchant.name` is empty; a merchant without its name is not taken");
        // What the job says of every merchant makes no merchant.
        let mut fields = whole(record);
        fields.columns.insert("merchant.addrCountry".to_owned(), constant("United States"));
        let mut cells = example(record);
        cells.retain(|name, _| !name.starts_with("merchant."));
        assert_eq!(line(&fields, &cells)["attributes"].get("merchant"), None);
        cells.insert("merchant.name", "Hilltop BBQ");
        let merchant = &line(&fields, &cells)["attributes"]["merchant"];
        assert_eq!(*merchant, serde_json::json!({"name": "Hilltop BBQ", "addrCountry": "United States"}));
    }
}

#[test]
fn the_ids_of_a_processor_are_taken_whole_or_not_at_all() {
    for missing in ["processorMids.processor", "processorMids.mids.vmid", "processorMids.mids.vsid"] {
        let refused = refused(RecordType::Transaction, |cells| cells.remove(missing));
        assert_eq!(refused.to_string(), format!("`{missing}` is empty; `processorMids` is taken whole or not at all"));
    }
    let mut fields = whole(RecordType::Transaction);
    fields.columns.insert("processorMids.processor".to_owned(), constant("VISA"));
    let mut cells = example(RecordType::Transaction);
    cells.retain(|name, _| !name.starts_with("processorMids."));
    assert_eq!(line(&fields, &cells)["attributes"].get("processorMids"), None);
    let other = refused(RecordType::Transaction, |cells| cells.insert("processorMids.processor", "AMEX"));
    assert_eq!(other.to_string(), "`processorMids.processor` is not one of `VISA`");
}

/// The matched example with nothing in it that a payment type forbids.
fn matched(payment: &'static str, with: &[(&'static str, &'static str)]) -> Result<serde_json::Value, String> {
    let mut cells = example(RecordType::MatchedTransaction);
    for name in ["cardBIN", "cardLastFour", "cardProductId", "matchedOfferId", "matchedLocationId", "orderId"] {
        cells.remove(name);
    }
    cells.insert("paymentType", payment);
    cells.extend(with.iter().copied());
    let fields = whole(RecordType::MatchedTransaction);
    match write(&fields, &cells) {
        Ok(_) => Ok(line(&fields, &cells)["attributes"].take()),
        Err(refused) => Err(refused.to_string()),
    }
}

#[test]
fn a_matched_transaction_without_a_card_states_none() {
    let (bin, four, network, product) =
        (("cardBIN", "123456"), ("cardLastFour", "4321"), ("cardNetwork", "VISA"), ("cardProductId", "p"));
    let (offer, place, order) = (("matchedOfferId", "o"), ("matchedLocationId", "l"), ("orderId", "n"));
    let omit = |field: &str, when: &str| Some(format!("`{field}` must be omitted when `paymentType` is {when}"));
    let lonely = omit("matchedOfferId", "UNKNOWN and neither `orderId` nor `cardLastFour` is there");
    let last_four =
        Some("`cardLastFour` is empty; a matched purchase by CARD needs it beside `matchedOfferId`".to_owned());
    let table = [
        ("CARD", vec![], None),
        ("CARD", vec![bin, four, network, product, offer, place, order], None),
        ("CARD", vec![place, bin], None),
        ("CARD", vec![offer], last_four),
        ("CASH", vec![], None),
        ("CASH", vec![offer, place, order], None),
        ("CASH", vec![bin], omit("cardBIN", "CASH")),
        ("CASH", vec![four], omit("cardLastFour", "CASH")),
        ("CASH", vec![network], omit("cardNetwork", "CASH")),
        ("CASH", vec![product], omit("cardProductId", "CASH")),
        ("UNKNOWN", vec![], None),
        ("UNKNOWN", vec![four], None),
        ("UNKNOWN", vec![offer, four], None),
        ("UNKNOWN", vec![offer, order], None),
        ("UNKNOWN", vec![offer], lonely),
        ("UNKNOWN", vec![place], omit("matchedLocationId", "UNKNOWN")),
        ("UNKNOWN", vec![bin], omit("cardBIN", "UNKNOWN")),
        ("UNKNOWN", vec![network], omit("cardNetwork", "UNKNOWN")),
        ("UNKNOWN", vec![product], omit("cardProductId", "UNKNOWN")),
    ];
    for (payment, with, problem) in table {
        match matched(payment, &with) {
            Ok(attributes) => {
                assert_eq!(problem, None, "{payment} {with:?}");
                for (name, value) in with {
                    assert_eq!(attributes[name], value, "{payment}");
                }
            }
            Err(why) => assert_eq!(Some(why), problem, "{payment} {with:?}"),
        }
    }
}

#[test]
fn what_the_job_says_of_every_card_is_left_out_where_there_is_no_card() {
    let mut fields = whole(RecordType::MatchedTransaction);
    fields.columns.insert("cardNetwork".to_owned(), constant("VISA"));
    fields.columns.insert("cardProductId".to_owned(), constant("gold"));
    let mut cells = example(RecordType::MatchedTransaction);
    let names =
        |line: &serde_json::Value| ["cardNetwork", "cardProductId"].map(|name| line["attributes"].get(name).is_some());
    assert_eq!(names(&line(&fields, &cells)), [true, true]);
    cells.insert("paymentType", "CASH");
    cells.remove("cardBIN");
    cells.remove("cardLastFour");
    assert_eq!(names(&line(&fields, &cells)), [false, false]);
}

#[test]
fn a_refused_row_tells_what_money_it_holds() {
    let core = RecordType::CoreTransaction;
    let table = [
        ("userId", "", Some(*b"USD"), Some(4599)),
        ("direction", "sideways", Some(*b"USD"), Some(4599)),
        ("amount", "a lot", Some(*b"USD"), None),
        ("currency", "gold", None, None),
    ];
    for (field, text, currency, amount_minor) in table {
        let refused = refused(core, |cells| cells.insert(field, text));
        assert_eq!((refused.field, refused.currency, refused.amount_minor), (field, currency, amount_minor));
        assert_eq!(refused.value, text);
    }
}
