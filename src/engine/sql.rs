//! A plan as SQL. Two questions are asked: how many lines each part of each file has, since parts are read side by side,
//! and then what is surely clean. Every predicate is true only where `matching` would say the same of the rows as they are
//! read here:
//!
//! - A key is *clean* when each side states it in exactly one row without doubt, and of these rows (as `agree::is_clean`
//!   asks) currencies are the same, compared measures lie within their tolerance, statuses agree, identities and validities
//!   do not differ, the file has not failed, nothing is open past its end, and nothing about the status needs folding. It
//!   lies in the period as `group::is_outside` says.
//! - A key is *outside* when none of its rows is in doubt, each one that the file states has a time, some row has one, and
//!   none lies in the period.
//! - A row is *filtered* when its values are without doubt and `where` does not select it.
//! - All other rows are *left*: their places come back, each with its key.
//!
//! A row in doubt takes part in the key that it seems to state, so that its key is left with all of its rows. A line whose
//! key cannot be told at all makes the file odd, and the comparison is made here.

use std::fmt::Write as _;

use super::plan::{Plan, PlannedFile};
use super::text::{NO_TEXT, all_of, any_of, literal, literals, surely};
use super::values::{decimals, raw};
use crate::frames::sifted::KEY_CHARS;
use crate::frames::{Field, Measure, Side};
use crate::job::Splits;
use crate::matching::agree::PAIRS;

/// Lines of one part of a file are numbered from 0 in the low bits, parts in those above.
pub(super) const PART_BITS: u32 = 33;

/// What is stated by two, by the first or by the second of a pair.
pub(super) const STATED: [&str; 3] = ["both", "first", "second"];

/// Asks for one truth: whether patterns, escapes, cuts and nulls mean what they mean here.
pub fn probe() -> String {
    let truths = [
        "'a\\\\b' RLIKE '^a\\\\\\\\b\\\\z'",
        "NOT ('USD\\n' RLIKE '^USD\\\\z')",
        "'a\\tb' RLIKE '\\\\p{Cc}'",
        "LENGTH('\\r') = 1",
        "SIZE(SPLIT('a|b||', '[|]', -1)) = 4",
        "GET(SPLIT('a|b', '[|]', -1), 5) IS NULL",
        "TRIM(BOTH ' ' FROM ' a\\t ') = 'a\\t'",
        "RPAD(SUBSTRING('567', 1, 2), 2, '0') = '56'",
        "RPAD('', 0, '0') = ''",
        "TRY_CAST('-0' || '50' AS BIGINT) = -50",
        "TRY_CAST('x' AS BIGINT) IS NULL",
        "DATEDIFF(TRY_CAST('2025-03-19' AS DATE), CAST('1970-01-01' AS DATE)) = 20166",
        "SUBSTRING('\u{e9}\u{1f600}ab', 1, 3) = '\u{e9}\u{1f600}a'",
        "REGEXP_EXTRACT('12.50', '^-?[0-9]+[.]?([0-9]*)\\\\z', 1) = '50'",
        "RIGHT('ab', 4) = 'ab'",
        "NOT COALESCE(CAST(NULL AS STRING) = 'a', FALSE)",
        "SHIFTRIGHT(CAST(8589934593 AS BIGINT), 33) = 1",
        "'a' <> 'A'",
        "'\u{e9}' <> 'e\u{301}'",
    ];
    format!("SELECT CAST({} AS STRING)", truths.join(" AND "))
}

impl Plan {
    /// Makes the files known to the session, each under a name.
    pub fn views(&self) -> Vec<String> {
        let view = |(place, file): (usize, &PlannedFile)| {
            format!(
                "CREATE OR REPLACE TEMPORARY VIEW {} USING text OPTIONS (path {}, lineSep '\\n')",
                name(place),
                literal(&file.location)
            )
        };
        self.files.iter().enumerate().map(view).collect()
    }

    /// Of each part of each file: side, file, part, lines, odd lines.
    pub fn survey(&self) -> String {
        let one = |(place, file): (usize, &PlannedFile)| {
            format!(
                "SELECT {side} AS side, {number} AS file_no, SHIFTRIGHT(id, {PART_BITS}) AS part, COUNT(*) AS n,\n  \
                 SUM(CASE WHEN {row} AND {odd} THEN 1 ELSE 0 END) AS odd\nFROM (\n{parts}\n)\n\
                 GROUP BY SHIFTRIGHT(id, {PART_BITS})",
                side = file.side as u8,
                number = file.file,
                row = file.lines.is_row(),
                odd = file.lines.odd(&file.key_names),
                parts = file.parted(place),
            )
        };
        let all: Vec<String> = self.files.iter().enumerate().map(one).collect();
        all.join("\nUNION ALL\n")
    }

    /// Counts and sums of all rows that are not left: verdict, side, file, currency, rows, and [`Self::sums`].
    pub fn sure(&self) -> String {
        let mut sums = String::new();
        for (_, column) in self.sums() {
            let _ = write!(sums, ",\n  CAST(SUM({column}) AS STRING)");
        }
        format!(
            "{judged}SELECT verdict, CAST(side AS STRING), CAST(file_no AS STRING), currency, \
             CAST(COUNT(*) AS STRING){sums}\nFROM judged\nWHERE verdict <> 'left'\n\
             GROUP BY verdict, side, file_no, currency",
            judged = self.judged(),
        )
    }

    /// The rows that are left: side, file, number, the key's beginning.
    pub fn left(&self) -> String {
        format!(
            "{}SELECT CAST(side AS STRING), CAST(file_no AS STRING), CAST(id AS STRING), SUBSTRING(k, 1, {KEY_CHARS})\n\
             FROM judged\nWHERE verdict = 'left'",
            self.judged()
        )
    }

    /// Every row with its verdict. Whatever is asked of it names the verdict once: an optimiser puts the whole of it
    /// wherever it stands.
    fn judged(&self) -> String {
        let rows: Vec<String> = self.files.iter().enumerate().map(|(place, file)| file.rows(place, self)).collect();
        format!(
            "WITH stated AS (\n{rows}\n),\nkeyed AS (\nSELECT *,\n  {of_key}\nFROM stated\n),\n\
             judged AS (\nSELECT *,\n  {verdict} AS verdict\nFROM keyed\n)\n",
            rows = rows.join("\nUNION ALL\n"),
            of_key = self.of_key().join(",\n  "),
            verdict = self.verdict(),
        )
    }

    /// The sums behind the first five columns of [`Self::sure`], by name.
    pub(super) fn sums(&self) -> Vec<(String, String)> {
        let mut sums = Vec::new();
        for measure in Measure::ALL {
            let column = format!("m{}", measure as u8);
            sums.push((format!("sum_{column}"), format!("CAST({column} AS DECIMAL(38, 0))")));
            // Sail 0.7.2 finds none where it is asked for nulls.
            sums.push((format!("count_{column}"), format!("CASE WHEN ABS({column}) >= 0 THEN 1 ELSE 0 END")));
        }
        sums.extend(self.apart());
        sums
    }

    /// How far the sides of a key are apart, told by the row of its first side; null where they are not. Of rows that are
    /// not clean nobody asks.
    fn apart(&self) -> Vec<(String, String)> {
        let mut columns = Vec::new();
        for (place, (left, right)) in PAIRS.into_iter().enumerate() {
            if !(self.has(left) && self.has(right)) {
                continue;
            }
            for measure in Measure::ALL {
                let (a, b) = (of_side("m", left, measure as u8), of_side("m", right, measure as u8));
                let [first, second] = [&a, &b].map(|value| format!("COALESCE({value}, 0)"));
                let states =
                    |side: Side| self.files.iter().any(|file| file.side == side && file.values.has(measure.field()));
                let cases = [
                    (states(left) && states(right), format!("{a} IS NOT NULL AND {b} IS NOT NULL")),
                    (states(left), format!("{a} IS NOT NULL AND {b} IS NULL")),
                    (states(right), format!("{a} IS NULL AND {b} IS NOT NULL")),
                ];
                for (stated, (_, case)) in STATED.into_iter().zip(cases).filter(|(_, (possible, _))| *possible) {
                    let apart = format!("CASE WHEN side = {} AND {case} AND {first} <> {second}", self.first_side());
                    let name = format!("apart_{place}_{}_{stated}", measure as u8);
                    let minor = format!("{apart} THEN CAST({first} - {second} AS DECIMAL(38, 0)) END");
                    columns.push((format!("sum_{name}"), minor));
                    columns.push((format!("count_{name}"), format!("{apart} THEN 1 ELSE 0 END")));
                }
            }
        }
        columns
    }

    pub(super) fn first_side(&self) -> u8 {
        self.sides[0] as u8
    }

    /// What all rows of a key say, beside each of them.
    fn of_key(&self) -> Vec<String> {
        let over = "OVER (PARTITION BY k)";
        let count = |condition: &str| format!("SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) {over}");
        let (start, end) = self.period;
        let mut columns = vec![
            format!("{} AS doubts", count("doubt >= 2")),
            format!("{} AS inside", count(&format!("doubt <> 1 AND moment >= {start} AND moment < {end}"))),
            format!("{} AS timed", count("doubt <> 1 AND moment IS NOT NULL")),
            format!("{} AS untimed", count(&format!("doubt <> 1 AND side = {} AND moment IS NULL", Side::File as u8))),
        ];
        for side in &self.sides {
            let number = *side as u8;
            columns.push(format!("{} AS rows_{number}", count(&format!("doubt <> 1 AND side = {number}"))));
            let mut said = |name: String, value: &str| {
                let one = format!("CASE WHEN doubt = 0 AND side = {number} THEN {value} END");
                columns.push(format!("MAX({one}) {over} AS {name}"));
            };
            said(format!("currency_{number}"), "currency");
            said(format!("status_{number}"), "status");
            said(format!("at_{number}"), "moment");
            for measure in Measure::ALL {
                said(of_side("m", *side, measure as u8), &format!("m{}", measure as u8));
            }
            for place in 0..self.matching.identity.len() {
                said(of_side("x", *side, place), &format!("x{place}"));
            }
            for end in ["from", "to"] {
                said(format!("valid_{end}_{number}"), &format!("valid_{end}"));
            }
        }
        columns
    }

    fn verdict(&self) -> String {
        let watched = if self.watched.is_empty() {
            "FALSE".to_owned()
        } else {
            surely(&format!("k IN ({})", literals(self.watched.iter().map(String::as_str))))
        };
        let is_balance = self.matching.splits == Splits::Balance;
        let outside = if is_balance { "FALSE" } else { "(untimed = 0 AND timed > 0 AND inside = 0)" };
        let mut clean = vec![];
        for side in &self.sides {
            clean.push(format!("rows_{} = 1", *side as u8));
            if !self.looked_at.is_empty() {
                let among =
                    surely(&format!("status_{} IN ({})", *side as u8, literals(self.looked_at.iter().copied())));
                clean.push(format!("NOT {among}"));
            }
        }
        for (left, right) in PAIRS.into_iter().filter(|(left, right)| self.has(*left) && self.has(*right)) {
            clean.extend(self.agreeing(left, right));
        }
        if self.has(Side::File) {
            clean.extend(self.standing());
        }
        format!(
            "CASE\n    WHEN doubt = 3 THEN 'odd'\n    WHEN doubt = 1 THEN 'filtered'\n    \
             WHEN k IS NULL OR doubts > 0 OR {watched} THEN 'left'\n    WHEN {outside} THEN 'outside'\n    \
             WHEN {clean} THEN 'clean'\n    ELSE 'left'\n  END",
            clean = surely(&format!("({})", all_of(&clean))),
        )
    }

    fn has(&self, side: Side) -> bool {
        self.sides.contains(&side)
    }

    /// Two sides of one key agree.
    fn agreeing(&self, left: Side, right: Side) -> Vec<String> {
        let (l, r) = (left as u8, right as u8);
        let matching = &self.matching;
        let unless_both = |a: &str, b: &str, same: &str| format!("({a} IS NULL OR {b} IS NULL OR {same})");
        let mut same = vec![format!("currency_{l} = currency_{r}")];
        for measure in Measure::ALL {
            if let Some(tolerance) = matching.tolerance_minor(measure) {
                let (a, b) = (of_side("m", left, measure as u8), of_side("m", right, measure as u8));
                same.push(unless_both(&a, &b, &format!("ABS({a} - {b}) <= {}", tolerance.unsigned_abs())));
            }
        }
        if let Some(pairs) = &matching.status {
            let (a, b) = (format!("status_{l}"), format!("status_{r}"));
            let mut equal = vec![
                format!("{a} = {b}"),
                format!("{a} IN ('VALID', 'CLAWBACK')"),
                format!("{b} IN ('VALID', 'CLAWBACK')"),
            ];
            for (one, other) in pairs {
                let (one, other) = (literal(one), literal(other));
                equal.push(format!("({a} = {one} AND {b} = {other})"));
                equal.push(format!("({a} = {other} AND {b} = {one})"));
            }
            same.push(unless_both(&a, &b, &any_of(&equal)));
        }
        for (place, field) in matching.identity.iter().enumerate() {
            if *field == Field::Merchant && (left == Side::Webhooks || right == Side::Webhooks) {
                continue;
            }
            let (a, b) = (of_side("x", left, place), of_side("x", right, place));
            same.push(unless_both(&a, &b, &format!("{a} = {b}")));
        }
        if matching.validity {
            for end in ["from", "to"] {
                let (a, b) = (format!("valid_{end}_{l}"), format!("valid_{end}_{r}"));
                same.push(unless_both(&a, &b, &format!("{a} = {b}")));
            }
        }
        if matching.splits != Splits::Balance && (left, right) == (Side::File, Side::Ledger) {
            let (a, b) = (format!("at_{l}"), format!("at_{r}"));
            let (start, end) = self.period;
            let near = match matching.date_tolerance {
                // What lies below seconds may add up to one.
                Some(tolerance) => format!("ABS({a} - {b}) + 1 <= {}", tolerance.num_seconds()),
                None => format!("({a} >= {start} AND {a} < {end}) = ({b} >= {start} AND {b} < {end})"),
            };
            same.push(unless_both(&a, &b, &near));
        }
        same
    }

    /// The file's status is none to look at by itself.
    fn standing(&self) -> Vec<String> {
        let status = format!("status_{}", Side::File as u8);
        let among = |words: &[String]| surely(&format!("{status} IN ({})", literals(words.iter().map(String::as_str))));
        let mut good = Vec::new();
        if !self.matching.failed.is_empty() {
            good.push(format!("NOT {}", among(&self.matching.failed)));
        }
        if !self.matching.open_after_end.is_empty() {
            let ends = [Side::File, Side::Ledger].into_iter().filter(|side| self.has(*side));
            let stated: Vec<String> = ends.map(|side| format!("valid_to_{} IS NOT NULL", side as u8)).collect();
            good.push(format!("NOT ({} AND {})", among(&self.matching.open_after_end), any_of(&stated)));
        }
        good
    }
}

/// Of the measure or the text with that number, what one side says.
fn of_side(what: &str, side: Side, number: impl std::fmt::Display) -> String {
    format!("{what}{number}_{}", side as u8)
}

fn name(place: usize) -> String {
    format!("tieout_{place}")
}

impl PlannedFile {
    /// Numbered lines, taken apart.
    fn parted(&self, place: usize) -> String {
        format!(
            "SELECT id, line, {parts} FROM (\n  SELECT id, {line} AS line FROM (\n    \
             SELECT MONOTONICALLY_INCREASING_ID() AS id, value FROM {name}\n  )\n)",
            parts = self.lines.parts(),
            line = self.lines.line(),
            name = name(place),
        )
    }

    /// One row a row of the file, in canonical columns.
    fn rows(&self, place: usize, plan: &Plan) -> String {
        let values = &self.values;
        let mut doubts = values.doubts.clone();
        doubts.extend(self.lines.stands_twice(&self.names).map(|_| "twice".to_owned()));
        let twice = self.lines.stands_twice(&self.names).unwrap_or_else(|| "FALSE".to_owned());
        let mut columns = vec![
            format!("{} AS side, {} AS file_no, id", self.side as u8, self.file),
            format!("{} AS k", raw(self.key)),
            format!(
                "CASE WHEN odd THEN 3 WHEN doubtful OR {} THEN 2 WHEN {} THEN 0 ELSE 1 END AS doubt",
                any_of(&doubts),
                all_of(&self.selected)
            ),
            format!("{} AS currency", values.text_of(Field::Currency)),
            format!("{} AS status", values.text_of(Field::Status)),
            format!("{} AS moment", values.number_of(Field::OccurredAt)),
        ];
        for measure in Measure::ALL {
            columns.push(format!("{} AS m{}", values.number_of(measure.field()), measure as u8));
        }
        for (place, field) in plan.matching.identity.iter().enumerate() {
            // What matching knows of a row, and no more.
            let text = if IDENTITIES.contains(field) { values.text_of(*field) } else { NO_TEXT.to_owned() };
            columns.push(format!("{text} AS x{place}"));
        }
        columns.push(format!("{} AS valid_from", values.text_of(Field::ValidFrom)));
        columns.push(format!("{} AS valid_to", values.text_of(Field::ValidTo)));
        format!(
            "SELECT {columns}\nFROM (SELECT *, {decimals} FROM (\nSELECT id, {odd} AS odd, {doubtful} AS doubtful, {twice} AS twice,\n  \
             {cells}\nFROM (\n{parts}\n) WHERE {row}\n))",
            columns = columns.join(",\n  "),
            decimals = decimals(),
            odd = surely(&self.lines.odd(&self.key_names)),
            doubtful = self.lines.doubtful(self.max_row_bytes),
            cells = values.cells.join(",\n  "),
            parts = self.parted(place),
            row = self.lines.is_row(),
        )
    }
}

/// The texts of a row that sides are told apart by.
const IDENTITIES: &[Field] = &[
    Field::User,
    Field::Merchant,
    Field::CardFirstSix,
    Field::CardLastFour,
    Field::PaymentStatus,
    Field::Currency,
    Field::Status,
    Field::Reason,
    Field::Account,
    Field::ValidFrom,
    Field::ValidTo,
];
