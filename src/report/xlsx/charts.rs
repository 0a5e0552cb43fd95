//! The sheet Charts: breaks by kind, what is at risk by them in each currency, and their ages, drawn by Excel from cells.

use std::collections::BTreeMap;

use rust_xlsxwriter::{Chart, ChartFont, Worksheet, XlsxError};

use super::super::amount::decimals;
use super::super::facts::Facts;
use super::super::table::Value;
use super::super::totals::{KindTotal, by_risk, kind_words};
use super::ageing::AgeCells;
use super::cells::{Page, Styles, page_setup};
use crate::report::ageing::BUCKETS;

/// Currencies that get a chart of their own, those with most at risk first.
const MOST_CURRENCIES: usize = 3;
/// In pixels; a sheet's row is 20 high.
const WIDTH: u32 = 640;
const ROW: u32 = 20;
/// What the title and the axes take of a chart.
const AROUND: u32 = 90;
const COLUMN_HEIGHT: u32 = 300;
/// Up to here each number has its own line in a chart.
const MOST_TICKS: u64 = 10;
/// The column where the charts stand, right of the tables.
const LEFT: u16 = 6;
const NAME: &str = "Charts";

/// `ages`: where the sheet Ageing counts open breaks; none where none is open.
pub(super) fn write(
    sheet: &mut Worksheet,
    facts: &Facts,
    ages: Option<AgeCells>,
    styles: &Styles,
) -> Result<(), XlsxError> {
    sheet.set_name(NAME)?;
    page_setup(sheet, facts);
    // No chart is cut by the end of a page.
    sheet.set_print_fit_to_pages(1, 1);
    for (col, width) in (0_u16..).zip([28.0, 10.0, 16.0, 16.0, 16.0]) {
        sheet.set_column_width(col, width)?;
    }
    sheet.set_screen_gridlines(false);
    sheet.set_row_height(0, 24)?;
    let mut page = Page::new(sheet, styles);
    page.line(&format!("Charts: {}", super::title(facts)), &styles.title)?;
    let kinds = by_risk(facts);
    if kinds.is_empty() {
        return page.line("No breaks: nothing to draw.", &styles.note);
    }
    let currencies = currencies(&kinds);
    let (first, last) = table(&mut page, &kinds, &currencies)?;
    let mut at = 2;
    let mut place = |page: &mut Page<'_>, mut chart: Chart, height: u32| {
        chart.set_width(WIDTH).set_height(height);
        let placed = page.sheet.insert_chart(at, LEFT, &chart).map(|_| ());
        at += height / ROW + 1;
        placed
    };
    // Each kind has its own line, and its name beside it.
    let high = AROUND + ROW * (last - first + 1);
    let told = "How many breaks there are of each kind, the kind with most at risk on top.";
    let mut by_kind = bars("Breaks by kind", (NAME, first, last, 1), told, 0);
    if kinds.iter().all(|kind| kind.count <= MOST_TICKS) {
        // There are no halves of breaks.
        by_kind.x_axis().set_major_unit(1.0);
    }
    place(&mut page, by_kind, high)?;
    for (col, currency) in (2_u16..).zip(&currencies) {
        let title = format!("At risk by kind, {currency}");
        let told = format!("What is at risk by the open breaks of each kind, in {currency}.");
        place(&mut page, bars(&title, (NAME, first, last, col), &told, decimals(currency)), high)?;
    }
    if let Some(AgeCells { first_row }) = ages {
        let last = first_row + u32::try_from(BUCKETS).expect("there are some buckets") - 1;
        let title = "Open breaks by age in business days";
        let mut chart = drawn(Chart::new_column(), title, ("Ageing", first_row, last, 1));
        chart.y_axis().set_num_format("#,##0");
        chart.set_alt_text("How many breaks are open, by how many business days.");
        place(&mut page, chart, COLUMN_HEIGHT)?;
    }
    let all = kinds
        .iter()
        .flat_map(|kind| kind.at_risk.keys())
        .map(|(currency, _)| currency)
        .collect::<std::collections::BTreeSet<_>>();
    if all.len() > currencies.len() {
        page.line(
            &format!("{} of {} currencies; all stand on the sheet Summary.", currencies.len(), all.len()),
            &styles.note,
        )?;
    }
    Ok(())
}

/// Those with most breaks first: amounts of different currencies cannot be compared.
fn currencies(kinds: &[KindTotal]) -> Vec<&str> {
    let mut seen = BTreeMap::<&str, u64>::new();
    for kind in kinds {
        for (currency, _) in kind.at_risk.keys().filter(|(currency, _)| crate::money::exponent(currency).is_some()) {
            *seen.entry(currency).or_default() += kind.count;
        }
    }
    let mut ordered: Vec<(&str, u64)> = seen.into_iter().collect();
    ordered.sort_by_key(|(currency, breaks)| (std::cmp::Reverse(*breaks), *currency));
    ordered.into_iter().take(MOST_CURRENCIES).map(|(currency, _)| currency).collect()
}

/// The cells that the charts are drawn from: the first and the last row.
fn table(page: &mut Page<'_>, kinds: &[KindTotal], currencies: &[&str]) -> Result<(u32, u32), XlsxError> {
    page.row += 1;
    let mut heads = vec!["Kind".to_owned(), ">Breaks".to_owned()];
    heads.extend(currencies.iter().map(|currency| format!(">At risk, {currency}")));
    page.heads(&heads.iter().map(String::as_str).collect::<Vec<_>>())?;
    let first = page.row;
    for kind in kinds {
        let mut cells = vec![Value::text(kind_words(kind.kind)), Value::count(kind.count)];
        cells.extend(currencies.iter().map(|currency| {
            // Each break counts once, in one measure.
            let of = kind.at_risk.iter().filter(|((of, _), _)| of == currency).map(|(_, minor)| *minor);
            Value::amount(of.sum(), currency)
        }));
        page.cells(&cells)?;
    }
    Ok((first, page.row - 1))
}

/// Sheet, first row, last row, and the column of the values; the names stand in the first.
type Cells<'a> = (&'a str, u32, u32, u16);

fn bars(title: &str, cells: Cells<'_>, told: &str, decimals: u8) -> Chart {
    let mut chart = drawn(Chart::new_bar(), title, cells);
    // Of bars, the axis of the names is the vertical one; otherwise its first row stands at the bottom.
    chart.y_axis().set_reverse().set_label_interval(1).set_font(ChartFont::new().set_size(9));
    let zeros = if decimals == 0 { String::new() } else { format!(".{}", "0".repeat(decimals.into())) };
    chart.x_axis().set_num_format(format!("#,##0{zeros}")).set_font(ChartFont::new().set_size(9));
    chart.set_alt_text(told);
    chart
}

fn drawn(mut chart: Chart, title: &str, (sheet, first, last, col): Cells<'_>) -> Chart {
    chart
        .add_series()
        .set_categories((sheet, first, 0, last, 0))
        .set_values((sheet, first, col, last, col))
        .set_name(title)
        .set_gap(60);
    chart.title().set_name(title);
    chart.legend().set_hidden();
    chart
}
