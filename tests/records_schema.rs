//! The tables of the records are what the document publishes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tieout::records::schema::{STATES, status_date};
use tieout::records::{Attribute, Kind, RecordType, fips_state};

use crate::support::records::{problems, schema};

/// Dotted name: the published schema, and whether it must be there at all.
fn leaves(schema: &Value, prefix: &str, required: bool, found: &mut BTreeMap<String, (Value, bool)>) {
    let needed: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        let (path, required) = (format!("{prefix}{name}"), required && needed.contains(&name.as_str()));
        if below["type"] == "object" {
            leaves(below, &format!("{path}."), required, found);
        } else {
            found.insert(path, (below.clone(), required));
        }
    }
}

#[test]
fn every_published_field_stands_in_the_table_and_no_other() {
    for record in RecordType::ALL {
        let mut published = BTreeMap::new();
        leaves(&schema(record)["properties"]["attributes"], "", true, &mut published);
        let names: BTreeSet<&str> = record.fields().iter().map(|field| field.attribute.name()).collect();
        assert_eq!(names.len(), record.fields().len(), "{}: twice", record.name());
        assert_eq!(names, published.keys().map(String::as_str).collect(), "{}", record.name());
        for field in record.fields() {
            let name = field.attribute.name();
            let (schema, required) = &published[name];
            assert_eq!(field.required, *required, "{} {name}", record.name());
            let kind = match field.kind {
                Kind::Minor => json!({"type": "integer"}),
                Kind::Time => json!({"type": "string", "format": "date-time"}),
                Kind::Word(words) => json!({"type": "string", "enum": words}),
                Kind::State => json!({"type": "string", "enum": STATES}),
                Kind::LastFours => json!({"type": "array", "items": {"type": "string"}}),
                Kind::Text | Kind::Currency | Kind::Bin | Kind::LastFour => json!({"type": "string"}),
            };
            assert_eq!(&kind, schema, "{} {name}", record.name());
            assert_eq!(record.field(name), Some(field));
        }
    }
}

#[test]
fn record_types_are_spelled_as_published() {
    for record in RecordType::ALL {
        assert_eq!(schema(record)["properties"]["type"]["enum"], json!([record.name()]));
        assert_eq!(serde_json::to_value(record).unwrap(), record.name());
    }
}

#[test]
fn every_attribute_belongs_to_a_record_type() {
    for attribute in Attribute::ALL {
        assert!(RecordType::ALL.iter().any(|record| record.field(attribute.name()).is_some()), "{attribute:?}");
    }
    // The set of constants has 64 places.
    assert!(Attribute::ALL.len() <= 64);
}

#[test]
fn the_event_key_is_the_same_in_any_spelling() {
    for record in RecordType::ALL {
        let published: Vec<Attribute> = record.fields().iter().map(|field| field.attribute).collect();
        let places: Vec<_> =
            record.event_key().iter().map(|key| published.iter().position(|one| one == key).unwrap()).collect();
        assert!(places.is_sorted(), "{}: keys are hashed in published order: {places:?}", record.name());
    }
}

#[test]
fn every_status_has_its_date() {
    let table = [
        ("APPROVED", "authorizationDate"),
        ("SETTLED", "settledDate"),
        ("REVERSED", "transactionDate"),
        ("RETURNED", "transactionDate"),
        ("DECLINED", "transactionDate"),
    ];
    for (status, date) in table {
        assert_eq!(status_date(status).name(), date);
    }
}

#[test]
fn the_fips_table_is_complete() {
    let table = "01 AL 02 AK 04 AZ 05 AR 06 CA 08 CO 09 CT 10 DE 11 DC 12 FL 13 GA 15 HI 16 ID 17 IL 18 IN 19 IA 20 KS \
                 21 KY 22 LA 23 ME 24 MD 25 MA 26 MI 27 MN 28 MS 29 MO 30 MT 31 NE 32 NV 33 NH 34 NJ 35 NM 36 NY 37 NC \
                 38 ND 39 OH 40 OK 41 OR 42 PA 44 RI 45 SC 46 SD 47 TN 48 TX 49 UT 50 VT 51 VA 53 WA 54 WV 55 WI 56 WY";
    let words: Vec<&str> = table.split_whitespace().collect();
    let known: BTreeMap<&str, &str> = words.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    assert_eq!(known.len(), 51);
    for code in 0..100 {
        let code = format!("{code:02}");
        assert_eq!(fips_state(&code), known.get(code.as_str()).copied(), "{code}");
    }
    assert!(known.values().all(|letters| STATES.contains(letters)));
    let others = [("6", Some("CA")), ("0", None), ("006", None), ("", None), ("CA", None), ("6 ", None), ("٦", None)];
    for (code, letters) in others {
        assert_eq!(fips_state(code), letters, "{code:?}");
    }
}

#[test]
fn the_checker_of_the_tests_finds_what_it_should() {
    let core = schema(RecordType::CoreTransaction);
    let right = json!({"type": "coreTransaction", "id": "1", "attributes": {
        "userId": "u", "transactionId": "t", "amount": 1, "currency": "USD", "description": "d", "direction": "DEBIT",
        "status": "SETTLED", "settledDate": "2024-10-15T14:30:00Z", "authorizationDate": "2024-10-15T14:30:00Z",
        "cardLastFours": ["4321"]}});
    assert_eq!(problems(&core, &right, ""), Vec::<String>::new());
    let cases = [
        ("/type", json!("transaction"), "/type: not in enum"),
        ("/id", json!(1), "/id: not of type \"string\""),
        ("/attributes/amount", json!(1.5), "/attributes/amount: not of type \"integer\""),
        ("/attributes/direction", json!("debit"), "/attributes/direction: not in enum"),
        ("/attributes/settledDate", json!("2024-10-15"), "/attributes/settledDate: no date-time"),
        ("/attributes/cardLastFours", json!(["1", 2]), "/attributes/cardLastFours/1: not of type \"string\""),
        ("/attributes/cardLastFours", json!("4321"), "/attributes/cardLastFours: not of type \"array\""),
    ];
    for (pointer, value, problem) in cases {
        let mut wrong = right.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert_eq!(problems(&core, &wrong, ""), [problem]);
    }
    let mut wrong = right;
    let attributes = wrong["attributes"].as_object_mut().unwrap();
    attributes.remove("userId");
    attributes.insert("mcc".to_owned(), json!("1234"));
    assert_eq!(problems(&core, &wrong, ""), ["/attributes/userId: missing", "/attributes/mcc: not published"]);
}
