//! A calendar as written: `calendars/NAME.yaml`. The doc comments are the descriptions that editors show.

use schemars::JsonSchema;
use serde::Deserialize;

/// The days on which nothing is done.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarSpec {
    /// The name that jobs use: small letters, digits and hyphens; the same as the file's name without `.yaml`.
    pub calendar: String,
    /// What the calendar is for, in one sentence.
    #[serde(default)]
    pub description: Option<String>,
    /// A built-in calendar whose holidays count too: `us-federal`.
    #[serde(default)]
    pub extends: Option<BuiltIn>,
    /// Weekdays that are never business days; Saturday and Sunday when left out.
    #[serde(default)]
    pub weekend: Option<Vec<WeekdaySpec>>,
    /// Further days that are none.
    #[serde(default)]
    pub holidays: Vec<HolidaySpec>,
    /// Days, as YYYY-MM-DD, that are business days nevertheless.
    #[serde(default)]
    pub business_days: Vec<String>,
}

/// The calendars that are there without a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BuiltIn {
    UsFederal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeekdaySpec {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl From<WeekdaySpec> for chrono::Weekday {
    fn from(written: WeekdaySpec) -> Self {
        match written {
            WeekdaySpec::Monday => Self::Mon,
            WeekdaySpec::Tuesday => Self::Tue,
            WeekdaySpec::Wednesday => Self::Wed,
            WeekdaySpec::Thursday => Self::Thu,
            WeekdaySpec::Friday => Self::Fri,
            WeekdaySpec::Saturday => Self::Sat,
            WeekdaySpec::Sunday => Self::Sun,
        }
    }
}

/// One holiday.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HolidaySpec {
    /// YYYY-MM-DD
    pub date: String,
    /// For people.
    pub name: String,
}

/// The JSON Schema of a calendar file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(CalendarSpec).to_value()
}
