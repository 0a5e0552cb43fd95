//! The first sheet: the verdict, the tie-out, the breaks by kind, every row's outcome.

use rust_xlsxwriter::{Formula, Worksheet, XlsxError, utility};

use super::super::amount::{count, decimals, format_minor};
use super::super::definitions::period_in_words;
use super::super::effects::by_state;
use super::super::facts::Facts;
use super::super::seals;
use super::super::sent::by_fate;
use super::super::table::Value;
use super::super::totals::{by_risk, by_size, kind_words, measure_words};
use super::super::verdict::verdict;
use super::cells::{Page, Styles, page_setup, put, put_amount, put_link, put_text, sums_exactly};
use super::links::{self, Links};
use crate::breaks::{Bridge, RowAccount};
use crate::effects::words::state_name_words;
use crate::text::size_in_words;

/// The columns of amounts: beside what they are amounts of.
const AMOUNT: u16 = 2;
/// The last column.
const LAST: u16 = 5;

pub(super) fn write(sheet: &mut Worksheet, facts: &Facts, styles: &Styles) -> Result<(), XlsxError> {
    sheet.set_name("Summary")?;
    page_setup(sheet, facts);
    for (col, width) in (0_u16..).zip([56.0, 13.0, 17.0, 13.0, 19.0, 54.0]) {
        sheet.set_column_width(col, width)?;
    }
    sheet.set_screen_gridlines(false);
    sheet.set_row_height(0, 24)?;
    let mut page = Page::new(sheet, styles);
    heading(&mut page, facts)?;
    bridges(&mut page, facts)?;
    kinds(&mut page, facts)?;
    sent(&mut page, facts)?;
    effects(&mut page, facts)?;
    gates(&mut page, facts)?;
    rows(&mut page, facts)?;
    left_out(&mut page, facts)?;
    notes(&mut page, facts)
}

fn heading(page: &mut Page<'_>, facts: &Facts) -> Result<(), XlsxError> {
    let styles = page.styles;
    page.line(&super::title(facts), &styles.title)?;
    let run_time = facts.run.run_time.format("%Y-%m-%d %H:%M:%S UTC");
    page.line(&format!("Period {}", period_in_words(facts)), &styles.note)?;
    page.line(&format!("Run {} of {run_time}", facts.run.id), &styles.note)?;
    if let Some(address) = Links::new(facts).run() {
        put_link(page.sheet, page.row, 0, ("The run's page", &address), styles)?;
        page.row += 1;
    }
    if facts.run.sandbox {
        page.line("SANDBOX: the provider was simulated, these are not real transactions", &styles.bold)?;
    }
    if let Some(headline) = seals::headline(facts) {
        page.line(&headline, &styles.bold)?;
        page.line(seals::MEANING, &styles.note)?;
    }
    for text in [&facts.job.description, &facts.run.note].into_iter().flatten() {
        page.line(text, &styles.note)?;
    }
    page.row += 1;
    let verdict = verdict(facts);
    let format = styles.verdict(verdict.tone);
    for col in 1..=LAST {
        page.sheet.write_blank(page.row, col, &format)?;
    }
    page.line(&verdict.headline, &format)?;
    for sentence in verdict.sentences.iter().chain(&verdict.to_review) {
        page.line(sentence, &styles.text)?;
    }
    Ok(())
}

fn bridges(page: &mut Page<'_>, facts: &Facts) -> Result<(), XlsxError> {
    page.section("Tie-out: from one side's total to the other's")?;
    if facts.statement.bridges.is_empty() {
        let styles = page.styles;
        return page.line("No totals: no side states an amount.", &styles.note);
    }
    page.line("Lines that begin with \"break\" are open differences; all others are explained.", &page.styles.note)?;
    page.heads(&["Line", ">Items", ">Amount", "Currency", "Measure", "From and to"])?;
    by_size(&facts.statement.bridges).into_iter().try_for_each(|found| bridge(page, facts, found))
}

fn bridge(page: &mut Page<'_>, facts: &Facts, bridge: &Bridge) -> Result<(), XlsxError> {
    let (from, to) = (facts.total_words(bridge.left), facts.total_words(bridge.right));
    let way = format!("{from} to {to}");
    let name = format!("{} {}, {way}", bridge.currency, measure_words(bridge.measure));
    page.line(&name, &page.styles.bold)?;
    let first = page.row;
    bridge_line(page, (bridge, &way), &format!("Total of {from}"), None, bridge.left_total_minor)?;
    for line in &bridge.lines {
        bridge_line(page, (bridge, &way), &line.label, Some(line.count), line.amount_minor)?;
    }
    bridge_line(page, (bridge, &way), &format!("Total of {to}"), None, bridge.right_total_minor)?;
    residual(page, bridge, first)
}

fn bridge_line(
    page: &mut Page<'_>,
    (bridge, way): (&Bridge, &str),
    label: &str,
    count: Option<u64>,
    minor: i128,
) -> Result<(), XlsxError> {
    page.cells(&[
        Value::text(label),
        count.map_or(Value::Empty, Value::count),
        Value::amount(minor, &bridge.currency),
        Value::text(&bridge.currency),
        Value::text(measure_words(bridge.measure)),
        Value::text(way),
    ])
}

/// The rest that no line explains, computed by the sheet itself where its digits suffice.
fn residual(page: &mut Page<'_>, bridge: &Bridge, first: u32) -> Result<(), XlsxError> {
    let (styles, row) = (page.styles, page.row);
    let decimals = decimals(&bridge.currency);
    put_text(page.sheet, row, 0, "Unexplained (must be zero)", &styles.bold)?;
    let amounts = bridge.lines.iter().map(|line| line.amount_minor);
    if sums_exactly(amounts.chain([bridge.left_total_minor, bridge.right_total_minor, bridge.residual_minor])) {
        let name = utility::column_number_to_name(AMOUNT);
        // Rows of a sheet count from one; the right total stands just above this row.
        let formula = format!("=ROUND(SUM({name}{}:{name}{})-{name}{row},{decimals})", first + 1, row - 1);
        let formula = Formula::new(formula).set_result(format_minor(bridge.residual_minor, decimals));
        page.sheet.write_formula_with_format(row, AMOUNT, formula, styles.total(decimals))?;
    } else {
        put_amount(page.sheet, row, AMOUNT, (bridge.residual_minor, decimals), styles.total(decimals), styles)?;
    }
    page.row += 2;
    Ok(())
}

fn kinds(page: &mut Page<'_>, facts: &Facts) -> Result<(), XlsxError> {
    page.section("Breaks by kind")?;
    let totals = by_risk(facts);
    if totals.is_empty() {
        let styles = page.styles;
        return page.line("No breaks.", &styles.note);
    }
    page.heads(&["Kind", ">Breaks", ">At risk", "Currency", "Measure", "What it means"])?;
    for total in totals {
        let first = [
            Value::text(kind_words(total.kind)),
            Value::count(total.count),
            Value::Empty,
            Value::Empty,
            Value::Empty,
            Value::text(total.kind.words()),
        ];
        if total.at_risk.is_empty() {
            page.cells(&first)?;
        }
        for (index, ((currency, measure), minor)) in total.at_risk.iter().enumerate() {
            let mut cells = if index == 0 { first.clone() } else { [const { Value::Empty }; 6] };
            cells[2] = Value::amount(*minor, currency);
            cells[3] = Value::text(currency);
            cells[4] = Value::text(measure_words(*measure));
            page.cells(&cells)?;
        }
    }
    let all = facts.breaks.len() as u64;
    put_text(page.sheet, page.row, 0, "All breaks", &page.styles.bold)?;
    put(page.sheet, page.row, 1, &Value::count(all), page.styles)?;
    page.row += 1;
    Ok(())
}

fn effects(page: &mut Page<'_>, facts: &Facts) -> Result<(), XlsxError> {
    let Some(effects) = &facts.effects else { return Ok(()) };
    let styles = page.styles;
    page.section(if facts.is_sending() {
        "Effects: each parcel is one, sent until its outcome is known"
    } else {
        "Effects: what is asked of the provider because of the breaks"
    })?;
    let totals = by_state(effects);
    if totals.is_empty() {
        return page.line("Nothing is asked for this period.", &styles.note);
    }
    page.heads(&["What, and where it stands", ">Effects", ">At risk", "Currency"])?;
    for total in totals {
        let name = format!("{}, {}", total.kind.words(2), state_name_words(total.state));
        if total.at_risk.is_empty() {
            page.cells(&[Value::text(&*name), Value::count(total.count)])?;
        }
        for (index, (currency, minor)) in total.at_risk.iter().enumerate() {
            let first = index == 0;
            page.cells(&[
                if first { Value::text(&*name) } else { Value::Empty },
                if first { Value::count(total.count) } else { Value::Empty },
                Value::amount(*minor, currency),
                Value::text(currency),
            ])?;
        }
    }
    Ok(())
}

/// What a job has sent: each kind and fate, with a line for each currency.
fn sent(page: &mut Page<'_>, facts: &Facts) -> Result<(), XlsxError> {
    let Some(parcels) = &facts.sent else { return Ok(()) };
    let styles = page.styles;
    page.section("Sent: each parcel stands on the sheet of that name")?;
    if parcels.is_empty() {
        return page.line("The source holds nothing to send.", &styles.note);
    }
    page.heads(&["What, and what became of it", ">Parcels", ">Sum", "Currency", ">Rows", "Size"])?;
    for total in by_fate(parcels) {
        let mut cells = [
            Value::text(format!("{}, {}", total.kind.words(2), total.fate.words())),
            Value::count(total.parcels),
            Value::Empty,
            Value::Empty,
            Value::count(total.rows),
            Value::text(size_in_words(total.bytes)),
        ];
        if total.totals_minor.is_empty() {
            page.cells(&cells)?;
        }
        for (currency, minor) in &total.totals_minor {
            cells[2] = Value::amount(*minor, currency);
            cells[3] = Value::text(currency.clone());
            page.cells(&cells)?;
            // What counts the parcels stands once.
            cells = [const { Value::Empty }; 6];
        }
    }
    Ok(())
}

fn gates(page: &mut Page<'_>, facts: &Facts) -> Result<(), XlsxError> {
    page.section("Gates: the limits that the job declares")?;
    if facts.gates.is_empty() {
        let styles = page.styles;
        return page.line("The job declares none.", &styles.note);
    }
    page.heads(&["Gate", ">Limit", ">Found", "Outcome"])?;
    for gate in &facts.gates {
        page.cells(&[
            Value::text(&gate.gate),
            Value::Empty,
            Value::Empty,
            Value::text(if gate.breached { "breached" } else { "kept" }),
        ])?;
        for (col, text) in [(1, &gate.limit), (2, &gate.found)] {
            put_text(page.sheet, page.row - 1, col, text, &page.styles.right)?;
        }
    }
    Ok(())
}

/// One row's reading of an account.
type Outcome = (&'static str, fn(&RowAccount) -> Value<'static>);

const OUTCOMES: [Outcome; 8] = [
    ("Read", |rows| Value::count(rows.read)),
    ("Matched", |rows| Value::count(rows.matched)),
    ("    of these suggested by a weaker rule", |rows| Value::count(rows.suggested)),
    ("Expected (not yet due)", |rows| Value::count(rows.expected)),
    ("In breaks", |rows| Value::count(rows.breaks)),
    ("Quarantined (could not be read)", |rows| Value::count(rows.quarantined)),
    ("Excluded from the comparison", |rows| Value::count(rows.excluded)),
    ("Unaccounted for (must be zero)", |rows| Value::Count(rows.unaccounted)),
];

/// The same for a job that sends.
const OUTCOMES_OF_SENDING: [Outcome; 7] = [
    ("Read", |rows| Value::count(rows.read)),
    ("Accepted by Kard", |rows| Value::count(rows.matched)),
    ("Still to be sent, or to be confirmed", |rows| Value::count(rows.expected)),
    ("In breaks, refused or in doubt", |rows| Value::count(rows.breaks)),
    ("Quarantined (do not fit)", |rows| Value::count(rows.quarantined)),
    ("Excluded (repeated, or not to be sent)", |rows| Value::count(rows.excluded)),
    ("Unaccounted for (must be zero)", |rows| Value::Count(rows.unaccounted)),
];

fn rows(page: &mut Page<'_>, facts: &Facts) -> Result<(), XlsxError> {
    let accounts = &facts.statement.rows;
    let outcomes: &[Outcome] = if facts.is_sending() { &OUTCOMES_OF_SENDING } else { &OUTCOMES };
    page.section("Rows: each in exactly one outcome")?;
    let sides: Vec<String> = accounts.iter().map(|rows| format!(">{}", facts.rows_words(rows.side))).collect();
    let mut heads = vec!["Outcome"];
    heads.extend(sides.iter().map(String::as_str));
    page.heads(&heads)?;
    for (label, read) in outcomes {
        let mut cells = vec![Value::text(*label)];
        cells.extend(accounts.iter().map(read));
        page.cells(&cells)?;
    }
    Ok(())
}

fn left_out(page: &mut Page<'_>, facts: &Facts) -> Result<(), XlsxError> {
    if !facts.excluded.is_empty() {
        page.section(if facts.is_sending() { "Rows that are not sent" } else { "Rows excluded from the comparison" })?;
        page.heads(&["Reason", ">Rows", "Side"])?;
        for excluded in &facts.excluded {
            let side = Value::text(facts.rows_words(excluded.side));
            page.cells(&[Value::text(&excluded.reason), Value::count(excluded.rows), side])?;
        }
    }
    if !facts.expected.is_empty() {
        let (section, items) = if facts.is_sending() {
            ("Waiting, and not yet a break", ">Rows")
        } else {
            ("Expected: one-sided and not yet a break", ">Keys")
        };
        page.section(section)?;
        page.heads(&["Reason", items])?;
        for (reason, keys) in &facts.expected {
            page.cells(&[Value::text(reason), Value::count(*keys)])?;
        }
    }
    Ok(())
}

fn notes(page: &mut Page<'_>, facts: &Facts) -> Result<(), XlsxError> {
    let styles = page.styles;
    if !facts.warnings.is_empty() {
        page.section("Warnings")?;
        for warning in &facts.warnings {
            page.line(&warning.message, &styles.text)?;
        }
    }
    let linked = usize::try_from(links::MOST_ROWS).unwrap_or(usize::MAX);
    if facts.run.pages.is_some() && facts.breaks.len() > linked {
        page.section("Links")?;
        let rows = count(links::MOST_ROWS.into());
        page.line(
            &format!("The first {rows} rows of a sheet link to their pages: Excel takes no more."),
            &styles.text,
        )?;
    }
    if let Some(changes) = &facts.changes {
        page.section("What changed")?;
        let (new, gone) = (count(changes.new_breaks), count(changes.gone_breaks));
        page.line(&format!("Since attempt {}: {new} new breaks, {gone} gone.", changes.against_attempt), &styles.text)?;
        if changes.inputs_unchanged {
            page.line("The inputs and the job file are unchanged.", &styles.text)?;
        }
        for name in &changes.changed_inputs {
            page.line(&format!("Changed input: {name}"), &styles.text)?;
        }
    }
    Ok(())
}
