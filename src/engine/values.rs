//! Canonical values in SQL. Each comes with its doubts: conditions under which `normalize` might say anything else than the
//! SQL, or refuse the row. Where no doubt holds, the value is the one that `normalize` makes:
//! - text is the cell as it is; a card's digits are picked as `normalize` picks them;
//! - a status that the job lists is what it lists, and another one of ASCII is upper-cased alike everywhere;
//! - a currency is one of the codes whose decimals `money` knows, in capitals;
//! - an amount is digits with no more decimals than count, short enough for no engine to round or wrap;
//! - a time is a day that exists, a time of day, and an offset or a zone without a change of clocks that day.

use std::collections::BTreeMap;

use super::cells::Lines;
use super::plan::Unfit;
use super::text::{NO_NUMBER, NO_TEXT, any_of, fits, literal, literals, surely};
use super::times;
use crate::frames::{Field, FieldType};
use crate::job::{Column, ColumnSource, Input, Sign, TimeFormat, Unit};
use crate::money;
use crate::period::Period;

/// Most digits of an amount in front of its decimals: with four more it is far from the end of 64 bits.
const WHOLE_DIGITS: u32 = 14;

/// What becomes of the cells of one file.
#[derive(Debug)]
pub(super) struct Values {
    /// The names under which [`Self::cells`] select the cells.
    by_field: BTreeMap<Field, Value>,
    /// `expression AS name`, one a mapped field.
    pub(super) cells: Vec<String>,
    /// Where any holds, the row is read here.
    pub(super) doubts: Vec<String>,
}

#[derive(Debug)]
enum Value {
    Text(String),
    Number(String),
}

impl Values {
    /// Of all mapped fields of an input, in a file whose lines are taken apart so.
    ///
    /// # Errors
    /// Why the mapping has no SQL.
    pub(super) fn of(input: &Input, lines: &Lines, period: &Period) -> Result<Self, Unfit> {
        let mut values = Self { by_field: BTreeMap::new(), cells: Vec::new(), doubts: Vec::new() };
        for (field, column) in &input.mapping.fields {
            let cell = match &column.from {
                ColumnSource::Columns(names) => lines.cell(names)?,
                ColumnSource::Constant(text) if text.trim() == text && !text.is_empty() => literal(text),
                ColumnSource::Constant(_) => return Err(told(*field, "is a constant with blanks around it")),
                ColumnSource::Joined { .. } => return Err(told(*field, "is put together from several columns")),
                ColumnSource::TwoColumns { .. } => return Err(told(*field, "stands in one of two columns")),
            };
            values.cells.push(format!("{cell} AS {}", raw(*field)));
        }
        // Amounts ask for these.
        let fields = &input.mapping.fields;
        for field in [Field::Currency, Field::Status, Field::Direction] {
            if fields.contains_key(&field) {
                values.text(field, input);
            }
        }
        for (field, column) in fields {
            match field.kind() {
                FieldType::Minor => values.amount(*field, column, input.mapping.sign),
                FieldType::Micros => values.time(*field, column, period)?,
                FieldType::Date => values.date(*field, column)?,
                FieldType::Text if values.by_field.contains_key(field) => {}
                FieldType::Text => values.text(*field, input),
            }
        }
        for field in [Field::TransactionId, input.key, Field::Currency] {
            values.doubts.push(format!("{} IS NULL", raw(field)));
        }
        Ok(values)
    }

    /// Whether the field is mapped.
    pub(super) fn has(&self, field: Field) -> bool {
        self.by_field.contains_key(&field)
    }

    /// The canonical text; a null where the field is not mapped.
    pub(super) fn text_of(&self, field: Field) -> String {
        match self.by_field.get(&field) {
            Some(Value::Text(sql)) => sql.clone(),
            _ => NO_TEXT.to_owned(),
        }
    }

    /// Minor units, or seconds since 1970.
    pub(super) fn number_of(&self, field: Field) -> String {
        match self.by_field.get(&field) {
            Some(Value::Number(sql)) => sql.clone(),
            _ => NO_NUMBER.to_owned(),
        }
    }

    /// Rows that the job's `where` selects.
    ///
    /// # Errors
    /// When it asks for a time.
    pub(super) fn selected(&self, only: &BTreeMap<Field, Vec<String>>) -> Result<Vec<String>, Unfit> {
        let one = |(field, words): (&Field, &Vec<String>)| {
            let words = literals(words.iter().map(String::as_str));
            let value = match self.by_field.get(field) {
                // `normalize` cuts a month out of it.
                Some(Value::Text(sql)) if *field != Field::PayoutMonth => sql.clone(),
                Some(Value::Number(sql)) if field.kind() == FieldType::Minor => format!("CAST({sql} AS STRING)"),
                _ => return Err(told(*field, "is asked for by `where`")),
            };
            Ok(surely(&format!("{value} IN ({words})")))
        };
        only.iter().map(one).collect()
    }

    fn text(&mut self, field: Field, input: &Input) {
        let cell = raw(field);
        let digits = format!("REGEXP_REPLACE({cell}, '[^0-9]', '')");
        let ascii = |doubts: &mut Vec<String>| doubts.push(format!("NOT {}", fits(&cell, "[ -~]*")));
        let value = match field {
            Field::Currency => {
                self.doubts.push(format!("{DECIMALS} IS NULL"));
                cell
            }
            Field::Direction => {
                ascii(&mut self.doubts);
                format!("UPPER({cell})")
            }
            Field::Status => {
                let listed: Vec<String> = (input.mapping.statuses.iter())
                    .map(|(from, to)| format!("WHEN {cell} = {} THEN {}", literal(from), literal(to)))
                    .collect();
                let known = literals(input.mapping.statuses.keys().map(String::as_str));
                let plain = fits(&cell, "[ -~]*");
                if listed.is_empty() {
                    self.doubts.push(format!("NOT {plain}"));
                    format!("UPPER({cell})")
                } else {
                    self.doubts.push(format!("NOT ({cell} IN ({known}) OR {plain})"));
                    format!("CASE {} ELSE UPPER({cell}) END", listed.join(" "))
                }
            }
            Field::PaymentStatus => {
                format!("CASE WHEN {} THEN 'UNPAID' ELSE {cell} END", fits(&cell, "[Pp][Ee][Nn][Dd][Ii][Nn][Gg]"))
            }
            Field::CardFirstSix => format!("NULLIF(SUBSTRING({digits}, 1, 6), '')"),
            Field::CardLastFour => format!("NULLIF(RIGHT({digits}, 4), '')"),
            _ => cell,
        };
        self.by_field.insert(field, Value::Text(value));
    }

    fn amount(&mut self, field: Field, column: &Column, sign: Sign) {
        let cell = raw(field);
        let decimals = match column.unit {
            Unit::Minor => "0".to_owned(),
            Unit::Major => DECIMALS.to_owned(),
        };
        let fraction = format!("REGEXP_EXTRACT({cell}, '^-?[0-9]+[.]?([0-9]*)\\\\z', 1)");
        let counted = format!("LENGTH(REGEXP_REPLACE({fraction}, '0+\\\\z', ''))");
        let plain = fits(&cell, &format!("-?[0-9]{{1,{WHOLE_DIGITS}}}([.][0-9]{{1,9}})?"));
        self.doubts.push(format!("NOT ({plain} AND {counted} <= {decimals})"));
        // Of a row in doubt, too, the number must be one that can be turned: some clusters refuse a query that overflows.
        let written = format!(
            "TRY_CAST(REGEXP_EXTRACT({cell}, '^(-?[0-9]{{1,{WHOLE_DIGITS}}})', 1) || RPAD(SUBSTRING({fraction}, 1, {decimals}), {decimals}, '0') AS BIGINT)"
        );
        let minor = match sign {
            Sign::Signed => written,
            Sign::Inverted => format!("-{written}"),
            Sign::Unsigned => {
                // Of a minus that says nothing the report tells: these rows are counted here.
                self.doubts.push(format!("{cell} LIKE '-%'"));
                let (direction, status) = (self.text_of(Field::Direction), self.text_of(Field::Status));
                let back = any_of(&[
                    surely(&format!("{direction} = 'CREDIT'")),
                    surely(&format!("{status} IN ('RETURNED', 'REVERSED', 'CLAWBACK')")),
                ]);
                format!("CASE WHEN {back} THEN -{written} ELSE {written} END")
            }
        };
        self.by_field.insert(field, Value::Number(minor));
    }

    fn time(&mut self, field: Field, column: &Column, period: &Period) -> Result<(), Unfit> {
        let cell = raw(field);
        let seconds = times::seconds(field, &column.time, &cell, period)?;
        self.doubts.push(format!("({cell} IS NOT NULL AND {seconds} IS NULL)"));
        self.by_field.insert(field, Value::Number(seconds));
        Ok(())
    }

    fn date(&mut self, field: Field, column: &Column) -> Result<(), Unfit> {
        if !matches!(column.time, TimeFormat::Iso { .. }) {
            return Err(told(field, "is a date that is written by a pattern of its own"));
        }
        let cell = raw(field);
        self.doubts.push(format!("NOT {}", fits(&cell, times::DAY)));
        self.by_field.insert(field, Value::Text(cell));
        Ok(())
    }
}

/// The name of a field's cell.
pub(super) fn raw(field: Field) -> String {
    format!("r_{}", field.name())
}

fn told(field: Field, what: &str) -> Unfit {
    Unfit::job(format!("`{}` {what}", field.name()))
}

/// How the decimals of the row's currency are called.
const DECIMALS: &str = "decimals";

/// The decimals of the row's currency, a column beside the cells; null for what is none.
pub(super) fn decimals() -> String {
    let mut by_decimals: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    let letters = || 'A'..='Z';
    for first in letters() {
        for (second, third) in letters().flat_map(|second| letters().map(move |third| (second, third))) {
            let code = String::from_iter([first, second, third]);
            if let Some(decimals) = money::exponent(&code) {
                by_decimals.entry(decimals).or_default().push(code);
            }
        }
    }
    let cases: Vec<String> = (by_decimals.iter())
        .map(|(decimals, codes)| {
            let codes = literals(codes.iter().map(String::as_str));
            format!("WHEN {} IN ({codes}) THEN {decimals}", raw(Field::Currency))
        })
        .collect();
    format!("CASE {} END AS {DECIMALS}", cases.join(" "))
}
