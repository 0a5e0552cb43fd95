//! The periods of one job as a calendar: a month of days in weeks, or a year of months.

use chrono::{Datelike, NaiveDate, Weekday};
use maud::{Markup, html};

use super::state::State;
use crate::job::Grain;
use crate::sign_off::SignOffState;

/// One period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) state: State,
    pub(super) sealed: bool,
    /// How far the report of its last attempt is signed.
    pub(super) signed: Option<SignOffState>,
    /// Of its last attempt; none where there is none.
    pub(super) href: Option<String>,
}

impl Cell {
    const NONE: Self = Self { state: State::Nothing, sealed: false, signed: None, href: None };
}

const DAYS: [(&str, &str); 7] = [
    ("Mo", "Monday"),
    ("Tu", "Tuesday"),
    ("We", "Wednesday"),
    ("Th", "Thursday"),
    ("Fr", "Friday"),
    ("Sa", "Saturday"),
    ("Su", "Sunday"),
];

/// A month in words: `March 2025`
pub(super) fn month_words(month: NaiveDate) -> String {
    month.format("%B %Y").to_string()
}

/// The calendar; `cell` is asked for the label of each period.
pub(super) fn calendar(job: &str, grain: Grain, month: NaiveDate, cell: impl Fn(&str) -> Option<Cell>) -> Markup {
    let cell = |label: &str| cell(label).unwrap_or(Cell::NONE);
    match grain {
        Grain::Day => days(job, month, cell),
        Grain::Month => months(month, cell),
    }
}

fn days(job: &str, month: NaiveDate, cell: impl Fn(&str) -> Cell) -> Markup {
    let weeks = weeks(month);
    html! {
        table.calendar {
            caption { (month_words(month)) span.hid { ", " (job) } }
            thead { tr {
                @for (short, long) in DAYS { th scope="col" { span aria-hidden="true" { (short) } span.hid { (long) } } }
            } }
            tbody {
                @for week in &weeks {
                    tr {
                        @for day in week {
                            @if let Some(day) = day {
                                @let label = day.format("%Y-%m-%d").to_string();
                                td { (told(&cell(&label), &label[..8], &day.day().to_string())) }
                            } @else {
                                td.out {}
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The days of a month by weeks, Monday first.
fn weeks(month: NaiveDate) -> Vec<Vec<Option<NaiveDate>>> {
    let before = month.weekday().days_since(Weekday::Mon) as usize;
    let of_month = month.iter_days().take_while(|day| day.month() == month.month()).map(Some);
    let mut all: Vec<Option<NaiveDate>> = vec![None; before];
    all.extend(of_month);
    all.resize(all.len().div_ceil(7) * 7, None);
    all.chunks(7).map(<[_]>::to_vec).collect()
}

fn months(month: NaiveDate, cell: impl Fn(&str) -> Cell) -> Markup {
    let year = month.year();
    let months = (1..=12).filter_map(|number| NaiveDate::from_ymd_opt(year, number, 1));
    html! {
        p.soft { (year) }
        ol.year {
            @for month in months {
                @let label = month.format("%Y-%m").to_string();
                li { (told(&cell(&label), &label[..5], &month.format("%b").to_string())) }
            }
        }
    }
}

/// What stands in one field: for the ear the whole label, for the eye its last part.
fn told(cell: &Cell, before: &str, name: &str) -> Markup {
    let class = format!("cell {}", cell.state.class());
    let inner = html! {
        b { span.hid { (before) } (name) }
        " " (cell.state.words())
        @match cell.signed {
            Some(SignOffState::SignedOff) => ", signed off",
            Some(SignOffState::Prepared) => ", prepared",
            Some(SignOffState::Withdrawn) | None => "",
        }
        @if cell.sealed { ", sealed" }
    };
    html! {
        @if let Some(href) = &cell.href { a class=(class) href=(href) { (inner) } } @else { span class=(class) { (inner) } }
    }
}
