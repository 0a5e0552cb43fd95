//! `wait_until:` of an input as written: a time of day, or a day by a calendar.

use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::spec_due::DueDateSpec;

/// Until when a run waits for an input that is not there.
#[derive(Debug, Clone)]
pub enum WaitSpec {
    /// On the day after the period, by the clocks of the schedule's zone.
    At(String),
    On(DueDateSpec),
}

impl<'de> Deserialize<'de> for WaitSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(time) => Ok(Self::At(time)),
            date => serde_json::from_value(date).map(Self::On).map_err(D::Error::custom),
        }
    }
}

impl JsonSchema for WaitSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Wait".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        let date = generator.subschema_for::<DueDateSpec>();
        json_schema!({ "anyOf": [{ "type": "string" }, date] })
    }
}
