//! How values become cells: types, number formats, widths.

use chrono::{DateTime, Datelike, Utc};
use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, FormatUnderline, Url, Worksheet, XlsxError};

use super::super::amount::format_minor;
use super::super::facts::Facts;
use super::super::table::Value;
use super::super::text::{cut, visible};
use super::super::verdict::Tone;

/// A cell holds 32,767 UTF-16 units; nothing that people read is longer than this.
const MOST_CHARACTERS: usize = 8_000;
/// A sheet keeps 15 digits; a longer amount is written as text rather than rounded in silence.
const MOST_EXACT: u128 = 999_999_999_999_999;
/// Below this, sums of some amounts are exact too.
const MOST_SUMMED: u128 = 9_999_999_999_999;

/// The formats of the workbook, each made once.
#[derive(Debug)]
pub(super) struct Styles {
    pub(super) text: Format,
    pub(super) wrapped: Format,
    pub(super) bold: Format,
    pub(super) title: Format,
    pub(super) section: Format,
    pub(super) head: Format,
    pub(super) head_right: Format,
    pub(super) note: Format,
    pub(super) right: Format,
    /// What a person fills in.
    pub(super) fill: Format,
    link: Format,
    count: Format,
    time: Format,
    amounts: Vec<Format>,
    totals: Vec<Format>,
}

impl Styles {
    pub(super) fn new() -> Self {
        let base = || Format::new().set_font_name("Calibri").set_font_size(11).set_align(FormatAlign::Top);
        let head = || {
            base()
                .set_bold()
                .set_text_wrap()
                .set_background_color(Color::RGB(0x00E8_ECF1))
                .set_border_bottom(FormatBorder::Thin)
        };
        let amount = |decimals: usize| {
            let zeros = if decimals == 0 { String::new() } else { format!(".{}", "0".repeat(decimals)) };
            // The indent keeps a number apart from the text in the next column.
            let right = base().set_align(FormatAlign::Right).set_indent(1);
            right.set_num_format(format!("#,##0{zeros};-#,##0{zeros}"))
        };
        Self {
            // `@`: the cell stays text when a person edits it.
            text: base().set_num_format("@"),
            wrapped: base().set_text_wrap().set_num_format("@"),
            bold: base().set_bold(),
            title: base().set_bold().set_font_size(16),
            section: base().set_bold().set_font_size(13).set_font_color(Color::RGB(0x001F_3A5F)),
            head: head(),
            head_right: head().set_align(FormatAlign::Right).set_indent(1),
            note: base().set_italic().set_font_color(Color::RGB(0x0059_6270)),
            right: base().set_align(FormatAlign::Right).set_indent(1).set_num_format("@"),
            fill: base()
                .set_text_wrap()
                .set_num_format("@")
                .set_unlocked()
                .set_background_color(Color::RGB(0x00FF_F8DC))
                .set_border(FormatBorder::Hair)
                .set_border_color(Color::RGB(0x00C8_B98A)),
            link: base()
                .set_num_format("@")
                .set_font_color(Color::RGB(0x0005_63C1))
                .set_underline(FormatUnderline::Single),
            count: base().set_align(FormatAlign::Right).set_indent(1).set_num_format("#,##0"),
            time: base().set_num_format("yyyy-mm-dd hh:mm:ss").set_align(FormatAlign::Left).set_indent(1),
            amounts: (0..=4).map(amount).collect(),
            totals: (0..=4).map(|decimals| amount(decimals).set_bold().set_border_top(FormatBorder::Thin)).collect(),
        }
    }

    pub(super) fn verdict(&self, tone: Tone) -> Format {
        let (ink, paper) = match tone {
            Tone::Clean => (0x0014_532D, 0x00DC_F5E3),
            Tone::Review | Tone::Incomplete | Tone::Unsent => (0x0066_4400, 0x00FD_F0CC),
            Tone::Breached | Tone::NeedsPerson | Tone::Broken => (0x007F_1D1D, 0x00FC_E0E0),
        };
        let format = self.bold.clone().set_font_size(13);
        format.set_font_color(Color::RGB(ink)).set_background_color(Color::RGB(paper))
    }

    pub(super) fn amount(&self, decimals: u8) -> &Format {
        &self.amounts[usize::from(decimals).min(self.amounts.len() - 1)]
    }

    pub(super) fn total(&self, decimals: u8) -> &Format {
        &self.totals[usize::from(decimals).min(self.totals.len() - 1)]
    }
}

/// Text as a string cell, whatever it begins with.
pub(super) fn put_text(
    sheet: &mut Worksheet,
    row: u32,
    col: u16,
    text: &str,
    format: &Format,
) -> Result<(), XlsxError> {
    sheet.write_string_with_format(row, col, cut(&visible(text), MOST_CHARACTERS), format)?;
    Ok(())
}

/// Text that leads to a page; the address is of our own making.
pub(super) fn put_link(
    sheet: &mut Worksheet,
    row: u32,
    col: u16,
    (text, address): (&str, &str),
    styles: &Styles,
) -> Result<(), XlsxError> {
    let text = cut(&visible(text), MOST_CHARACTERS).into_owned();
    sheet.write_url_with_format(row, col, Url::new(address).set_text(text), &styles.link)?;
    Ok(())
}

/// An amount as a number with its currency's decimals.
pub(super) fn put_amount(
    sheet: &mut Worksheet,
    row: u32,
    col: u16,
    (minor, decimals): (i128, u8),
    format: &Format,
    styles: &Styles,
) -> Result<(), XlsxError> {
    let text = format_minor(minor, decimals);
    match text.parse::<f64>() {
        Ok(number) if minor.unsigned_abs() <= MOST_EXACT => sheet.write_number_with_format(row, col, number, format)?,
        _ => sheet.write_string_with_format(row, col, text, &styles.right)?,
    };
    Ok(())
}

/// The height of a line of text, in points, and the most lines that a row is made high for.
const LINE_HEIGHT: u32 = 15;
const MOST_LINES: u32 = 8;

/// About how many lines a text takes in a column of so many characters.
pub(super) fn lines_of(text: &str, width: f64) -> u32 {
    // Words do not fill a line to its end.
    let mut room = width * 0.85;
    let mut lines = 1;
    let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    while f64::from(characters) > room && lines < MOST_LINES {
        room += width * 0.85;
        lines += 1;
    }
    lines
}

/// Makes a row high enough for so many lines.
pub(super) fn set_lines(sheet: &mut Worksheet, row: u32, lines: u32) -> Result<(), XlsxError> {
    sheet.set_row_height(row, lines * LINE_HEIGHT)?;
    Ok(())
}

/// Whether a formula over cells that hold these amounts gives the exact sum.
pub(super) fn sums_exactly(amounts: impl IntoIterator<Item = i128>) -> bool {
    amounts.into_iter().all(|minor| minor.unsigned_abs() <= MOST_SUMMED)
}

/// One value in the format of its type.
pub(super) fn put(
    sheet: &mut Worksheet,
    row: u32,
    col: u16,
    value: &Value<'_>,
    styles: &Styles,
) -> Result<(), XlsxError> {
    match value {
        Value::Empty => Ok(()),
        Value::Text(text) => put_text(sheet, row, col, text, &styles.text),
        Value::Amount { minor, decimals } => {
            put_amount(sheet, row, col, (*minor, *decimals), styles.amount(*decimals), styles)
        }
        Value::Count(number) => put_count(sheet, row, col, *number, styles),
        Value::Time(time) => put_time(sheet, row, col, *time, styles),
    }
}

fn put_count(sheet: &mut Worksheet, row: u32, col: u16, number: i64, styles: &Styles) -> Result<(), XlsxError> {
    match number.to_string().parse::<f64>() {
        Ok(exact) if u128::from(number.unsigned_abs()) <= MOST_EXACT => {
            sheet.write_number_with_format(row, col, exact, &styles.count)?
        }
        _ => sheet.write_string_with_format(row, col, number.to_string(), &styles.right)?,
    };
    Ok(())
}

fn put_time(sheet: &mut Worksheet, row: u32, col: u16, time: DateTime<Utc>, styles: &Styles) -> Result<(), XlsxError> {
    // A sheet's calendar begins in 1900 and ends with 9999.
    if (1900..=9999).contains(&time.year()) {
        sheet.write_datetime_with_format(row, col, time.naive_utc(), &styles.time)?;
        Ok(())
    } else {
        put_text(sheet, row, col, &time.to_rfc3339(), &styles.text)
    }
}

/// What every sheet has in common: landscape A4, one page wide, a footer.
pub(super) fn page_setup(sheet: &mut Worksheet, facts: &Facts) {
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0).set_footer(super::footer(facts));
    sheet.set_margins(0.5, 0.5, 0.6, 0.7, 0.3, 0.3);
}

/// A sheet that is filled from top to bottom.
pub(super) struct Page<'a> {
    pub(super) sheet: &'a mut Worksheet,
    pub(super) styles: &'a Styles,
    /// The next free row.
    pub(super) row: u32,
}

impl<'a> Page<'a> {
    pub(super) fn new(sheet: &'a mut Worksheet, styles: &'a Styles) -> Self {
        Self { sheet, styles, row: 0 }
    }

    pub(super) fn line(&mut self, text: &str, format: &Format) -> Result<(), XlsxError> {
        put_text(self.sheet, self.row, 0, text, format)?;
        self.row += 1;
        Ok(())
    }

    /// A heading, with an empty row above it.
    pub(super) fn section(&mut self, text: &str) -> Result<(), XlsxError> {
        self.row += 1;
        let styles = self.styles;
        self.line(text, &styles.section)
    }

    /// Column heads; those that begin with `>` stand at the right, above numbers.
    pub(super) fn heads(&mut self, heads: &[&str]) -> Result<(), XlsxError> {
        for (col, head) in (0_u16..).zip(heads) {
            match head.strip_prefix('>') {
                Some(head) => put_text(self.sheet, self.row, col, head, &self.styles.head_right)?,
                None => put_text(self.sheet, self.row, col, head, &self.styles.head)?,
            }
        }
        self.row += 1;
        Ok(())
    }

    pub(super) fn cells(&mut self, cells: &[Value<'_>]) -> Result<(), XlsxError> {
        for (col, cell) in (0_u16..).zip(cells) {
            put(self.sheet, self.row, col, cell, self.styles)?;
        }
        self.row += 1;
        Ok(())
    }
}
