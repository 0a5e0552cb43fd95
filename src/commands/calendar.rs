//! `tieout calendar`: the holidays of a year, or when the inputs of a job are due.

use chrono::{Datelike, Utc};
use chrono_tz::Tz;

use super::Context;
use super::run::load_job;
use crate::calendar::{Calendar, Calendars, US_FEDERAL, load};
use crate::cli::CalendarArgs;
use crate::exit::{ExitCode, Failure};
use crate::job::{Due, Grain, Job};
use crate::output::{Cell, Rows};
use crate::period::Period;

/// Lists what is asked for.
///
/// # Errors
/// When there is no such calendar or job, or its file is wrong.
pub fn run(mut context: Context, args: &CalendarArgs) -> Result<ExitCode, Failure> {
    let year = args.year.unwrap_or_else(|| Utc::now().year());
    let rows = if let Some(name) = &args.job {
        due_rows(&load_job(&mut context, name)?, year)
    } else {
        let name = args.name.as_deref().unwrap_or(US_FEDERAL);
        // The built-in one needs no project.
        let calendars =
            if name == US_FEDERAL { Calendars::default() } else { load::load_all(&context.project_folder()?).0 };
        let calendar = calendars.get(name).map_err(|error| Failure::new(ExitCode::Configuration, error))?;
        holiday_rows(&calendar, year)
    };
    context.output.rows(&rows)?;
    Ok(ExitCode::Done)
}

/// The holidays of a year that fall on no weekend.
pub fn holiday_rows(calendar: &Calendar, year: i32) -> Rows {
    let mut rows = Rows::new(&["date", "weekday", "holiday"]);
    for holiday in calendar.holidays(year) {
        let weekday = holiday.day.format("%A").to_string();
        rows.push(vec![Cell::text(holiday.day.to_string()), Cell::text(weekday), Cell::text(holiday.name)]);
    }
    rows
}

/// When each input of the job that has a `due` is due, for the periods that begin in a year.
pub fn due_rows(job: &Job, year: i32) -> Rows {
    let mut rows = Rows::new(&["period", "input", "due", "weekday", "timezone", "utc"]);
    for period in periods(job, year) {
        for input in job.inputs() {
            let Some(due) = &input.due else { continue };
            let utc = due.of(&period);
            let zone = match due {
                Due::On(date) => date.zone,
                Due::After(_) => Tz::UTC,
            };
            let local = utc.with_timezone(&zone);
            rows.push(vec![
                Cell::text(&period.label),
                Cell::text(input.side.name()),
                Cell::text(local.format("%Y-%m-%d %H:%M").to_string()),
                Cell::text(local.format("%A").to_string()),
                Cell::text(zone.name()),
                Cell::Time(utc),
            ]);
        }
    }
    rows
}

fn periods(job: &Job, year: i32) -> Vec<Period> {
    let first = match job.grain {
        Grain::Day => format!("{year:04}-01-01"),
        Grain::Month => format!("{year:04}-01"),
    };
    let first = Period::parse(&first, job.grain, job.zone).ok();
    let all = std::iter::successors(first, |period| Some(period.next()));
    all.take_while(|period| period.first_day.year() == year).collect()
}
