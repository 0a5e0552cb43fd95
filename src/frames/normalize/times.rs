//! Times as written to microseconds since the epoch, UTC. A local time that does not exist, or
//! exists twice, is told apart from a wrong one.

use std::collections::BTreeMap;

use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{DateTime, Datelike, LocalResult, Months, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::frames::mask;
use crate::job::TimeFormat;
use crate::money;

/// A time format made ready once for all rows.
#[derive(Debug)]
pub(crate) enum TimePlan {
    Iso(Option<Tz>),
    Pattern {
        items: Vec<Item<'static>>,
        pattern: String,
        zone: Option<Tz>,
    },
    EpochSeconds,
    EpochMillis,
    /// The zones that a column names, and how times are written in them.
    ZoneOfRow {
        names: BTreeMap<String, Tz>,
        plan: Box<Self>,
    },
}

impl TimePlan {
    pub(crate) fn new(format: &TimeFormat) -> Self {
        match format {
            TimeFormat::Iso { zone } => Self::Iso(*zone),
            TimeFormat::Pattern { pattern, zone } => Self::Pattern {
                // A pattern that chrono cannot read has no items and then fits no text.
                items: StrftimeItems::new(pattern).parse_to_owned().unwrap_or_else(|_| vec![Item::Error]),
                pattern: pattern.clone(),
                zone: *zone,
            },
            TimeFormat::EpochSeconds => Self::EpochSeconds,
            TimeFormat::EpochMillis => Self::EpochMillis,
            TimeFormat::ZoneOfRow { names, format, .. } => {
                Self::ZoneOfRow { names: names.clone(), plan: Box::new(Self::new(format)) }
            }
        }
    }

    /// Whether times are written as ISO 8601 says, and nothing but their own offset or the job tells their zone.
    pub(crate) const fn is_iso(&self) -> bool {
        matches!(self, Self::Iso(_))
    }

    /// Microseconds since the epoch, UTC. Digits beyond microseconds are cut off.
    ///
    /// # Errors
    /// A lowercase fragment: what is wrong and what was expected.
    pub(crate) fn micros(&self, text: &str) -> Result<i64, String> {
        match self {
            Self::Iso(zone) => iso(text, *zone),
            Self::Pattern { items, pattern, zone } => patterned(text, items, zone.unwrap_or(Tz::UTC))
                .unwrap_or_else(|| Err(format!("is no time of the form `{pattern}`"))),
            Self::EpochSeconds => epoch(text, 6),
            Self::EpochMillis => epoch(text, 3),
            Self::ZoneOfRow { .. } => self.micros_in(text, None),
        }
    }

    /// [`Self::micros`] of a row whose own column says `zone`.
    ///
    /// # Errors
    /// As [`Self::micros`]; and when the zone is missing or nobody knows it.
    pub(crate) fn micros_in(&self, text: &str, zone: Option<&str>) -> Result<i64, String> {
        let Self::ZoneOfRow { names, plan } = self else { return self.micros(text) };
        let zone = zone.ok_or("is a local time, and the row names no time zone for it")?;
        let zone = names.get(zone).copied().or_else(|| zone.parse().ok()).ok_or_else(|| {
            let zone = mask::shown(zone);
            format!("is in the time zone `{zone}`, which is no IANA name; list it in `timezone.names` of the column")
        })?;
        match plan.as_ref() {
            Self::Iso(_) => iso(text, Some(zone)),
            Self::Pattern { items, pattern, .. } => {
                patterned(text, items, zone).unwrap_or_else(|| Err(format!("is no time of the form `{pattern}`")))
            }
            other => other.micros(text),
        }
    }
}

/// Days, as texts whose order is theirs.
impl TimePlan {
    /// `YYYY-MM-DD`: a date as written, the date of a time (the local one, where the job states a zone), or of a month its
    /// first day, or its last one where `last` says so.
    ///
    /// # Errors
    /// A lowercase fragment: what is wrong and what was expected.
    pub(crate) fn date(&self, text: &str, last: bool) -> Result<String, String> {
        let day = match self {
            Self::Iso(zone) => iso_day(text, *zone, last).ok_or(
                "is no date such as 2025-03-19, no time such as 2025-03-19T14:05:00Z and no month such as 03/2025",
            )?,
            Self::Pattern { items, pattern, zone } => {
                patterned_day(text, items, *zone, last).ok_or_else(|| format!("is no date of the form `{pattern}`"))?
            }
            Self::ZoneOfRow { plan, .. } => return plan.date(text, last),
            // A job that says so for a date is refused.
            Self::EpochSeconds | Self::EpochMillis => return Err("is a number since 1970, which is no date".to_owned()),
        };
        if !(1..=9999).contains(&day.year()) {
            return Err("lies outside of the years 1 to 9999".to_owned());
        }
        Ok(day.format("%Y-%m-%d").to_string())
    }
}

fn iso_day(text: &str, zone: Option<Tz>, last: bool) -> Option<NaiveDate> {
    if let [a, b, b'/', year @ ..] = text.as_bytes() {
        let year = number(year).filter(|_| year.len() == 4)?;
        return of_month(i32::try_from(year).ok()?, number(&[*a, *b])?, last);
    }
    let (date, rest) = text.split_at_checked(10)?;
    let date = iso_date(date.as_bytes())?;
    if rest.is_empty() {
        return Some(date);
    }
    let (time, offset_minutes) = iso_time(rest.as_bytes())?;
    Some(match (offset_minutes, zone) {
        (Some(minutes), Some(zone)) => {
            (date.and_time(time).and_utc() - TimeDelta::minutes(minutes)).with_timezone(&zone).date_naive()
        }
        _ => date,
    })
}

/// None: the text does not fit the pattern.
fn patterned_day(text: &str, items: &[Item<'static>], zone: Option<Tz>, last: bool) -> Option<NaiveDate> {
    let mut parsed = Parsed::new();
    chrono::format::parse(&mut parsed, text, items.iter()).ok()?;
    if let (Some(zone), Ok(time)) = (zone, parsed.to_datetime()) {
        return Some(time.with_timezone(&zone).date_naive());
    }
    if let Ok(date) = parsed.to_naive_date() {
        return Some(date);
    }
    // A month, which has all of its days.
    parsed.set_day(1).ok()?;
    let first = parsed.to_naive_date().ok()?;
    of_month(first.year(), first.month(), last)
}

fn of_month(year: i32, month: u32, last: bool) -> Option<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(year, month, 1)?;
    if last { first.checked_add_months(Months::new(1))?.pred_opt() } else { Some(first) }
}

/// `decimals`: how many places a number of this unit lies before microseconds.
fn epoch(text: &str, decimals: u8) -> Result<i64, String> {
    let unit = if decimals == 6 { "seconds" } else { "milliseconds" };
    let micros = money::parse_scaled(text, decimals).map_err(|_| format!("is no number of {unit} since 1970"))?;
    let last = DateTime::<Utc>::from_naive_utc_and_offset(
        NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or_default().into(),
        Utc,
    );
    if micros < 0 || micros > last.timestamp_micros() {
        return Err(format!("lies outside of the years 1970 to 9999 as a number of {unit} since 1970"));
    }
    Ok(micros)
}

const ISO_WANTED: &str = "is no time such as 2025-03-19T14:05:00Z";

fn iso(text: &str, zone: Option<Tz>) -> Result<i64, String> {
    match plain_instant(text.as_bytes()) {
        Some(micros) => Ok(micros),
        None => any_iso(text, zone),
    }
}

/// As [`any_iso`], for what nearly all times are: `YYYY-MM-DDThh:mm:ss`, at most six decimals, and `Z`. None: it may be
/// anything else.
fn plain_instant(text: &[u8]) -> Option<i64> {
    const DAYS_BEFORE: [u16; 13] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    const DAYS_OF: [u32; 13] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    /// From the first day of the year 0 to the epoch.
    const EPOCH_DAYS: i64 = 719_528;
    let (start, rest) = text.split_first_chunk::<19>()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2] = start else {
        return None;
    };
    let fraction = match rest {
        [b'Z'] => &[],
        [b'.', digits @ .., b'Z'] if (1..=6).contains(&digits.len()) => digits,
        _ => return None,
    };
    let mut micros = 0;
    if !fraction.is_empty() {
        for place in 0..6 {
            micros = 10 * micros + fraction.get(place).map_or(Some(0), |digit| number(&[*digit]))?;
        }
    }
    // All digits are looked at once, and not one after the other.
    let mut all_digits = true;
    let mut two = |tens: u8, ones: u8| {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        all_digits &= tens.max(ones) < 10;
        10 * u32::from(tens) + u32::from(ones)
    };
    let year = 100 * two(*y1, *y2) + two(*y3, *y4);
    let (month, day, hour, minute, second) =
        (two(*m1, *m2), two(*d1, *d2), two(*h1, *h2), two(*n1, *n2), two(*s1, *s2));
    if !all_digits {
        return None;
    }
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let leap_day = u32::from(is_leap && month == 2);
    if day == 0 || day > DAYS_OF.get(month as usize)? + leap_day || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // The year 0 is a leap year.
    let leap_days_before = if year == 0 { 0 } else { 1 + (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 };
    let in_year = u32::from(DAYS_BEFORE[month as usize]) + u32::from(is_leap && month > 2) + day - 1;
    let days = i64::from(365 * year + leap_days_before + in_year) - EPOCH_DAYS;
    let seconds = 86_400 * days + i64::from(3600 * hour + 60 * minute + second);
    Some(1_000_000 * seconds + i64::from(micros))
}

fn any_iso(text: &str, zone: Option<Tz>) -> Result<i64, String> {
    let wrong = || ISO_WANTED.to_owned();
    let (date, rest) = text.split_at_checked(10).ok_or_else(wrong)?;
    let date = iso_date(date.as_bytes()).ok_or_else(wrong)?;
    if rest.is_empty() {
        return start_of_day(date, zone.ok_or_else(no_zone)?);
    }
    let (time, offset_minutes) = iso_time(rest.as_bytes()).ok_or_else(wrong)?;
    let local = NaiveDateTime::new(date, time);
    match offset_minutes {
        Some(minutes) => Ok((local.and_utc() - TimeDelta::minutes(minutes)).timestamp_micros()),
        None => in_zone(local, zone.ok_or_else(no_zone)?),
    }
}

fn no_zone() -> String {
    "has no offset, and the job states no `timezone` for it".to_owned()
}

/// `YYYY-MM-DD`
fn iso_date(text: &[u8]) -> Option<NaiveDate> {
    if text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let (year, month, day) = (number(&text[..4])?, number(&text[5..7])?, number(&text[8..])?);
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// `Thh:mm`, `Thh:mm:ss`, `Thh:mm:ss.fraction`, then nothing, `Z` or an offset in minutes.
fn iso_time(text: &[u8]) -> Option<(chrono::NaiveTime, Option<i64>)> {
    if text.len() < 6 || !matches!(text[0], b'T' | b't' | b' ') || text[3] != b':' {
        return None;
    }
    let (hour, minute) = (number(&text[1..3])?, number(&text[4..6])?);
    let mut rest = &text[6..];
    let mut second = 0;
    let mut micros = 0;
    if let [b':', tens, ones, after @ ..] = rest {
        second = number(&[*tens, *ones])?;
        rest = after;
        if let [b'.' | b',', fraction @ ..] = rest {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 || digits > 18 {
                return None;
            }
            micros = (0..6).fold(0, |sum, place| {
                sum * 10 + fraction[..digits].get(place).map_or(0, |digit| u32::from(digit - b'0'))
            });
            rest = &fraction[digits..];
        }
    }
    Some((chrono::NaiveTime::from_hms_micro_opt(hour, minute, second, micros)?, offset(rest)?))
}

/// The inner value is none where nothing is written.
#[expect(clippy::option_option, reason = "wrong, absent and present are three things here")]
fn offset(text: &[u8]) -> Option<Option<i64>> {
    let (sign, digits) = match text {
        [] => return Some(None),
        [b'Z' | b'z'] => return Some(Some(0)),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits {
        [a, b, b':', c, d] | [a, b, c, d] => (number(&[*a, *b])?, number(&[*c, *d])?),
        [a, b] => (number(&[*a, *b])?, 0),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then(|| Some(sign * (i64::from(hours) * 60 + i64::from(minutes))))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
}

/// None: the text does not fit the pattern.
fn patterned(text: &str, items: &[Item<'static>], zone: Tz) -> Option<Result<i64, String>> {
    let mut parsed = Parsed::new();
    chrono::format::parse(&mut parsed, text, items.iter()).ok()?;
    // chrono reads years that no zone can be told for.
    if parsed.year().is_some_and(|year| !(1..=9999).contains(&year)) {
        return Some(Err("lies outside of the years 1 to 9999".to_owned()));
    }
    if let Ok(time) = parsed.to_datetime() {
        return Some(Ok(time.timestamp_micros()));
    }
    if let Ok(local) = parsed.to_naive_datetime_with_offset(0) {
        return Some(in_zone(local, zone));
    }
    let date = parsed.to_naive_date().ok()?;
    Some(start_of_day(date, zone))
}

fn in_zone(local: NaiveDateTime, zone: Tz) -> Result<i64, String> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) => Ok(time.timestamp_micros()),
        LocalResult::Ambiguous(..) => {
            Err(format!("exists twice in {zone} (clocks go back); expected a time with an offset"))
        }
        LocalResult::None => {
            Err(format!("does not exist in {zone} (clocks go forward); expected a time with an offset"))
        }
    }
}

/// A bare date is the first instant of that day, whatever the clocks do at midnight.
fn start_of_day(date: NaiveDate, zone: Tz) -> Result<i64, String> {
    let midnight = NaiveDateTime::from(date);
    (0..=12)
        .find_map(|quarter| zone.from_local_datetime(&(midnight + TimeDelta::minutes(15 * quarter))).earliest())
        .map(|time| time.timestamp_micros())
        .ok_or_else(|| format!("is a day that does not exist in {zone}"))
}
