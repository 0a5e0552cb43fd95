//! The compiled mapping: one row of cells in, one line of JSON out, without an allocation a row.

use std::ops::Range;

use super::event_id::{self, EventHash};
use super::rules::{self, Constants};
use super::schema::{Attribute, Kind, Published, RecordType, status_date};
use super::step::{From, Step, Told, Wrong};
use super::tree::{self, Node};
use super::values::{Held, Value, Values};
use super::{AmountSign, EVENT_ID, Mapping, line, values};
use crate::job::ColumnSource;

/// A mapping made ready once for all rows. May be shared by threads, each with its own [`Scratch`].
#[derive(Debug)]
pub struct RecordPlan {
    record: RecordType,
    sources: Vec<String>,
    fields: Vec<SourceField>,
    sign: AmountSign,
    direction_follows: bool,
    /// Currency and amounts first; the others in published order.
    steps: Vec<Step>,
    constants: Constants,
    id: Id,
    /// `{"type":"…","id":"`
    opening: Vec<u8>,
    attributes: Vec<Node>,
}

/// The columns of one mapped field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceField {
    /// The published dotted name, or [`EVENT_ID`].
    pub name: &'static str,
    /// Into [`RecordPlan::sources`], in order of preference.
    pub slots: Vec<usize>,
    /// Published as required (or the event id): a source that never states it cannot be sent.
    pub required: bool,
}

#[derive(Debug)]
enum Id {
    Stated(From),
    Hashed {
        hash: EventHash,
        /// In published order.
        key: Vec<Attribute>,
        /// Of the key's dates only that of the row's status counts.
        by_status: bool,
    },
}

/// What outlives the row, so that none needs memory of its own. One for each thread.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) held: Held,
    parts: Vec<u8>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The amount as it is sent: a size.
    pub amount_minor: i64,
    /// Upper case. `matchedTransaction` states none and counts in cents: USD.
    pub currency: [u8; 3],
    /// The first half of the SHA-256 behind the id; where the source states the id, of its text.
    pub event_id: [u8; 16],
    /// Where the JSON string of `userId` stands, quotes and escapes included, from the line's first byte.
    pub user: Range<usize>,
    /// The same of `transactionId`.
    pub transaction: Range<usize>,
}

/// Why a row does not fit. Nothing of it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {reason}")]
pub struct Refused {
    /// The published dotted name, or [`EVENT_ID`].
    pub field: &'static str,
    /// What stood there: cut, and long numbers masked. Empty where nothing stood there.
    pub value: String,
    /// A lowercase fragment: what is wrong and what was expected.
    pub reason: String,
    /// Where these could be read.
    pub currency: Option<[u8; 3]>,
    /// The size that would have been sent.
    pub amount_minor: Option<i64>,
}

impl RecordPlan {
    /// Compiles a mapping that [`super::check`] found nothing wrong with. `organization` is the id
    /// that the provider knows the issuer by: part of every event id.
    pub fn new(mapping: &Mapping, organization: &str) -> Self {
        let record = mapping.record;
        let mut columns = Columns::default();
        let mut constants = Constants::default();
        let mut steps: Vec<Step> = Vec::new();
        for published in record.fields() {
            let attribute = published.attribute;
            let name = attribute.name();
            let step = match (mapping.columns.get(name), record.default_text(attribute)) {
                (Some(column), _) => Step::new(published, column, columns.add(name, published.required, &column.from)),
                (None, Some(text)) => Step::constant(published, text),
                (None, None) => continue,
            };
            if matches!(step.from, From::Constant(_)) {
                constants.add(attribute);
            }
            steps.push(step);
        }
        let direction_follows =
            mapping.sign != AmountSign::Unsigned && !mapping.columns.contains_key(Attribute::Direction.name());
        let sent = |published: &&Published| {
            steps.iter().any(|step| step.published == *published)
                || direction_follows && published.attribute == Attribute::Direction
        };
        let attributes = tree::nodes(record.fields().iter().filter(sent));
        let id = columns.id(mapping, organization);
        steps.sort_by_key(|step| match step.published.kind {
            Kind::Currency => 0,
            Kind::Minor => 1,
            _ => 2,
        });
        let opening = format!("{{\"type\":\"{}\",\"id\":\"", record.name()).into_bytes();
        let Columns { names: sources, fields } = columns;
        Self {
            record,
            sources,
            fields,
            sign: mapping.sign,
            direction_follows,
            steps,
            constants,
            id,
            opening,
            attributes,
        }
    }

    pub const fn record(&self) -> RecordType {
        self.record
    }

    /// The source columns that are asked for, each once: the index is the slot.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// The mapped fields that come from columns, with their slots.
    pub fn fields(&self) -> &[SourceField] {
        &self.fields
    }

    /// Appends one line, ended by a line feed, or leaves `out` as it was. `cell` gives the text of
    /// a slot; absent, empty and blank are the same.
    ///
    /// # Errors
    /// The first thing that keeps the row from being what the provider publishes.
    pub fn write<'r>(
        &'r self,
        cell: impl Fn(usize) -> Option<&'r str>,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> Result<Written, Refused> {
        let mut values: Values<'r> = [Value::Absent; Attribute::ALL.len()];
        let start = out.len();
        self.row(&cell, scratch, &mut values, out).map_err(|wrong| {
            out.truncate(start);
            refused(wrong, &scratch.held, &values)
        })
    }

    fn row<'r>(
        &'r self,
        cell: &impl Fn(usize) -> Option<&'r str>,
        scratch: &mut Scratch,
        values: &mut Values<'r>,
        out: &mut Vec<u8>,
    ) -> Result<Written, Wrong> {
        self.read(cell, scratch, values)?;
        rules::check(self.record, self.constants, &scratch.held, values)?;
        let start = out.len();
        out.extend_from_slice(&self.opening);
        let event_id = self.write_id(cell, scratch, values, out)?;
        out.extend_from_slice(b",\"attributes\":");
        let mut marks = [0..0, 0..0];
        tree::object(&self.attributes, values, &scratch.held, &mut marks, out);
        out.extend_from_slice(b"}\n");
        let [user, transaction] = marks.map(|mark| mark.start - start..mark.end - start);
        let (currency, amount_minor) = money_of(&scratch.held, values);
        Ok(Written {
            amount_minor: amount_minor.expect("every record type requires an amount"),
            currency: currency.expect("every record type requires a currency, or is counted in cents"),
            event_id,
            user,
            transaction,
        })
    }

    fn read<'r>(
        &'r self,
        cell: &impl Fn(usize) -> Option<&'r str>,
        scratch: &mut Scratch,
        values: &mut Values<'r>,
    ) -> Result<(), Wrong> {
        if self.record == RecordType::MatchedTransaction {
            scratch.held.settle("USD");
            values[Attribute::Currency as usize] = Value::Currency;
        }
        for step in &self.steps {
            let Published { attribute, kind, required } = *step.published;
            let value = step.read(cell, self.sign, &mut scratch.held)?;
            if value.is_absent() && required {
                return Err(self.missing(step, cell));
            }
            values[attribute as usize] = value;
            // Tested here, while both still have their signs.
            if attribute == Attribute::Subtotal && kind == Kind::Minor {
                same_sign(values)?;
            }
        }
        let sizes = [Attribute::Amount, Attribute::Subtotal];
        if self.direction_follows
            && let Value::Minor(spent) = values[Attribute::Amount as usize]
        {
            values[Attribute::Direction as usize] = Value::Word(if spent < 0 { "CREDIT" } else { "DEBIT" });
        }
        for attribute in sizes {
            if let Value::Minor(minor) = &mut values[attribute as usize] {
                *minor = minor.abs();
            }
        }
        Ok(())
    }

    fn missing<'r>(&self, step: &'r Step, cell: &impl Fn(usize) -> Option<&'r str>) -> Wrong {
        let (field, record) = (step.published.attribute.name(), self.record.name());
        match step.from.first(cell) {
            Some(word) => {
                Wrong::new(field, word, format!("is a word that the job maps to nothing; every `{record}` needs one"))
            }
            None => Wrong::new(field, "", format!("is empty; every `{record}` needs it")),
        }
    }

    /// The id and its closing quote.
    fn write_id<'r>(
        &'r self,
        cell: &impl Fn(usize) -> Option<&'r str>,
        scratch: &mut Scratch,
        values: &Values<'r>,
        out: &mut Vec<u8>,
    ) -> Result<[u8; 16], Wrong> {
        let (hash, key, by_status) = match &self.id {
            Id::Hashed { hash, key, by_status } => (hash, key, *by_status),
            Id::Stated(from) => {
                let id =
                    from.first(cell).ok_or_else(|| Wrong::new(EVENT_ID, "", "is empty; every event needs its id"))?;
                values::text(id).map_err(|reason| Wrong::new(EVENT_ID, id, reason))?;
                // The opening has written the first quote already.
                out.pop();
                line::string(id, out);
                return Ok(event_id::of_stated(id));
            }
        };
        let parts = &mut scratch.parts;
        parts.clear();
        let date = match values[Attribute::Status as usize] {
            Value::Word(status) if by_status => Some(status_date(status)),
            _ => None,
        };
        for attribute in key {
            if date.is_some_and(|date| is_date(*attribute) && *attribute != date) {
                continue;
            }
            let value = values[*attribute as usize];
            if value.is_absent() {
                event_id::absent(parts);
                continue;
            }
            event_id::part(parts, |parts| value.text(&scratch.held, parts));
        }
        let id = hash.of(parts);
        line::hex(&id, out);
        out.push(b'"');
        Ok(id)
    }
}

#[derive(Default)]
struct Columns {
    names: Vec<String>,
    fields: Vec<SourceField>,
}

impl Columns {
    fn slot(&mut self, name: &str) -> usize {
        self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }

    fn add(&mut self, name: &'static str, required: bool, from: &ColumnSource) -> From {
        match from {
            ColumnSource::Constant(text) => From::Constant(text.clone()),
            // The columns of a record are never joined: their written form has no word for it.
            ColumnSource::Columns(names) | ColumnSource::Joined { parts: names, .. } => {
                let slots: Vec<usize> = names.iter().map(|source| self.slot(source)).collect();
                self.fields.push(SourceField { name, slots: slots.clone(), required });
                From::Slots(slots)
            }
        }
    }

    fn id(&mut self, mapping: &Mapping, organization: &str) -> Id {
        if let Some(column) = mapping.columns.get(EVENT_ID) {
            return Id::Stated(self.add(EVENT_ID, true, &column.from));
        }
        let record = mapping.record;
        let chosen = |field: &&Published| mapping.event_key.iter().any(|name| name == field.attribute.name());
        let by_status = mapping.event_key.is_empty();
        let key = if by_status {
            record.event_key().to_vec()
        } else {
            record.fields().iter().filter(chosen).map(|field| field.attribute).collect()
        };
        Id::Hashed { hash: EventHash::new(organization, record.name()), key, by_status }
    }
}

const fn is_date(attribute: Attribute) -> bool {
    matches!(attribute, Attribute::TransactionDate | Attribute::AuthorizationDate | Attribute::SettledDate)
}

/// What an amount is made of cannot have been spent the other way.
fn same_sign(values: &Values<'_>) -> Result<(), Wrong> {
    match (values[Attribute::Amount as usize], values[Attribute::Subtotal as usize]) {
        (Value::Minor(amount), Value::Minor(subtotal)) if amount.signum() * subtotal.signum() < 0 => {
            let reason = "has another sign than `amount`; expected a part of it";
            Err(Wrong::new(Attribute::Subtotal.name(), &subtotal.to_string(), reason))
        }
        _ => Ok(()),
    }
}

fn money_of(held: &Held, values: &Values<'_>) -> (Option<[u8; 3]>, Option<i64>) {
    let currency = match values[Attribute::Currency as usize] {
        Value::Currency => Some(held.currency),
        _ => None,
    };
    let amount_minor = match values[Attribute::Amount as usize] {
        Value::Minor(minor) => Some(minor.abs()),
        _ => None,
    };
    (currency, amount_minor)
}

#[cold]
fn refused(wrong: Wrong, held: &Held, values: &Values<'_>) -> Refused {
    let (currency, amount_minor) = money_of(held, values);
    let Told { field, value, reason } = *wrong.0;
    Refused { field, value, reason, currency, amount_minor }
}
