//! From rows of text to exact canonical values. A row with a value that cannot be read goes to
//! quarantine with the field, the value (masked) and what was expected.

mod columns;
mod plan;
mod revisions;
mod times;
mod two_columns;
mod values;

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::error::InputError;
use super::mask;
use super::read::{Exact, Halted, RowSink, RowView, Sources, Wanted};
use super::rows::{Rows, Spread};
use super::schema::{Exclusion, Field, FieldType, Measure, Quarantined};
use super::totals::ControlTotals;
use crate::job::{Format, Input, Sign, Unit};
use crate::money::{self, MoneyError};
use columns::{Columns, Kept, Value, Values};
pub(crate) use plan::sources;
use plan::{From, Joined, Step};
use revisions::Ledger;
pub(crate) use times::TimePlan;

/// Quarantined rows shown when there are too many of them.
const SHOWN_ROWS: usize = 5;

/// What is wrong with one value.
#[derive(Debug)]
struct Trouble {
    /// By its canonical name, or the key of the job file that asks for it.
    field: &'static str,
    value: String,
    reason: String,
}

/// Takes rows of any reader, file after file, and builds the canonical columns.
#[derive(Debug)]
pub(crate) struct Normalizer<'a> {
    input: &'a Input,
    steps: Vec<Step>,
    /// By slot.
    wanted: Vec<Wanted>,
    joined: Vec<Joined>,
    columns: Columns,
    file: u32,
    file_name: &'a str,
    files: Vec<&'a str>,
    /// The file that is being read repeats another one.
    repeated: bool,
    revisions: Option<Ledger>,
    quarantine: Vec<Quarantined>,
    quarantined: u64,
    /// The status of the last row, as it is written, and the word that the mapping has for it.
    status: (String, Option<&'a str>),
    pub(crate) written: Written,
}

/// Amounts of the current file as they are written, before any sign rule.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) sum_minor: i128,
    pub(crate) exponents: BTreeSet<u8>,
    /// Negative amounts that `sign: unsigned` makes positive.
    pub(crate) turned: u64,
    /// The exponent that was met last.
    last: Option<u8>,
}

/// What the first fields of a row say to those after them.
#[derive(Debug, Default)]
struct Known {
    /// Decimals of its currency.
    exponent: Option<u8>,
    /// Whether amounts come back, as far as anybody has asked.
    gives_back: Option<bool>,
}

impl<'a> Normalizer<'a> {
    pub(crate) fn new(input: &'a Input, spread: Spread) -> (Sources, Self) {
        let (mut sources, steps, joined) = plan::plan(&input.mapping);
        let revisions = input.mapping.revisions.as_ref().map(|columns| Ledger::new(columns, &mut sources));
        let normalizer = Self {
            input,
            wanted: plan::wanted(&sources, &steps),
            steps,
            joined,
            columns: Columns::new(input.key, input.mapping.fields.keys().copied(), spread),
            file: 0,
            file_name: "",
            files: Vec::new(),
            repeated: false,
            revisions,
            quarantine: Vec::new(),
            quarantined: 0,
            status: (String::new(), None),
            written: Written::default(),
        };
        (sources, normalizer)
    }

    pub(crate) fn begin_file(&mut self, file: u32, name: &'a str, repeated: bool) {
        self.file = file;
        self.file_name = name;
        self.files.push(name);
        self.repeated = repeated;
        self.written = Written::default();
    }

    /// Whether a row is about no transaction: a notification whose kind `statuses` does not list.
    fn is_other_notice(&self, values: &Values<'_>) -> bool {
        let statuses = &self.input.mapping.statuses;
        match values[Field::EventKind as usize] {
            Value::Text(kind) => {
                matches!(self.input.format, Format::WebhookLog) && !statuses.is_empty() && !statuses.contains_key(kind)
            }
            _ => false,
        }
    }

    fn take(&mut self, row: RowView<'_>) {
        let input = self.input;
        let joined: Vec<Result<String, String>> = match self.joined.as_slice() {
            [] => Vec::new(),
            joined => joined.iter().map(|joined| joined.text(row)).collect(),
        };
        let kept = Kept::default();
        let mut values: Values<'_> = [Value::Null; Field::ALL.len()];
        let mut trouble: Option<Box<Trouble>> = None;
        let mut note = |found: Box<Trouble>| {
            trouble.get_or_insert(found);
        };
        let mut known = Known::default();
        // Taken out so that borrowed values of the plan do not hold the whole normalizer.
        let steps = std::mem::take(&mut self.steps);
        for step in &steps {
            match self.value((row, &joined, &kept), step, &mut known, &values) {
                Ok(value) => values[step.field as usize] = value,
                Err(found) => note(found),
            }
        }
        if let Some(Err(found)) = self.revisions.as_mut().map(|known| known.note(row, self.file, self.repeated)) {
            note(Box::new(found));
        }
        let other_notice = self.is_other_notice(&values);
        if let Some(found) = required(&values, input) {
            note(Box::new(found));
        }
        match trouble {
            Some(trouble) if !other_notice => self.quarantine_row(row.line, *trouble, &values),
            _ => {
                let excluded = self.exclusion(&values, other_notice);
                let revision = self.revisions.as_ref().and_then(Ledger::current);
                self.columns.push((self.file, row.line), excluded, revision, &values);
            }
        }
        self.steps = steps;
    }

    /// The value of one field. What it says about the fields after it goes to `known`.
    fn value<'r>(
        &mut self,
        (row, joined, kept): (RowView<'r>, &'r [Result<String, String>], &'r Kept),
        step: &'r Step,
        known: &mut Known,
        values: &Values<'r>,
    ) -> Result<Value<'r>, Box<Trouble>>
    where
        'a: 'r,
    {
        let field = step.field;
        let told = |value: &str, reason| Box::new(Trouble { field: field.name(), value: mask::shown(value), reason });
        let text = match &step.from {
            From::Constant(text) => Some(text.as_str()),
            From::Slots(slots) => {
                if let [slot] = slots.as_slice()
                    && let Some(exact) = row.exact(*slot)
                {
                    return self.exact(exact, step, known, values).map_err(|(text, reason)| told(&text, reason));
                }
                From::first(slots, row)
            }
            From::Joined(at) => Some(joined[*at].as_ref().map_err(|reason| told("", reason.clone()))?.as_str()),
            From::Two(two) => {
                let exponent = needed(known.exponent, step.unit).map_err(|reason| told("", reason))?;
                let found = two.minor(row, step.unit, exponent).map_err(|(text, reason)| told(&text, reason))?;
                let Some(written) = found else { return Ok(Value::Null) };
                return self
                    .written(field, written, known, values)
                    .map_err(|error| told(&written.to_string(), error.to_string()));
            }
        };
        let Some(text) = text else {
            // Told here, before the amounts that cannot be read without it.
            return match field {
                Field::Currency => Err(told("", "is empty; every row needs a currency".to_owned())),
                _ => Ok(Value::Null),
            };
        };
        if step.as_written {
            return Ok(values::word(text));
        }
        match step.kind {
            FieldType::Minor => {
                let exponent = needed(known.exponent, step.unit).map_err(|reason| told(text, reason))?;
                money::parse_minor(text, step.unit, exponent)
                    .and_then(|written| self.written(field, written, known, values))
                    .map_err(|error| told(text, error.to_string()))
            }
            FieldType::Micros => {
                let zone = From::first(&step.zone, row);
                step.time.micros_in(text, zone).map(Value::Number).map_err(|reason| told(text, reason))
            }
            FieldType::Date => {
                let day = step.time.date(text, field == Field::ValidTo).map_err(|reason| told(text, reason))?;
                Ok(Value::Text(kept.text(Cow::Owned(day))))
            }
            FieldType::Text => match field {
                Field::Currency => self.currency(text, kept, known).map_err(|reason| told(text, reason)),
                Field::Status => Ok(values::word(kept.text(self.status(text)))),
                _ => Ok(values::word(kept.text(values::text(field, text)))),
            },
        }
    }

    /// The value of a field from what was never text.
    ///
    /// # Errors
    /// The text that it would have been, and what is wrong with it.
    fn exact<'r>(
        &mut self,
        exact: Exact,
        step: &Step,
        known: &mut Known,
        values: &Values<'_>,
    ) -> Result<Value<'r>, (String, String)> {
        let (unscaled, scale) = match exact {
            Exact::Micros(micros) => return Ok(Value::Number(micros)),
            Exact::Number { unscaled, scale } => (unscaled, scale),
        };
        let minor = needed(known.exponent, step.unit).and_then(|exponent| {
            money::minor_of(unscaled, scale, step.unit, exponent)
                .and_then(|written| self.written(step.field, written, known, values))
                .map_err(|error| error.to_string())
        });
        minor.map_err(|reason| (money::format_minor(unscaled.into(), scale), reason))
    }

    fn currency<'r>(&mut self, text: &'r str, kept: &'r Kept, known: &mut Known) -> Result<Value<'r>, String> {
        let code = kept.text(values::upper(text));
        let exponent =
            money::exponent(code).ok_or("is no currency with minor units; expected an ISO 4217 code such as USD")?;
        known.exponent = Some(exponent);
        if self.written.last != known.exponent {
            self.written.exponents.insert(exponent);
            self.written.last = known.exponent;
        }
        Ok(Value::Text(code))
    }

    fn status<'r>(&mut self, text: &'r str) -> Text<'r>
    where
        'a: 'r,
    {
        if self.status.0 != text {
            self.status.0.clear();
            self.status.0.push_str(text);
            self.status.1 = self.input.mapping.statuses.get(text).map(String::as_str);
        }
        self.status.1.map_or_else(|| values::upper(text), Cow::Borrowed)
    }

    /// An amount as it is written, with the sign that it has inside.
    fn written<'r>(
        &mut self,
        field: Field,
        written: i64,
        known: &mut Known,
        values: &Values<'_>,
    ) -> Result<Value<'r>, MoneyError> {
        if field == Field::Amount {
            self.written.sum_minor += i128::from(written);
        }
        let minor = match self.input.mapping.sign {
            Sign::Signed => Some(written),
            Sign::Inverted => written.checked_neg(),
            Sign::Unsigned => {
                let gives_back = *known.gives_back.get_or_insert_with(|| gives_back(values));
                let minor = written.checked_abs().map(|size| if gives_back { -size } else { size });
                self.written.turned += u64::from(written < 0 && minor > Some(0));
                minor
            }
        };
        minor.map(Value::Number).ok_or(MoneyError::TooLarge)
    }

    fn exclusion(&self, values: &Values<'_>, other_notice: bool) -> Option<Exclusion> {
        if self.repeated {
            Some(Exclusion::RepeatedFile)
        } else if other_notice {
            Some(Exclusion::NotATransaction)
        } else if !values::selected(values, &self.input.mapping.only) {
            Some(Exclusion::Filtered)
        } else {
            None
        }
    }

    fn quarantine_row(&mut self, line: u64, trouble: Trouble, values: &Values<'_>) {
        let currency = match values[Field::Currency as usize] {
            Value::Text(code) => Some(code.to_owned()),
            _ => None,
        };
        let amounts = Measure::ALL.map(|measure| match values[measure.field() as usize] {
            Value::Number(minor) => Some(minor),
            _ => None,
        });
        self.push_quarantined(line, Some(trouble.field), trouble.value, trouble.reason, currency, amounts);
    }

    fn push_quarantined(
        &mut self,
        line: u64,
        field: Option<&'static str>,
        value: String,
        reason: String,
        currency: Option<String>,
        amounts_minor: [Option<i64>; 3],
    ) {
        self.quarantined += 1;
        // Past the limit the run ends anyway: the rest is counted, not kept.
        if self.quarantine.len() as u64 >= self.input.quarantine_limit.max(SHOWN_ROWS as u64) {
            return;
        }
        let (side, file, file_name) = (self.input.side, self.file, self.file_name.to_owned());
        self.quarantine.push(Quarantined {
            side,
            file,
            file_name,
            line,
            field: field.map(str::to_owned),
            value,
            reason,
            currency,
            amounts_minor,
        });
    }

    /// The rows, their sums and the quarantine.
    ///
    /// # Errors
    /// When more rows are in quarantine than the job tolerates, or the disk refused rows that are more than may be held.
    pub(crate) fn finish(self) -> Result<(Rows, ControlTotals, Vec<Quarantined>), InputError> {
        let (side, limit) = (self.input.side, self.input.quarantine_limit);
        if self.quarantined > limit {
            let mut first = self.quarantine;
            first.truncate(SHOWN_ROWS);
            return Err(InputError::TooManyQuarantined { side, limit, found: self.quarantined, first });
        }
        let replaced = self.revisions.as_ref().map(|revisions| revisions.replaced(&self.files)).transpose()?;
        let finished = self.columns.finish(replaced.unwrap_or_default());
        let (rows, totals) = finished.map_err(|source| InputError::LaidAside { side, source })?;
        Ok((rows, totals, self.quarantine))
    }
}

/// Every row of the file is wanted: it never gives up.
impl RowSink for Normalizer<'_> {
    fn wanted(&self, slot: usize) -> Wanted {
        self.wanted[slot]
    }

    fn row(&mut self, row: RowView<'_>) -> Result<(), Halted> {
        self.take(row);
        Ok(())
    }

    fn unreadable(&mut self, line: u64, value: &[u8], reason: String) -> Result<(), Halted> {
        self.push_quarantined(line, None, mask::shown_bytes(value), reason, None, [None; 3]);
        Ok(())
    }
}

/// The decimals of an amount: those of the row's currency, which comes before it.
///
/// # Errors
/// When there is no currency, and the unit needs one.
fn needed(exponent: Option<u8>, unit: Unit) -> Result<u8, String> {
    match (exponent, unit) {
        (Some(exponent), _) => Ok(exponent),
        (None, Unit::Minor) => Ok(0),
        (None, Unit::Major) => Err("cannot be read without a currency".to_owned()),
    }
}

/// The first value that every row needs and this one lacks.
fn required(values: &Values<'_>, input: &Input) -> Option<Trouble> {
    let is_log = matches!(input.format, Format::WebhookLog);
    let lacks = |field: Field, what: &str| {
        matches!(values[field as usize], Value::Null).then(|| Trouble {
            field: field.name(),
            value: String::new(),
            reason: format!("is empty; every {} needs {what}", if is_log { "notification" } else { "row" }),
        })
    };
    // Without its kind nobody knows what a notification says about the transaction.
    let needs_kind = is_log && input.mapping.fields.contains_key(&Field::EventKind);
    let kind = if needs_kind { lacks(Field::EventKind, "a type") } else { None };
    let key = if input.key == Field::TransactionId { None } else { lacks(input.key, "the job's key") };
    kind.or_else(|| lacks(Field::TransactionId, "a transaction id"))
        .or(key)
        .or_else(|| lacks(Field::Currency, "a currency"))
}

/// Whether amounts without a sign of their own are negative inside: what the user spends or earns is positive.
fn gives_back(values: &Values<'_>) -> bool {
    let is = |field: Field, words: &[&str]| match &values[field as usize] {
        Value::Text(text) => words.contains(text),
        _ => false,
    };
    // A clawback takes a reward back, as a return takes a purchase back.
    is(Field::Direction, &["CREDIT"]) || is(Field::Status, &["RETURNED", "REVERSED", "CLAWBACK"])
}

/// Borrowed where nothing changes.
type Text<'r> = Cow<'r, str>;
