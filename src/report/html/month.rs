//! The section on the month's end: the receivable, the days held against the month, what is unpaid by age.

use maud::{Markup, html};

use super::super::amount::{count, grouped, signed};
use super::super::as_read;
use super::super::json_month::MonthSummary;
use super::super::month::{StatementRow, bucket_words, counted_in_words, fronted, notes, roll_forward_in_words};
use super::super::text::{counted, visible};
use super::lists::rest_note;
use crate::month::MonthFacts;
use crate::month::facts::{Ageing, Counted, DayLine, Owed, Receivable, RollForward};

/// A measure's name and how it is read.
type Reading = (&'static str, fn(Owed) -> i128);

const READINGS: [Reading; 3] = [
    ("commission", |owed| owed.issuer_commission_minor),
    ("reward", |owed| owed.user_reward_minor),
    ("in all", |owed| owed.total_minor()),
];

pub fn month(summary: &MonthSummary, page_rows: usize) -> Markup {
    let month = &as_read::month(summary);
    html! {
        section aria-labelledby="month" {
            h2 #month { "Month end" }
            p {
                "What Kard owes: the opening balance and every line down to the closing one. The transactions behind "
                "each number stand in receivable.csv, with the rows of the files that say so."
            }
            @for note in notes(month) { p.soft { bdi { (visible(&note)) } } }
            @if month.receivable.is_empty() {
                p { "Nothing is owed, and nothing was." }
            } @else {
                (statement(month))
                p { bdi { (visible(&first_upper(&fronted(month)))) } "." }
                (ageing(&month.ageing))
            }
            @if let Some(found) = &month.roll_forward { (roll_forward(found, month, page_rows)) }
        }
    }
}

fn first_upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Rows are lines, and each currency has a column of items and one for each measure.
fn statement(month: &MonthFacts) -> Markup {
    let of = &month.receivable;
    html! {
        div.scroll tabindex="0" role="region" aria-label="Receivable" {
            table {
                caption { strong { "Receivable" } ", issuer commission and user reward" }
                thead { tr {
                    th scope="col" { "Line" }
                    @for one in of {
                        th.n scope="col" { bdi { (visible(&one.currency)) } " items" }
                        @for (name, _) in READINGS { th.n scope="col" { bdi { (visible(&one.currency)) } " " (name) } }
                    }
                } }
                tbody { @for row in StatementRow::all(month) { (statement_row(of, row)) } }
            }
        }
    }
}

fn statement_row(of: &[Receivable], row: StatementRow) -> Markup {
    let fault = row == StatementRow::Unexplained && of.iter().any(|one| !one.residual.is_zero());
    let class = match row {
        StatementRow::Unexplained if fault => Some("fault"),
        StatementRow::Unexplained => Some("zero"),
        row if row.is_balance() => Some("total"),
        StatementRow::Of(_) | StatementRow::Closing => None,
    };
    html! {
        tr class=[class] {
            th scope="row" { (row.words()) }
            @for one in of {
                @let (items, owed) = row.of(one);
                td.n { @if let Some(items) = items { (count(items)) } }
                @for (_, reading) in READINGS {
                    td.n {
                        @if row.is_step() { (signed(reading(owed), &one.currency)) }
                        @else { (grouped(reading(owed), &one.currency)) }
                    }
                }
            }
        }
    }
}

fn ageing(buckets: &[Ageing]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Ageing" {
            table {
                caption { strong { "Ageing" } " of the closing balance, by days from settlement to the month's end" }
                thead { tr {
                    th scope="col" { "Age" } th scope="col" { "Currency" } th.n scope="col" { "Items" }
                    th.n scope="col" { "Owed" } th.n scope="col" { "Items past terms" } th.n scope="col" { "Past terms" }
                } }
                tbody {
                    @for bucket in buckets {
                        tr {
                            th scope="row" { (bucket_words(bucket)) }
                            td { bdi { (visible(&bucket.currency)) } }
                            td.n { (count(bucket.items)) }
                            td.n { (grouped(bucket.owed.total_minor(), &bucket.currency)) }
                            td.n { (count(bucket.past_terms_items)) }
                            td.n { (grouped(bucket.past_terms.total_minor(), &bucket.currency)) }
                        }
                    }
                }
            }
        }
    }
}

fn roll_forward(found: &RollForward, month: &MonthFacts, page_rows: usize) -> Markup {
    let shown = found.days.len().min(page_rows);
    let words = roll_forward_in_words(month).unwrap_or_default();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Roll-forward" {
            table {
                caption {
                    strong { "Roll-forward" } ": the files of " bdi { (visible(&found.dailies)) } " held against the month; "
                    (words)
                }
                thead { tr {
                    th scope="col" { "Day" } th scope="col" { "Currency" } th.n scope="col" { "Rows" }
                    th.n scope="col" { "Repeated" } th.n scope="col" { "Settled" } th.n scope="col" { "In the month" }
                    th.n scope="col" { "Not in the month" } th.n scope="col" { "Clawed back" } th.n scope="col" { "Not due" }
                    th.n scope="col" { "Restated" }
                } }
                tbody {
                    @for line in &found.days[..shown] { (day(line, &line.day, false)) }
                    @for total in &found.totals { (day(total, "All days", true)) }
                }
            }
        }
        (rest_note(found.days.len(), shown, "report.xlsx and summary.json"))
        @if let Some(absent) = counted_in_words(&found.not_in_dailies) {
            p { "Newly settled in the month and in no daily file: " bdi { (visible(&absent)) } "." }
        }
        @if let Some(rest) = counted_in_words(&found.not_compared) {
            p { "Newly settled, and in no daily file that could have it yet: " bdi { (visible(&rest)) } "." }
        }
        @if found.days_missing > 0 {
            p { (counted(found.days_missing, "day has", "days have")) " no finished run of the daily job." }
        }
    }
}

fn day(line: &DayLine, name: &str, total: bool) -> Markup {
    let sum = |counted: Counted, text: fn(i128, &str) -> String| {
        html! { td.n { (count(counted.items)) @if counted.items > 0 { br; (text(counted.owed.total_minor(), &line.currency)) } } }
    };
    html! {
        tr.total[total] {
            th scope="row" { bdi { (visible(name)) } }
            @if line.is_there {
                td { bdi { (visible(&line.currency)) } }
                td.n { (count(line.rows)) }
                td.n { (count(line.repeated_rows)) }
                (sum(line.items, grouped)) (sum(line.in_month, grouped)) (sum(line.missing, grouped))
                (sum(line.clawed_back, grouped)) (sum(line.waiting, grouped)) (sum(line.restated, signed))
            } @else {
                td colspan="9" { "no file" }
            }
        }
    }
}
