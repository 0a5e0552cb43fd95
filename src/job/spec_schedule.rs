//! `schedule:` as written.

use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// When a scheduler starts the job for the last complete period.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSpec {
    /// Five fields: minute, hour, day of month, month, day of week (0 or 7 is Sunday).
    pub cron: String,
    /// IANA name of the cron expression's zone; the period's when left out.
    #[serde(default)]
    pub timezone: Option<String>,
    /// `us-federal`, or a file of calendars/: it fires on business days only. On every day when left out.
    #[serde(default)]
    pub calendar: Option<String>,
    /// Periods whose time passed while no scheduler was there: `none` of them is made good, the `latest` one (when
    /// left out), or a number: so many before the latest one as well.
    #[serde(default)]
    pub catchup: Option<CatchupSpec>,
    /// Jobs whose periods within this one have to be finished first.
    #[serde(default)]
    pub after: Vec<String>,
    /// A run whose input is not there yet, or whose provider does not answer, is tried again after so long; a duration
    /// such as `10m`, `15m` when left out.
    #[serde(default)]
    pub retry: Option<String>,
}

/// A word or a number.
#[derive(Debug, Clone, Copy)]
pub enum CatchupSpec {
    None,
    Latest,
    Missing(u32),
}

impl<'de> Deserialize<'de> for CatchupSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(word) if word == "none" => Ok(Self::None),
            serde_json::Value::String(word) if word == "latest" => Ok(Self::Latest),
            number => serde_json::from_value(number).map(Self::Missing).map_err(D::Error::custom),
        }
    }
}

impl JsonSchema for CatchupSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Catchup".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "enum": ["none", "latest"] },
            { "type": "integer", "minimum": 0, "maximum": super::check::MOST_CAUGHT_UP },
        ] })
    }
}
