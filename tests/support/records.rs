//! Mappings by hand, rows as lists of cells, and the published schemas of the records.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::Value;
use tieout::job::{ColumnSource, TimeFormat, Unit};
use tieout::records::{AmountSign, FieldColumn, Mapping, RecordPlan, RecordType, Refused, Scratch, Written};

pub const ORGANIZATION: &str = "org-123";

/// The column of the field's own name.
pub fn column(name: &str) -> FieldColumn {
    columns(&[name])
}

pub fn columns(names: &[&str]) -> FieldColumn {
    FieldColumn {
        from: ColumnSource::Columns(names.iter().map(|name| (*name).to_owned()).collect()),
        unit: Unit::Minor,
        time: TimeFormat::Iso { zone: None },
        words: BTreeMap::new(),
        fips: false,
    }
}

pub fn constant(text: &str) -> FieldColumn {
    FieldColumn { from: ColumnSource::Constant(text.to_owned()), ..columns(&[]) }
}

pub fn worded(name: &str, words: &[(&str, &str)]) -> FieldColumn {
    let words = words.iter().map(|(theirs, ours)| ((*theirs).to_owned(), (*ours).to_owned())).collect();
    FieldColumn { words, ..column(name) }
}

/// Each of these fields from the column of its own name.
pub fn mapping(record: RecordType, fields: &[&str]) -> Mapping {
    let columns = fields.iter().map(|name| ((*name).to_owned(), column(name))).collect();
    Mapping { record, columns, sign: AmountSign::Unsigned, event_key: Vec::new() }
}

/// Every published field from the column of its own name.
pub fn whole(record: RecordType) -> Mapping {
    let names: Vec<&str> = record.fields().iter().map(|field| field.attribute.name()).collect();
    mapping(record, &names)
}

/// A row of the published examples, by column.
pub type Cells<'c> = BTreeMap<&'c str, &'c str>;

/// What the document shows of each record type.
pub fn example(record: RecordType) -> Cells<'static> {
    let core = [
        ("userId", "6FHt5b6Fnp0qdomMEy5AN6PXcSJIeX69"),
        ("transactionId", "CORE-TXN-2024-001234"),
        ("amount", "4599"),
        ("currency", "USD"),
        ("description", "WALMART SUPERCENTER"),
        ("direction", "DEBIT"),
        ("status", "SETTLED"),
        ("settledDate", "2024-10-15T14:30:00Z"),
        ("authorizationDate", "2024-10-15T14:25:00Z"),
        ("financialInstitutionId", "fin-inst-001"),
        ("cardLastFours", "4321"),
    ];
    let shared = [
        ("userId", "6FHt5b6Fnp0qdomMEy5AN6PXcSJIeX69"),
        ("amount", "1000"),
        ("subtotal", "800"),
        ("description", "ADVANCEAUTO"),
        ("authorizationDate", "2021-07-02T17:47:06Z"),
        ("merchant.name", "ADVANCEAUTO"),
        ("merchant.id", "12345678901234567"),
        ("merchant.addrStreet", "125 Main St"),
        ("merchant.addrCity", "Philadelphia"),
        ("merchant.addrState", "PA"),
        ("merchant.addrZipcode", "19147"),
        ("merchant.addrCountry", "United States"),
        ("cardBIN", "123456"),
        ("cardLastFour", "4321"),
        ("direction", "DEBIT"),
        ("paymentType", "CARD"),
        ("transactionId", "2467de37-cbdc-416d-a359-75de87bfffb0"),
        ("authorizationCode", "123456"),
        ("retrievalReferenceNumber", "100804333919"),
        ("systemTraceAuditNumber", "333828"),
        ("acquirerReferenceNumber", "1234567890123456789012345678"),
    ];
    let plain = [
        ("status", "APPROVED"),
        ("currency", "USD"),
        ("description2", "ADVANCEAUTO"),
        ("mcc", "1234"),
        ("merchant.latitude", "37.9419429"),
        ("merchant.longitude", "-73.1446869"),
        ("merchant.storeId", "12345"),
        ("processorMids.processor", "VISA"),
        ("processorMids.mids.vmid", "12345678"),
        ("processorMids.mids.vsid", "87654321"),
    ];
    let matched = [
        ("matchedOfferId", "5eb2d4a39ce24e00081488c4"),
        ("matchedLocationId", "5eb2d4a39ce24e00081488d5"),
        ("cardProductId", "1234567890123456789012345678"),
        ("orderId", "23q49807iklasdf238904"),
        ("receiptMedium", "ELECTRONIC"),
    ];
    match record {
        RecordType::CoreTransaction => Cells::from(core),
        RecordType::MatchedTransaction => shared.into_iter().chain(matched).collect(),
        RecordType::Transaction | RecordType::HistoricalTransaction => shared.into_iter().chain(plain).collect(),
    }
}

pub fn write(mapping: &Mapping, cells: &Cells<'_>) -> Result<(Written, String), Refused> {
    let plan = RecordPlan::new(mapping, ORGANIZATION);
    let mut out = b"before\n".to_vec();
    let cell = |slot: usize| cells.get(plan.sources()[slot].as_str()).copied();
    let written = plan.write(cell, &mut Scratch::default(), &mut out);
    let text = String::from_utf8(out).expect("lines are text");
    let line = text.strip_prefix("before\n").expect("what was there stays");
    if written.is_err() {
        assert_eq!(line, "", "a refused row leaves nothing");
    }
    written.map(|written| (written, line.to_owned()))
}

/// One line, which fits the published schema of its type.
pub fn line(mapping: &Mapping, cells: &Cells<'_>) -> Value {
    let (_, line) = write(mapping, cells).unwrap_or_else(|refused| panic!("{cells:?}: {refused}"));
    valid(mapping.record, &line)
}

/// A line as JSON, after it was held against the published schema of its type.
pub fn valid(record: RecordType, line: &str) -> Value {
    assert!(line.ends_with("}\n") && line.matches('\n').count() == 1, "one line: {line:?}");
    let value: Value = serde_json::from_str(line).expect("JSON");
    let problems = problems(&schema(record), &value, "");
    assert!(problems.is_empty(), "{line}{problems:#?}");
    value
}

pub fn schema(record: RecordType) -> Value {
    let text = match record {
        RecordType::Transaction => include_str!("../fixtures/transaction.schema.json"),
        RecordType::MatchedTransaction => include_str!("../fixtures/matchedTransaction.schema.json"),
        RecordType::CoreTransaction => include_str!("../fixtures/coreTransaction.schema.json"),
        RecordType::HistoricalTransaction => include_str!("../fixtures/historicalTransaction.schema.json"),
    };
    serde_json::from_str(text).expect("a fixture is JSON")
}

/// What keeps a value from fitting a schema: the words of JSON Schema that the published ones use.
pub fn problems(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    let fits = match schema["type"].as_str().expect("every schema has a type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("{at}: a type that the checker does not know: {other}"),
    };
    if !fits {
        found.push(format!("{at}: not of type {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at}: not in enum"));
    }
    let text = value.as_str().unwrap_or_default();
    if schema["format"] == "date-time" && DateTime::parse_from_rfc3339(text).is_err() {
        found.push(format!("{at}: no date-time"));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(problems(&schema["items"], item, &format!("{at}/{index}")));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            found.push(format!("{at}/{name}: missing"));
        }
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(below) => found.extend(problems(below, member, &format!("{at}/{name}"))),
            None if schema["additionalProperties"] == false => found.push(format!("{at}/{name}: not published")),
            None => {}
        }
    }
    found
}
