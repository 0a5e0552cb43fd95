//! The long sheets: Breaks, Carried, Adjustments, Sent, Effects, Suggested, Quarantine, each continued where one sheet is
//! not enough.

use std::collections::BTreeMap;
use std::ops::Range;

use rust_xlsxwriter::{DataValidation, Formula, Workbook, Worksheet, XlsxError, utility};

use super::super::amount::{decimals, exponent, format_minor};
use super::super::carried;
use super::super::effects::{self, Silence};
use super::super::facts::{CarriedFacts, Facts, ParcelFacts};
use super::super::seals;
use super::super::sent;
use super::super::table::{Column, Columns, Places, Value, ValueKind, columns};
use super::cells::{Styles, lines_of, page_setup, put, put_amount, put_link, put_text, set_lines, sums_exactly};
use super::form;
use super::links::{self, Links, Subject};
use crate::breaks::{self, BreakStatus, Breaks, Suggestion};
use crate::effects::EffectsFacts;
use crate::frames::{Measure, Quarantined, Side};
use crate::seals::Adjustment;

/// Groups of currency and measure that get a totals row.
const MOST_TOTALS: usize = 1_000;

/// Takes the cells of a row.
type Row<'w> = dyn FnMut(Vec<Value<'_>>) -> Result<(), XlsxError> + 'w;

/// Amounts by currency, measure and status.
type Groups<'b> = BTreeMap<(&'b str, Measure, BreakStatus), Vec<i128>>;

/// Head, width and whether numbers stand below it.
struct Head {
    title: String,
    width: f64,
    numeric: bool,
    /// Long text goes on in the next line of its cell.
    wrapped: bool,
    /// Its text is the id of something that has a page.
    links_to: Option<Subject>,
    /// Left to the reviewer.
    to_fill: bool,
}

impl Head {
    fn new(title: &str, width: f64) -> Self {
        Self { title: title.to_owned(), width, numeric: false, wrapped: false, links_to: None, to_fill: false }
    }

    fn numeric(title: &str, width: f64) -> Self {
        Self { numeric: true, ..Self::new(title, width) }
    }

    fn wrapped(title: &str, width: f64) -> Self {
        Self { wrapped: true, ..Self::new(title, width) }
    }

    /// The columns of a list that its reviewer fills in.
    fn to_fill(list: form::List) -> Vec<Self> {
        let filled = |title: &str, width| Self { to_fill: true, ..Self::new(title, width) };
        let mut heads = vec![filled(form::DECISION, 17.0), filled(form::COMMENT, 34.0)];
        if list.can_be_assigned() {
            heads.push(filled(form::ASSIGN_TO, 18.0));
        }
        heads
    }
}

/// The lists that stand before Explained, and those after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Breaks,
    Moved,
    Explained,
}

pub(super) fn write(
    book: &mut Workbook,
    facts: &Facts,
    styles: &Styles,
    sheet_rows: usize,
    part: Part,
) -> Result<(), XlsxError> {
    let list = List { facts, styles, sheet_rows, links: Links::new(facts) };
    match part {
        Part::Breaks => write_breaks(book, &list),
        Part::Moved => write_moved(book, &list),
        Part::Explained => {
            if !facts.is_sending() {
                write_suggested(book, &list)?;
            }
            write_quarantine(book, &list)
        }
    }
}

fn write_moved(book: &mut Workbook, list: &List<'_>) -> Result<(), XlsxError> {
    let facts = list.facts;
    if let Some(carried) = &facts.carried {
        write_carried(book, list, carried)?;
    }
    if let Some(found) = &facts.sealed.adjustments {
        write_adjustments(book, list, found)?;
    }
    if let Some(parcels) = &facts.sent {
        write_sent(book, list, parcels)?;
    }
    if let Some(found) = &facts.effects {
        write_effects(book, list, found)?;
    }
    Ok(())
}

struct List<'a> {
    facts: &'a Facts,
    styles: &'a Styles,
    sheet_rows: usize,
    links: Links,
}

impl List<'_> {
    /// Writes the items to as many sheets as they need (one at least); `finish` sees each sheet
    /// with its items when its rows are written, and the first row that is free.
    fn sheets<'t, T>(
        &self,
        book: &mut Workbook,
        name: &str,
        heads: &[Head],
        items: &'t [T],
        cells: impl Fn(&'t T) -> Vec<Value<'t>>,
        finish: impl Fn(&mut Worksheet, &[T], u32) -> Result<(), XlsxError>,
    ) -> Result<(), XlsxError> {
        let rows = |page: Range<usize>, write: &mut Row<'_>| items[page].iter().try_for_each(|item| write(cells(item)));
        self.pages(book, name, heads, items.len(), rows, |sheet, page, row| finish(sheet, &items[page], row))
    }

    /// [`Self::sheets`] of so many items, of which `rows` writes those in these places.
    fn pages(
        &self,
        book: &mut Workbook,
        name: &str,
        heads: &[Head],
        items: usize,
        rows: impl Fn(Range<usize>, &mut Row<'_>) -> Result<(), XlsxError>,
        finish: impl Fn(&mut Worksheet, Range<usize>, u32) -> Result<(), XlsxError>,
    ) -> Result<(), XlsxError> {
        let starts = (0..items.max(1)).step_by(self.sheet_rows);
        for (index, page) in starts.map(|start| start..items.min(start + self.sheet_rows)).enumerate() {
            let sheet = book.add_worksheet_with_constant_memory()?;
            sheet.set_name(if index == 0 { name.to_owned() } else { format!("{name} {}", index + 1) })?;
            page_setup(sheet, self.facts);
            sheet.set_row_height(0, 32)?;
            sheet.set_repeat_rows(0, 0)?.set_freeze_panes(1, 0)?;
            for (col, head) in (0_u16..).zip(heads) {
                sheet.set_column_width(col, head.width)?;
                let format = if head.numeric { &self.styles.head_right } else { &self.styles.head };
                put_text(sheet, 0, col, &head.title, format)?;
            }
            let mut row = 1;
            rows(page.clone(), &mut |cells| {
                self.row(sheet, row, heads, cells)?;
                row += 1;
                Ok(())
            })?;
            if page.is_empty() {
                put_text(sheet, 1, 0, "None.", &self.styles.note)?;
            } else {
                let last_col = u16::try_from(heads.len() - 1).expect("a list has some dozens of columns");
                sheet.autofilter(0, 0, row - 1, last_col)?;
            }
            finish(sheet, page, row)?;
        }
        Ok(())
    }

    /// A choice of words for the cells of the reviewer's first column, down to the row before `end`.
    fn drop_down(&self, sheet: &mut Worksheet, of: form::List, col: u16, end: u32) -> Result<(), XlsxError> {
        // The header is row 0.
        if end < 2 {
            return Ok(());
        }
        let words: Vec<&str> = of.offered(self.facts).into_iter().map(form::Word::text).collect();
        let choice = DataValidation::new()
            .allow_list_strings(&words)?
            .set_input_title(form::DECISION)?
            .set_input_message("What you decide; the reason goes into Comment. `tieout review import` takes it over.")?
            .set_error_title("No such decision")?
            .set_error_message("Choose one of the list. The sheet Definitions says what each means.")?;
        sheet.add_data_validation(1, col, end - 1, col, &choice)?;
        Ok(())
    }

    fn row(&self, sheet: &mut Worksheet, row: u32, heads: &[Head], cells: Vec<Value<'_>>) -> Result<(), XlsxError> {
        let mut lines = 1;
        for (col, (cell, head)) in (0_u16..).zip(cells.into_iter().zip(heads)) {
            match cell {
                Value::Text(text) if head.wrapped => {
                    lines = lines.max(lines_of(&text, head.width));
                    put_text(sheet, row, col, &text, &self.styles.wrapped)?;
                }
                Value::Text(id) if head.links_to.is_some() => {
                    // The header is row 0: so many rows have a link.
                    let subject = head.links_to.filter(|_| row <= links::MOST_ROWS);
                    match subject.and_then(|subject| self.links.of(subject, &id)) {
                        Some(address) => put_link(sheet, row, col, (&id, &address), self.styles)?,
                        None => put_text(sheet, row, col, &id, &self.styles.text)?,
                    }
                }
                Value::Empty if head.to_fill => {
                    sheet.write_blank(row, col, &self.styles.fill)?;
                }
                cell => put(sheet, row, col, &cell, self.styles)?,
            }
        }
        // Not every program that opens a workbook measures its rows.
        if lines > 1 { set_lines(sheet, row, lines) } else { Ok(()) }
    }
}

fn write_breaks(book: &mut Workbook, list: &List<'_>) -> Result<(), XlsxError> {
    let columns = columns();
    let places = Places::new(list.facts);
    let head = |column: &Column| Head {
        numeric: matches!(column.kind(), ValueKind::Amount | ValueKind::Count),
        wrapped: column.is_long(),
        links_to: (column.name() == "id").then_some(Subject::Break),
        ..Head::new(&column.title(), column.width())
    };
    // The reviewer's columns stand behind what differs, before the sides' own.
    let own = columns.iter().position(Column::is_of_a_side).expect("the table has columns of sides");
    let to_fill = Head::to_fill(form::List::Breaks);
    let (first, added) = (place(own), place(to_fill.len()));
    let mut heads: Vec<Head> = columns[..own].iter().map(head).collect();
    heads.extend(to_fill);
    heads.extend(columns[own..].iter().map(head));
    let hidden: Vec<u16> = columns_to_hide(list.facts, &columns, &places).iter().map(|col| col + added).collect();
    let several = list.facts.breaks.len() > list.sheet_rows;
    let breaks = &list.facts.breaks;
    let rows = |page: Range<usize>, write: &mut Row<'_>| {
        breaks.between(page).try_for_each(|found| {
            let mut cells: Vec<Value<'_>> = columns.iter().map(|column| column.value(&found, &places)).collect();
            cells.splice(own..own, std::iter::repeat_n(Value::Empty, added.into()));
            write(cells)
        })
    };
    list.pages(book, form::List::Breaks.sheet(), &heads, breaks.len(), rows, |sheet, page, row| {
        for col in &hidden {
            sheet.set_column_hidden(*col)?;
        }
        list.drop_down(sheet, form::List::Breaks, first, row)?;
        let groups = groups(breaks, page);
        let totals = u32::try_from(groups.len().min(MOST_TOTALS)).unwrap_or(0);
        write_totals(sheet, groups, row, several, list.styles)?;
        // On paper: up to what is decided; the sides' own columns are for the screen.
        sheet.set_freeze_panes(1, 3)?.set_print_area(0, 0, row + totals, first + added - 1)?;
        Ok(())
    })
}

/// The number of a column.
fn place(at: usize) -> u16 {
    u16::try_from(at).expect("a list has some dozens of columns")
}

/// Columns of a side in which no break states anything.
fn columns_to_hide(facts: &Facts, columns: &[Column], places: &Places<'_>) -> Vec<u16> {
    let mut silent: Vec<(u16, &Column)> = (0..).zip(columns).filter(|(_, column)| column.is_of_a_side()).collect();
    for found in facts.breaks.iter() {
        silent.retain(|(_, column)| column.value(&found, places) == Value::Empty);
    }
    silent.into_iter().map(|(col, _)| col).collect()
}

/// What is at risk by the open breaks of one sheet, by currency, measure and status: the amounts, in the order of the
/// rows.
fn groups(breaks: &Breaks, page: Range<usize>) -> Groups<'_> {
    let mut groups = Groups::new();
    let open = breaks.heads().skip(page.start).take(page.len()).filter(breaks::Head::is_open);
    for found in open.filter(|found| !found.currency.is_empty()) {
        groups.entry((found.currency, found.measure, found.status)).or_default().push(found.at_risk_minor.into());
    }
    groups
}

/// One totals row for each currency, measure and open status, an empty row below the list. The formula refers
/// to the totals row's own cells and holds no text that came from outside.
fn write_totals(
    sheet: &mut Worksheet,
    groups: Groups<'_>,
    row: u32,
    several: bool,
    styles: &Styles,
) -> Result<(), XlsxError> {
    let columns = columns();
    let col = |name: &str| -> u16 {
        let at = columns.iter().position(|column| column.name() == name).expect("the table has this column");
        u16::try_from(at).expect("a list has some dozens of columns")
    };
    let (currency_col, measure_col, risk_col) = (col("currency"), col("measure"), col("at_risk"));
    let status_col = col("status");
    let letters = |col: u16| utility::column_number_to_name(col);
    for (at, ((currency, measure, status), amounts)) in (row + 1..).zip(groups.into_iter().take(MOST_TOTALS)) {
        put_text(sheet, at, 0, if several { "Total of this sheet" } else { "Total" }, &styles.bold)?;
        put_text(sheet, at, currency_col, currency, &styles.bold)?;
        put_text(sheet, at, measure_col, measure.name(), &styles.bold)?;
        put_text(sheet, at, status_col, status.name(), &styles.bold)?;
        let total: i128 = amounts.iter().sum();
        let decimals = decimals(currency);
        // A code that is none may hold what SUMIFS takes for a pattern.
        if exponent(currency).is_none() || !sums_exactly(amounts.into_iter().chain([total])) {
            put_amount(sheet, at, risk_col, (total, decimals), styles.total(decimals), styles)?;
            continue;
        }
        let like_this = |col: u16| {
            let (letter, me) = (letters(col), at + 1);
            format!("{letter}$2:{letter}${row},{letter}{me}")
        };
        let alike = [currency_col, measure_col, status_col].map(like_this).join(",");
        let risk = letters(risk_col);
        let formula = format!("=SUMIFS({risk}$2:{risk}${row},{alike})");
        let formula = Formula::new(formula).set_result(format_minor(total, decimals));
        sheet.write_formula_with_format(at, risk_col, formula, styles.total(decimals))?;
    }
    Ok(())
}

fn write_effects(book: &mut Workbook, list: &List<'_>, found: &EffectsFacts) -> Result<(), XlsxError> {
    let columns: Vec<effects::Column> = effects::Column::all().collect();
    let head = |column: &effects::Column| Head {
        numeric: matches!(column.kind(), ValueKind::Amount | ValueKind::Count),
        wrapped: column.is_long(),
        links_to: (*column == effects::Column::Effect).then_some(Subject::Effect),
        ..Head::new(column.title(), column.width())
    };
    let (items, silence) = (effects::items(found), Silence::new(found));
    // The reviewer's columns stand behind why it is asked for. On paper that is all; the rest is for the screen.
    let own = 1 + columns.iter().position(|column| *column == effects::Column::Why).unwrap_or_default();
    let to_fill = Head::to_fill(form::List::Effects);
    let (first, added) = (place(own), place(to_fill.len()));
    let mut heads: Vec<Head> = columns[..own].iter().map(head).collect();
    heads.extend(to_fill);
    heads.extend(columns[own..].iter().map(head));
    let cells = |item: &_| {
        let mut cells: Vec<Value<'_>> = columns.iter().map(|column| column.value(*item, &silence)).collect();
        let filled = if effects::is_to_decide(*item) { Value::Empty } else { Value::text("") };
        cells.splice(own..own, std::iter::repeat_n(filled, added.into()));
        cells
    };
    list.sheets(book, form::List::Effects.sheet(), &heads, &items, cells, |sheet, _, row| {
        list.drop_down(sheet, form::List::Effects, first, row)?;
        sheet.set_freeze_panes(1, 1)?.set_print_area(0, 0, row, first + added - 1)?;
        Ok(())
    })
}

fn write_sent(book: &mut Workbook, list: &List<'_>, parcels: &[ParcelFacts]) -> Result<(), XlsxError> {
    let heads: Vec<Head> = sent::Column::all()
        .map(|column| Head {
            numeric: matches!(column.kind(), ValueKind::Amount | ValueKind::Count),
            ..Head::new(column.title(), column.width())
        })
        .collect();
    let lines: Vec<sent::Line<'_>> = sent::lines(parcels).collect();
    let cells = |line: &_| sent::Column::all().map(|column| column.value(line, true)).collect();
    list.sheets(book, "Sent", &heads, &lines, cells, |sheet, _, _| {
        sheet.set_freeze_panes(1, 1)?;
        Ok(())
    })
}

fn write_suggested(book: &mut Workbook, list: &List<'_>) -> Result<(), XlsxError> {
    let places = Places::new(list.facts);
    let mut heads = vec![Head::wrapped("Keys", 24.0), Head::new("Currency", 10.0), Head::wrapped("Rule", 26.0)];
    for side in ["File", "Ledger", "Webhooks"] {
        heads.push(Head::numeric(&format!("{side}: amount"), 13.0));
        heads.push(Head::new(&format!("{side}: time (UTC)"), 19.0));
        heads.push(Head::wrapped(&format!("{side}: rows"), 26.0));
    }
    let id = Head::new(form::List::Suggested.id_head(), 18.0);
    heads.push(Head { links_to: Some(Subject::Break), ..id });
    let first = place(heads.len());
    let to_fill = Head::to_fill(form::List::Suggested);
    let added = to_fill.len();
    heads.extend(to_fill);
    let cells = |suggestion| {
        let mut cells = suggestion_cells(suggestion, &places);
        cells.extend(std::iter::repeat_n(Value::Empty, added));
        cells
    };
    list.sheets(book, form::List::Suggested.sheet(), &heads, &list.facts.suggestions, cells, |sheet, _, row| {
        list.drop_down(sheet, form::List::Suggested, first, row)
    })
}

fn suggestion_cells<'a>(suggestion: &'a Suggestion, places: &Places<'_>) -> Vec<Value<'a>> {
    let mut cells =
        vec![Value::text(suggestion.keys.join(", ")), Value::text(&suggestion.currency), Value::text(&suggestion.rule)];
    for side in Side::ALL {
        let Some(stated) = &suggestion.sides[side as usize] else {
            cells.extend([Value::Empty, Value::Empty, Value::Empty]);
            continue;
        };
        let currency = stated.currency.as_deref().unwrap_or(&suggestion.currency);
        cells.push(stated.amount_minor.map_or(Value::Empty, |minor| Value::amount(minor.into(), currency)));
        cells.push(stated.occurred_at.map_or(Value::Empty, Value::Time));
        cells.push(Value::text(places.in_words(side, &stated.rows)));
    }
    cells.push(Value::text(&suggestion.id));
    cells
}

fn write_carried(book: &mut Workbook, list: &List<'_>, facts: &CarriedFacts) -> Result<(), XlsxError> {
    let heads = carried::COLUMNS.iter().zip(0..).map(|((title, width), at)| match at {
        carried::AMOUNT => Head::numeric(title, *width),
        _ => Head::wrapped(title, *width),
    });
    let items = carried::listed(facts);
    list.sheets(book, "Carried", &heads.collect::<Vec<_>>(), &items, |one| carried::cells(one), |_, _, _| Ok(()))
}

fn write_adjustments(book: &mut Workbook, list: &List<'_>, found: &[Adjustment]) -> Result<(), XlsxError> {
    let heads = seals::COLUMNS.iter().enumerate().map(|(at, (title, width))| match at {
        at if seals::AMOUNTS.contains(&at) => Head::numeric(title, *width),
        _ => Head::wrapped(title, *width),
    });
    list.sheets(book, "Adjustments", &heads.collect::<Vec<_>>(), found, seals::cells, |_, _, _| Ok(()))
}

fn write_quarantine(book: &mut Workbook, list: &List<'_>) -> Result<(), XlsxError> {
    let heads = [
        Head::new("Side", 11.0),
        Head::new("File", 44.0),
        Head::numeric("Line", 10.0),
        Head::new("Field", 18.0),
        Head::wrapped("Found (masked)", 34.0),
        Head::wrapped("Reason", 60.0),
    ];
    list.sheets(book, "Quarantine", &heads, &list.facts.quarantine, quarantine_cells, |_, _, _| Ok(()))
}

fn quarantine_cells(row: &Quarantined) -> Vec<Value<'_>> {
    vec![
        Value::text(row.side.name()),
        Value::text(&row.file_name),
        Value::count(row.line),
        Value::text(row.field.as_deref().unwrap_or("whole row")),
        Value::text(&row.value),
        Value::text(&row.reason),
    ]
}
