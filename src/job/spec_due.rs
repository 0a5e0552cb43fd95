//! `due:` of an input as written: a duration, or a day by a calendar.

use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// When an input has to be there.
#[derive(Debug, Clone)]
pub enum DueSpec {
    /// After the period's end.
    After(String),
    On(DueDateSpec),
}

/// A day by a calendar, and a time of that day.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DueDateSpec {
    /// The day of the month after the period, 1 to 28; the day after the period's end when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 28))]
    pub day: Option<u32>,
    /// Such as "17:00".
    pub time: String,
    /// IANA name of the zone of `time`; the period's when left out.
    #[serde(default)]
    pub timezone: Option<String>,
    /// `us-federal`, or a file of calendars/: a day that is no business day moves to the next one. Every day will do
    /// when left out.
    #[serde(default)]
    pub calendar: Option<String>,
}

impl<'de> Deserialize<'de> for DueSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(duration) => Ok(Self::After(duration)),
            date => serde_json::from_value(date).map(Self::On).map_err(D::Error::custom),
        }
    }
}

impl JsonSchema for DueSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Due".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        let date = generator.subschema_for::<DueDateSpec>();
        json_schema!({ "anyOf": [{ "type": "string" }, date] })
    }
}
