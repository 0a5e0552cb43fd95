//! Where the rows of a break stand, and the rows as they were received.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::break_sides::title;
use super::parts::{input_link, said};
use crate::breaks::Rule;
use crate::frames::Side;
use crate::journal::{InputRecord, RunRecord};
use crate::review::access::Visitor;
use crate::review::desk::Desk;
use crate::review::frame::Refusal;
use crate::review::store::BreakRow;
use crate::text::{size_in_words, visible};
use crate::trace::{Row, rows_of_run};

/// Inputs of so many bytes are looked into at once; larger ones when they are asked for.
const MOST_BYTES: u64 = 64 << 20;
/// Rows that are shown.
const MOST_ROWS: usize = 100;

/// The rows as received.
pub(super) enum Received {
    /// It is about no rows.
    Nothing,
    /// So many bytes are to be looked into, when somebody asks.
    OnRequest(u64, Vec<InputRecord>),
    Rows {
        inputs: Vec<InputRecord>,
        rows: Vec<Row>,
        unread: Vec<String>,
    },
}

/// Looks for the rows of a break in what its run has read.
pub(super) async fn received(desk: &Desk, run: &RunRecord, row: &BreakRow, all: bool) -> Result<Received, Refusal> {
    let is_of_rows = Side::ALL.into_iter().any(|side| row.text(&format!("{side}_lines")).is_some());
    if row.text("rule") == Some(Rule::FileLevel.name()) || !is_of_rows {
        return Ok(Received::Nothing);
    }
    let inputs = desk.journal().inputs(&run.id).await?;
    let bytes = inputs.iter().map(|input| input.file.bytes).fold(0, u64::saturating_add);
    if bytes > MOST_BYTES && !all {
        return Ok(Received::OnRequest(bytes, inputs));
    }
    let job = desk.job(&run.job).await?;
    let story = rows_of_run(desk.journal(), desk.kept(), job.as_slice(), run, row.said("key")).await?;
    Ok(Received::Rows { inputs, rows: story.rows, unread: story.unread })
}

/// Where the rows stand, and what they say.
pub(super) fn section(visitor: &Visitor, row: &BreakRow, received: &Received, href: &str, run: &RunRecord) -> Markup {
    let inputs = match received {
        Received::Nothing => &[][..],
        Received::OnRequest(_, inputs) | Received::Rows { inputs, .. } => inputs,
    };
    html! {
        (places(visitor, row, inputs, run))
        @match received {
            Received::Nothing => {}
            Received::OnRequest(bytes, _) => {
                h2 #rows { "The rows as received" }
                p { "The run has read " (size_in_words(*bytes)) ". " a href={ (href) "?rows=all#rows" } { "Look for the rows in all of it" } "; this may take a while." }
            }
            Received::Rows { rows, unread, .. } => (as_received(rows, unread))
        }
    }
}

/// The files as the run says, with their digests where the journal knows a file of that name.
fn places(visitor: &Visitor, row: &BreakRow, inputs: &[InputRecord], run: &RunRecord) -> Markup {
    let places: Vec<_> = Side::ALL
        .into_iter()
        .filter_map(|side| {
            let files = row.text(&format!("{side}_files"))?;
            Some((side, files, row.said(&format!("{side}_lines"))))
        })
        .collect();
    let known = |side: Side, files: &str| -> Vec<&InputRecord> {
        let named = |input: &&InputRecord| {
            let name = &input.file.name;
            files == name
                || files.starts_with(&format!("{name}; "))
                || files.ends_with(&format!("; {name}"))
                || files.contains(&format!("; {name}; "))
        };
        inputs.iter().filter(|input| input.side == side).filter(named).collect()
    };
    html! {
        @if !places.is_empty() {
            h2 { "Where the rows stand" }
            dl.places {
                @for (side, files, lines) in places {
                    dt { (title(side)) }
                    dd {
                        (said(files)) ", " @if lines.contains(' ') { "lines " } @else { "line " } (said(lines))
                        @for input in known(side, files) {
                            br; span.soft { "sha256 " }
                            (input_link(visitor, run, &input.file.sha256))
                        }
                    }
                }
            }
        }
    }
}

fn as_received(rows: &[Row], unread: &[String]) -> Markup {
    html! {
        h2 #rows { "The rows as received" }
        @for line in unread { p.note { "Not looked into: " (said(line)) } }
        @if rows.is_empty() { p.empty { "No row of what the run has read states this key as its transaction." } }
        @for row in &rows[..rows.len().min(MOST_ROWS)] {
            h3 { (title(row.side)) ": " (said(&row.file)) ", line " (row.line) }
            pre.wrap { bdi { (visible_lines(row)) } }
        }
        @if rows.len() > MOST_ROWS { p.soft { (rows.len() - MOST_ROWS) " more rows." } }
        p.soft { "The fields that the job maps, as they stand in the file; numbers that may be cards are masked." }
    }
}

/// `name: value`, a line each.
fn visible_lines(row: &Row) -> String {
    let mut text = String::new();
    for (name, value) in &row.values {
        writeln!(text, "{}: {}", visible(name), visible(value)).expect("writing to a string cannot fail");
    }
    text
}
