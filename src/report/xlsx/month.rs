//! The sheets of a closed month: Receivable with the ageing, and Roll-forward.

use rust_xlsxwriter::{Formula, Workbook, Worksheet, XlsxError, utility};

use super::super::amount::{decimals, format_minor};
use super::super::facts::Facts;
use super::super::month::{StatementRow, bucket_words, counted_in_words, fronted, notes};
use super::super::table::Value;
use super::cells::{Page, Styles, page_setup, put, put_amount, put_text, sums_exactly};
use crate::month::MonthFacts;
use crate::month::facts::{Counted, DayLine, Owed, RollForward};

pub(super) fn write(book: &mut Workbook, facts: &Facts, styles: &Styles) -> Result<(), XlsxError> {
    let Some(month) = &facts.month else { return Ok(()) };
    write_receivable(book.add_worksheet(), facts, month, styles)?;
    match &month.roll_forward {
        Some(found) => write_roll_forward(book.add_worksheet(), facts, found, styles),
        None => Ok(()),
    }
}

/// A measure's name, and how it is read.
type Reading = (&'static str, fn(Owed) -> i128);

/// What stands in a currency's columns after its items.
const READINGS: [Reading; 3] = [
    ("issuer commission", |owed| owed.issuer_commission_minor),
    ("user reward", |owed| owed.user_reward_minor),
    ("total", |owed| owed.total_minor()),
];

fn write_receivable(
    sheet: &mut Worksheet,
    facts: &Facts,
    month: &MonthFacts,
    styles: &Styles,
) -> Result<(), XlsxError> {
    sheet.set_name("Receivable")?;
    page_setup(sheet, facts);
    sheet.set_column_width(0, 44.0)?;
    let mut page = Page::new(sheet, styles);
    page.line(&format!("Receivable: what Kard owes at the end of {}", facts.period.label), &styles.title)?;
    page.line("The transactions behind each number stand in receivable.csv.", &styles.note)?;
    for note in notes(month) {
        page.line(&note, &styles.note)?;
    }
    page.row += 1;
    if month.receivable.is_empty() {
        return page.line("Nothing is owed, and nothing was.", &styles.note);
    }
    statement(&mut page, month)?;
    let mut fronted = fronted(month);
    fronted.replace_range(..1, &fronted[..1].to_uppercase());
    page.row += 1;
    page.line(&fronted, &styles.text)?;
    ageing(&mut page, month)
}

fn statement(page: &mut Page<'_>, month: &MonthFacts) -> Result<(), XlsxError> {
    let mut heads = vec!["Line".to_owned()];
    for one in &month.receivable {
        heads.push(format!(">{} items", one.currency));
        heads.extend(READINGS.iter().map(|(name, _)| format!(">{} {name}", one.currency)));
    }
    for col in (1_u16..).take(heads.len() - 1) {
        page.sheet.set_column_width(col, if col % 4 == 1 { 11.0 } else { 17.0 })?;
    }
    page.heads(&heads.iter().map(String::as_str).collect::<Vec<_>>())?;
    let first = page.row;
    let rows: Vec<StatementRow> = StatementRow::all(month).collect();
    for row in rows.iter().copied() {
        let format = if row.is_balance() { &page.styles.bold } else { &page.styles.text };
        put_text(page.sheet, page.row, 0, row.words(), format)?;
        for (col, one) in (1_u16..).step_by(4).zip(&month.receivable) {
            let (items, owed) = row.of(one);
            if let Some(items) = items {
                put(page.sheet, page.row, col, &Value::count(items), page.styles)?;
            }
            for (col, (_, reading)) in (col + 1..).zip(READINGS) {
                let all: Vec<i128> = rows.iter().map(|row| reading(row.of(one).1)).collect();
                amount(page, (first, col), (row, &rows), (reading(owed), &one.currency), &all)?;
            }
        }
        page.row += 1;
    }
    Ok(())
}

/// One amount; what the lines leave over is computed by the sheet itself where its digits suffice.
fn amount(
    page: &mut Page<'_>,
    (first, col): (u32, u16),
    (row, rows): (StatementRow, &[StatementRow]),
    (minor, currency): (i128, &str),
    all: &[i128],
) -> Result<(), XlsxError> {
    let decimals = decimals(currency);
    let styles = page.styles;
    let format = if row.is_balance() { styles.total(decimals) } else { styles.amount(decimals) };
    if row != StatementRow::Unexplained || !sums_exactly(all.iter().copied()) {
        return put_amount(page.sheet, page.row, col, (minor, decimals), format, styles);
    }
    let closing = rows.iter().position(|row| *row == StatementRow::Closing).unwrap_or_default();
    let closing = first + u32::try_from(closing).expect("a statement has some dozens of rows");
    let name = utility::column_number_to_name(col);
    // Rows of a sheet count from one: `closing` is the last row above the closing balance.
    let formula = format!("=ROUND(SUM({name}{}:{name}{closing})-{name}{},{decimals})", first + 1, closing + 1);
    let formula = Formula::new(formula).set_result(format_minor(minor, decimals));
    page.sheet.write_formula_with_format(page.row, col, formula, format)?;
    Ok(())
}

pub(super) fn ageing(page: &mut Page<'_>, month: &MonthFacts) -> Result<(), XlsxError> {
    page.section("Ageing of the closing balance, by days from settlement to the month's end")?;
    page.heads(&["Age", ">Items", ">Owed", ">Items past terms", ">Past terms", "Currency"])?;
    for bucket in &month.ageing {
        page.cells(&[
            Value::text(bucket_words(bucket)),
            Value::count(bucket.items),
            Value::amount(bucket.owed.total_minor(), &bucket.currency),
            Value::count(bucket.past_terms_items),
            Value::amount(bucket.past_terms.total_minor(), &bucket.currency),
            Value::text(&bucket.currency),
        ])?;
    }
    Ok(())
}

/// A name, and how it is read.
type CountedOf = (&'static str, fn(&DayLine) -> Counted);

/// What is counted of a day.
const COUNTED: [CountedOf; 6] = [
    ("Settled", |line| line.items),
    ("In the month", |line| line.in_month),
    ("Not in the month", |line| line.missing),
    ("Clawed back", |line| line.clawed_back),
    ("Not due", |line| line.waiting),
    ("Restated", |line| line.restated),
];

fn write_roll_forward(
    sheet: &mut Worksheet,
    facts: &Facts,
    found: &RollForward,
    styles: &Styles,
) -> Result<(), XlsxError> {
    sheet.set_name("Roll-forward")?;
    page_setup(sheet, facts);
    sheet.set_column_width(0, 14.0)?;
    let mut page = Page::new(sheet, styles);
    page.line(&format!("Roll-forward: {} held against the month's file", found.dailies), &styles.title)?;
    for (what, counted) in [
        ("Newly settled in the month and in no daily file", &found.not_in_dailies),
        ("Newly settled, and in no daily file that could have it yet", &found.not_compared),
    ] {
        if let Some(words) = counted_in_words(counted) {
            page.line(&format!("{what}: {words}."), &styles.text)?;
        }
    }
    page.row += 1;
    let mut heads = vec!["Day".to_owned(), "Currency".to_owned(), ">Rows".to_owned(), ">Repeated".to_owned()];
    for (name, _) in COUNTED {
        heads.extend([format!(">{name}: items"), format!(">{name}")]);
    }
    for col in (4_u16..).take(heads.len() - 4) {
        page.sheet.set_column_width(col, if col % 2 == 0 { 11.0 } else { 15.0 })?;
    }
    page.heads(&heads.iter().map(String::as_str).collect::<Vec<_>>())?;
    for line in &found.days {
        page.cells(&cells(line, &line.day))?;
    }
    found.totals.iter().try_for_each(|total| page.cells(&cells(total, "All days")))
}

fn cells<'a>(line: &'a DayLine, name: &'a str) -> Vec<Value<'a>> {
    let mut cells = vec![Value::text(name)];
    if !line.is_there {
        cells.push(Value::text("no file"));
        return cells;
    }
    cells.extend([Value::text(&line.currency), Value::count(line.rows), Value::count(line.repeated_rows)]);
    for (_, read) in COUNTED {
        let counted = read(line);
        cells.extend([Value::count(counted.items), Value::amount(counted.owed.total_minor(), &line.currency)]);
    }
    cells
}
