//! The sheet Ageing: open breaks by their age, items of other periods, and the receivable's ageing of a closed month.

use std::collections::BTreeMap;

use rust_xlsxwriter::{Formula, Worksheet, XlsxError, utility};

use super::super::ageing::{Aged, BUCKETS, Group, bucket_words, by_age};
use super::super::amount::{decimals, format_minor};
use super::super::facts::Facts;
use super::super::table::Value;
use super::super::totals::{kind_words, measure_words};
use super::cells::{Page, Styles, page_setup, put, put_amount, put_text, sums_exactly};
use super::month;

/// Groups that get a row; more are counted in one line.
const MOST_GROUPS: usize = 2_000;
/// The column of the first bucket.
const FIRST: u16 = 3;

/// Where charts find the number of open breaks of each bucket.
#[derive(Debug, Clone, Copy)]
pub(super) struct AgeCells {
    /// The row of the first bucket; its words stand in column 0, its breaks in column 1.
    pub(super) first_row: u32,
}

/// Gives nothing where no break is open.
pub(super) fn write(sheet: &mut Worksheet, facts: &Facts, styles: &Styles) -> Result<Option<AgeCells>, XlsxError> {
    sheet.set_name("Ageing")?;
    page_setup(sheet, facts);
    for (col, width) in (0_u16..).zip([30.0, 14.0, 19.0].into_iter().chain([14.0; BUCKETS + 1])) {
        sheet.set_column_width(col, width)?;
    }
    sheet.set_row_height(0, 24)?;
    let mut page = Page::new(sheet, styles);
    page.line("Ageing: what is open, and since when", &styles.title)?;
    page.line(
        "Age is counted in business days, from the last day of the period that had it first to that of this one.",
        &styles.note,
    )?;
    let groups = by_age(facts);
    let found = if groups.is_empty() {
        page.row += 1;
        page.line("No break is open.", &styles.note)?;
        None
    } else {
        let cells = all_ages(&mut page, &groups)?;
        matrix(&mut page, &groups, "Open breaks by kind and age", Shown::Breaks)?;
        matrix(&mut page, &groups, "At risk by kind and age", Shown::AtRisk)?;
        Some(cells)
    };
    carried(&mut page, facts)?;
    if let Some(closed) = facts.month.as_ref().filter(|month| !month.receivable.is_empty()) {
        month::ageing(&mut page, closed)?;
    }
    Ok(found)
}

fn all_ages(page: &mut Page<'_>, groups: &BTreeMap<Group<'_>, [Aged; BUCKETS]>) -> Result<AgeCells, XlsxError> {
    page.section("Open breaks by age")?;
    page.heads(&["Age", ">Open breaks"])?;
    let first_row = page.row;
    for bucket in 0..BUCKETS {
        let breaks = groups.values().map(|ages| ages[bucket].breaks).sum();
        page.cells(&[Value::text(bucket_words(bucket)), Value::count(breaks)])?;
    }
    put_text(page.sheet, page.row, 0, "All open breaks", &page.styles.bold)?;
    let all: u64 = groups.values().flatten().map(|aged| aged.breaks).sum();
    let formula = Formula::new(format!("=SUM(B{}:B{})", first_row + 1, page.row)).set_result(all.to_string());
    page.sheet.write_formula_with_format(page.row, 1, formula, page.styles.total(0))?;
    page.row += 1;
    Ok(AgeCells { first_row })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Breaks,
    AtRisk,
}

/// Kinds down, ages across, with the total of each row.
fn matrix(
    page: &mut Page<'_>,
    groups: &BTreeMap<Group<'_>, [Aged; BUCKETS]>,
    title: &str,
    shown: Shown,
) -> Result<(), XlsxError> {
    page.section(title)?;
    let mut heads = vec!["Kind".to_owned(), "Currency".to_owned(), "Measure".to_owned()];
    heads.extend((0..BUCKETS).map(|bucket| format!(">{}", bucket_words(bucket))));
    heads.push(">All".to_owned());
    page.heads(&heads.iter().map(String::as_str).collect::<Vec<_>>())?;
    // What is no amount of anything has nothing at risk.
    let listed = groups.iter().filter(|((.., measure), _)| shown == Shown::Breaks || measure.is_some());
    let (listed, left) = (listed.clone().take(MOST_GROUPS), listed.count().saturating_sub(MOST_GROUPS));
    for ((kind, currency, measure), ages) in listed {
        put_text(page.sheet, page.row, 0, &kind_words(*kind), &page.styles.text)?;
        if let Some(measure) = measure {
            put_text(page.sheet, page.row, 1, currency, &page.styles.text)?;
            put_text(page.sheet, page.row, 2, measure_words(*measure), &page.styles.text)?;
        }
        match shown {
            Shown::Breaks => row(page, &ages.map(|aged| i128::from(aged.breaks)), 0)?,
            Shown::AtRisk => row(page, &ages.map(|aged| aged.at_risk_minor), decimals(currency))?,
        }
    }
    if left > 0 {
        let styles = page.styles;
        page.line(&format!("{left} more groups are not listed."), &styles.note)?;
    }
    Ok(())
}

/// The cells of one group, and their sum by the sheet itself where its digits suffice.
fn row(page: &mut Page<'_>, ages: &[i128; BUCKETS], decimals: u8) -> Result<(), XlsxError> {
    let styles = page.styles;
    for (col, minor) in (FIRST..).zip(ages) {
        // An empty cell reads better than a zero.
        if *minor != 0 {
            put_amount(page.sheet, page.row, col, (*minor, decimals), styles.amount(decimals), styles)?;
        }
    }
    let last = FIRST + u16::try_from(BUCKETS).expect("there are some buckets");
    let total: i128 = ages.iter().sum();
    if sums_exactly(ages.iter().copied().chain([total])) {
        let (from, to) = (utility::column_number_to_name(FIRST), utility::column_number_to_name(last - 1));
        let row = page.row + 1;
        let formula = Formula::new(format!("=ROUND(SUM({from}{row}:{to}{row}),{decimals})"));
        let formula = formula.set_result(format_minor(total, decimals));
        page.sheet.write_formula_with_format(page.row, last, formula, styles.amount(decimals))?;
    } else {
        put_amount(page.sheet, page.row, last, (total, decimals), styles.amount(decimals), styles)?;
    }
    page.row += 1;
    Ok(())
}

/// Items of other periods, by the period that left them and by what became of them.
fn carried(page: &mut Page<'_>, facts: &Facts) -> Result<(), XlsxError> {
    let Some(carried) = &facts.carried else { return Ok(()) };
    let styles = page.styles;
    page.section("Items of other periods, by the period that left them")?;
    if carried.items.is_empty() {
        return page.line("No other period has left anything open.", &styles.note);
    }
    let mut groups = BTreeMap::<(&str, &'static str), (u64, Option<i64>)>::new();
    for one in &carried.items {
        let ages = one.breaks.iter().filter_map(|found| {
            let known = facts.lives.get(&found.id);
            known.or_else(|| facts.new_life.as_ref().filter(|_| one.is_found_here()))
        });
        let age = ages.map(|life| life.age_business_days).max();
        let group = groups.entry((&one.item.period, one.fate.words())).or_default();
        group.0 += 1;
        group.1 = group.1.max(age);
    }
    page.heads(&["Period", ">Items", "Is", ">Age in business days"])?;
    for ((period, fate), (items, age)) in groups {
        page.cells(&[Value::text(period), Value::count(items), Value::text(fate)])?;
        if let Some(age) = age {
            put(page.sheet, page.row - 1, FIRST, &Value::Count(age), styles)?;
        }
    }
    page.line("Each item stands on the sheet Carried, but for those that only wait.", &styles.note)
}
