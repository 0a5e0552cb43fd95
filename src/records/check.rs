//! A mapping held against the published fields: everything that is wrong with it at once, so that
//! a job is refused before its first row is read.

use super::rules::omitted;
use super::schema::{Attribute, Kind, Published, RecordType, STATES, STATUSES, status_date};
use super::step::{From, Step};
use super::values::{self, Held};
use super::{AmountSign, EVENT_ID, FieldColumn, Mapping};
use crate::config::{closest, did_you_mean, quoted};
use crate::job::{ColumnSource, TimeFormat, Unit};

/// Names under which the document's older recipes and its Marqeta table have these fields.
const OLD_NAMES: &[(&str, &str)] = &[
    ("referringPartnerUserId", "userId"),
    ("merchantId", "merchant.id"),
    ("merchantName", "merchant.name"),
    ("merchantAddrStreet", "merchant.addrStreet"),
    ("merchantAddrCity", "merchant.addrCity"),
    ("merchantAddrState", "merchant.addrState"),
    ("merchantAddrZipcode", "merchant.addrZipcode"),
];

/// What is wrong with a mapping: the field as the mapping writes it (empty: the mapping as a whole,
/// or its `event_key`), and a lowercase fragment with what was expected. In the order of the
/// mapping's fields, then of the published ones.
pub fn check(mapping: &Mapping) -> Vec<(String, String)> {
    let mut found = Found(Vec::new());
    for (name, column) in &mapping.columns {
        match mapping.record.field(name) {
            Some(published) => field(mapping, published, column, &mut found),
            None if name == EVENT_ID => stated_id(column, &mut found),
            None => found.add(name, unknown(mapping.record, name)),
        }
    }
    required(mapping, &mut found);
    groups(mapping, &mut found);
    match mapping.record {
        RecordType::Transaction | RecordType::HistoricalTransaction => dates(mapping, &mut found),
        RecordType::MatchedTransaction => matched(mapping, &mut found),
        RecordType::CoreTransaction => {}
    }
    event_key(mapping, &mut found);
    found.0
}

struct Found(Vec<(String, String)>);

impl Found {
    fn add(&mut self, field: &str, what: impl Into<String>) {
        self.0.push((field.to_owned(), what.into()));
    }
}

impl Mapping {
    fn column(&self, attribute: Attribute) -> Option<&FieldColumn> {
        self.columns.get(attribute.name())
    }

    fn maps(&self, attribute: Attribute) -> bool {
        self.column(attribute).is_some()
    }

    /// The published word that a field has in every row, if it has the same in all.
    fn constant(&self, attribute: Attribute) -> Option<String> {
        match self.column(attribute) {
            None => self.record.default_text(attribute).map(str::to_owned),
            Some(column) => match &column.from {
                ColumnSource::Constant(text) => Some(column.words.get(text).unwrap_or(text).to_ascii_uppercase()),
                ColumnSource::Columns(_) | ColumnSource::Joined { .. } | ColumnSource::TwoColumns { .. } => None,
            },
        }
    }
}

fn names(record: RecordType) -> Vec<&'static str> {
    record.fields().iter().map(|field| field.attribute.name()).collect()
}

fn unknown(record: RecordType, name: &str) -> String {
    let known = names(record);
    let old = OLD_NAMES.iter().find(|(old, _)| *old == name).map(|(_, new)| *new);
    let inner = known.iter().copied().find(|known| known.rsplit('.').next() == Some(name));
    let meant = old.filter(|new| known.contains(new)).or(inner);
    let elsewhere = || RecordType::ALL.into_iter().find(|other| other.field(name).is_some());
    let help = match (meant, elsewhere()) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, Some(other)) if closest(name, known.iter().copied()).is_none() => {
            format!("it is one of `{}`", other.name())
        }
        _ => did_you_mean(name, &known),
    };
    format!("is no field of `{}`; {help}", record.name())
}

/// One mapped field by itself.
fn field(mapping: &Mapping, published: &'static Published, column: &FieldColumn, found: &mut Found) {
    let name = published.attribute.name();
    let kind = published.kind;
    if column.unit != Unit::Minor && kind != Kind::Minor {
        found.add(name, "`unit` is for amounts; this is none");
    }
    if column.time != (TimeFormat::Iso { zone: None }) && kind != Kind::Time {
        found.add(name, "`format` and `timezone` are for times; this is none");
    }
    if column.fips && kind != Kind::State {
        found.add(name, "`fips` is for states; this is none");
    }
    if !column.words.is_empty() && !kind.is_closed() {
        found.add(name, "`words` are for fields with a closed list of words; this is none");
    } else {
        words(published, column, found);
    }
    match &column.from {
        ColumnSource::Constant(text) => constant(mapping, published, column, text, found),
        ColumnSource::TwoColumns { .. } => {
            found.add(name, "`credit` and `debit` are for what is compared; expected a column");
        }
        ColumnSource::Joined { .. } => {
            found.add(name, "`join` is for what is compared; expected a column");
        }
        ColumnSource::Columns(_) => {}
    }
}

fn words(published: &Published, column: &FieldColumn, found: &mut Found) {
    let name = published.attribute.name();
    for (theirs, ours) in column.words.iter().filter(|(_, ours)| !ours.is_empty()) {
        if is_published(published.kind, ours) {
            continue;
        }
        let expected = match published.kind {
            Kind::Word(known) => did_you_mean(ours, known),
            Kind::State => did_you_mean(ours, STATES),
            _ => "expected an ISO 4217 code such as `USD`".to_owned(),
        };
        found.add(name, format!("the word `{theirs}` becomes `{ours}`, which is not published; {expected}"));
    }
}

fn is_published(kind: Kind, word: &str) -> bool {
    if kind == Kind::Currency { values::currency(word).is_some() } else { values::word(kind, word).is_some() }
}

fn constant(mapping: &Mapping, published: &'static Published, column: &FieldColumn, text: &str, found: &mut Found) {
    let name = published.attribute.name();
    if published.attribute == Attribute::TransactionId {
        found.add(name, "is the same text in every row; expected a column");
        return;
    }
    if text.trim().is_empty() {
        found.add(name, "is an empty constant; expected a value, or the field left out");
        return;
    }
    let mut held = Held { exponent: 2, ..Held::default() };
    let settled = mapping.constant(Attribute::Currency).is_some_and(|code| held.settle(&code));
    if !settled && column.unit == Unit::Major && mapping.maps(Attribute::Currency) {
        // How many decimals it may have depends on the row.
        return;
    }
    let step = Step::new(published, column, From::Constant(text.to_owned()));
    match step.read(&|_| None, mapping.sign, &mut held) {
        Err(wrong) => found.add(name, format!("the constant `{}` {}", wrong.0.value, wrong.0.reason)),
        Ok(value) if value.is_absent() && published.required => {
            found.add(name, format!("the constant `{text}` is mapped to nothing; every row needs a value"));
        }
        Ok(_) => {}
    }
}

fn stated_id(column: &FieldColumn, found: &mut Found) {
    if matches!(column.from, ColumnSource::Constant(_)) {
        found.add(EVENT_ID, "is the same text in every row; expected a column");
    }
    if !column.words.is_empty() || column.fips || column.unit != Unit::Minor {
        found.add(EVENT_ID, "is taken as it is; expected a column and nothing else");
    }
}

fn required(mapping: &Mapping, found: &mut Found) {
    let record = mapping.record.name();
    for field in mapping.record.fields().iter().filter(|field| field.required && !mapping.maps(field.attribute)) {
        if mapping.record.default_text(field.attribute).is_some() {
            continue;
        }
        let expected = match field.attribute {
            Attribute::Direction if mapping.sign != AmountSign::Unsigned => continue,
            Attribute::Direction => "expected a column, a constant, or a `sign` that it follows from",
            Attribute::TransactionId => "expected a column",
            _ => "expected a column or a constant",
        };
        found.add(field.attribute.name(), format!("is not mapped, and every `{record}` needs it; {expected}"));
    }
}

/// What is published as an object is taken whole or not at all.
fn groups(mapping: &Mapping, found: &mut Found) {
    let below = |prefix: &str| {
        mapping
            .record
            .fields()
            .iter()
            .any(|field| field.attribute.name().starts_with(prefix) && mapping.maps(field.attribute))
    };
    if below("merchant.") && !mapping.maps(Attribute::MerchantName) {
        found.add(Attribute::MerchantName.name(), "is not mapped, and a merchant without its name is not taken");
    }
    for attribute in [Attribute::Vmid, Attribute::Vsid] {
        if below("processorMids.") && !mapping.maps(attribute) {
            found.add(attribute.name(), "is not mapped, and `processorMids` is taken whole or not at all");
        }
    }
}

/// Every status needs a date of its own.
fn dates(mapping: &Mapping, found: &mut Found) {
    let all = [Attribute::AuthorizationDate, Attribute::SettledDate, Attribute::TransactionDate];
    match mapping.constant(Attribute::Status) {
        Some(status) => {
            let date = status_date(&status);
            if STATUSES.contains(&status.as_str()) && !mapping.maps(date) {
                found.add(date.name(), format!("is not mapped, and status {status} needs it; expected a column"));
            }
        }
        None if mapping.maps(Attribute::Status) && !all.into_iter().any(|date| mapping.maps(date)) => {
            let dates = all.map(Attribute::name);
            found
                .add("", format!("no date is mapped, and every status needs one; expected some of {}", quoted(&dates)));
        }
        None => {}
    }
}

fn matched(mapping: &Mapping, found: &mut Found) {
    let Some(payment) = mapping.constant(Attribute::PaymentType) else { return };
    for attribute in omitted(&payment).iter().filter(|attribute| mapping.maps(**attribute)) {
        found.add(attribute.name(), format!("must be omitted when `paymentType` is {payment}"));
    }
    if payment == "CARD" && mapping.maps(Attribute::MatchedOfferId) && !mapping.maps(Attribute::CardLastFour) {
        let what = "is not mapped, and a matched purchase by CARD needs it beside `matchedOfferId`";
        found.add(Attribute::CardLastFour.name(), what);
    }
}

fn event_key(mapping: &Mapping, found: &mut Found) {
    if mapping.event_key.is_empty() {
        return;
    }
    if mapping.columns.contains_key(EVENT_ID) {
        found.add("", "`event_key` beside a mapped `id`; expected one of them");
        return;
    }
    let mut varies = false;
    for (index, name) in mapping.event_key.iter().enumerate() {
        let Some(field) = mapping.record.field(name) else {
            found.add("", format!("`event_key` names `{name}`, which {}", unknown(mapping.record, name)));
            varies = true;
            continue;
        };
        if mapping.event_key[..index].contains(name) {
            found.add("", format!("`event_key` names `{name}` twice"));
        }
        let follows = field.attribute == Attribute::Direction && mapping.sign != AmountSign::Unsigned;
        let known = mapping.maps(field.attribute) || mapping.record.default_text(field.attribute).is_some();
        if !known && !follows {
            found.add("", format!("`event_key` names `{name}`, which is not mapped"));
        }
        varies |= mapping.constant(field.attribute).is_none();
    }
    if !varies {
        found.add("", "`event_key` names only what is the same in every row; expected `transactionId` among them");
    }
}
