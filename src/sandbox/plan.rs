//! The file of a fault plan: read and checked like every other YAML file of the project, with
//! every problem told at its place.

use std::path::Path;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Fault, FaultPlan, FaultRule, Nth, On};
use crate::config::problem::Excerpts;
use crate::config::{self, Checker, Problems, quantity};

/// The file as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PlanSpec {
    rules: Vec<RuleSpec>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RuleSpec {
    on: On,
    nth: Nth,
    #[serde(rename = "do")]
    fault: FaultSpec,
}

/// The name of a fault, or a group with its parameters.
enum FaultSpec {
    Plain(Fault),
    Status(StatusSpec),
    Slow(SlowSpec),
    Late(LateSpec),
    Truncate(TruncateSpec),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StatusSpec {
    #[schemars(range(min = 200, max = 599))]
    status: u16,
    /// Seconds.
    #[serde(default)]
    retry_after: Option<u64>,
    /// Seconds from now, written as a date.
    #[serde(default)]
    retry_after_date: Option<u64>,
    /// The request's work is done before it is answered so.
    #[serde(default)]
    applied: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SlowSpec {
    slow: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LateSpec {
    late: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TruncateSpec {
    truncate: u64,
}

impl FaultPlan {
    /// Reads a plan file, YAML or JSON.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(path: &Path) -> Result<Self, Problems> {
        let bytes = config::read_file(path).map_err(|finding| Problems::one(path, finding))?;
        Self::parse_bytes(&bytes, path)
    }

    /// The same from text; `path` is for messages.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, Problems> {
        Self::parse_bytes(text.as_bytes(), path)
    }

    fn parse_bytes(bytes: &[u8], path: &Path) -> Result<Self, Problems> {
        let schema = schemars::schema_for!(PlanSpec).to_value();
        let document = config::parse::<PlanSpec>(bytes, &schema)
            .map_err(|(text, findings)| Problems::of(path, &text, findings, Excerpts::Full))?;
        let mut checker = Checker::new(&document);
        let mut rules = Vec::new();
        for (index, rule) in document.spec.rules.iter().enumerate() {
            rules.extend(checked(rule, index, &mut checker));
        }
        let findings = checker.finish();
        if findings.is_empty() {
            Ok(Self { rules })
        } else {
            Err(Problems::of(path, &document.text, findings, Excerpts::Full))
        }
    }
}

fn checked(rule: &RuleSpec, index: usize, checker: &mut Checker<'_>) -> Option<FaultRule> {
    let at = format!("rules/{index}/do");
    let fault = match &rule.fault {
        FaultSpec::Plain(fault) => fault.clone(),
        FaultSpec::Status(StatusSpec { applied: true, .. }) if !rule.on.has_effect() => {
            checker.problem(&format!("{at}/applied"), format!("`applied` makes no sense on `{}`", rule.on.name()));
            return None;
        }
        FaultSpec::Status(StatusSpec { status, retry_after, retry_after_date, applied }) => Fault::Status {
            code: *status,
            retry_after: *retry_after,
            retry_after_date: *retry_after_date,
            applied: *applied,
        },
        FaultSpec::Slow(SlowSpec { slow }) => {
            Fault::Slow(checker.keep(&format!("{at}/slow"), quantity::duration(slow))?)
        }
        FaultSpec::Late(LateSpec { late }) => {
            Fault::Late(checker.keep(&format!("{at}/late"), quantity::duration(late))?)
        }
        FaultSpec::Truncate(TruncateSpec { truncate }) => Fault::Truncate(*truncate),
    };
    if !fault.fits(rule.on) {
        checker.problem(&at, format!("`{}` makes no sense on `{}`", fault.name(), rule.on.name()));
        return None;
    }
    Some(FaultRule { on: rule.on, nth: rule.nth, fault })
}

impl<'de> Deserialize<'de> for Nth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(word) if word == EVERY => Ok(Self::Every),
            number => serde_json::from_value(number).map(Self::Only).map_err(D::Error::custom),
        }
    }
}

const EVERY: &str = "every";

impl JsonSchema for Nth {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Nth".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string", "const": EVERY }, { "type": "integer", "minimum": 1 }] })
    }
}

impl<'de> Deserialize<'de> for FaultSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Value::deserialize(deserializer)?;
        let read = if let Some(name) = written.as_str() {
            let plain = Fault::PLAIN.into_iter().find(|fault| fault.name() == name);
            return plain.map(Self::Plain).ok_or_else(|| D::Error::custom(format!("unknown fault `{name}`")));
        } else if written.get("slow").is_some() {
            serde_json::from_value(written).map(Self::Slow)
        } else if written.get("late").is_some() {
            serde_json::from_value(written).map(Self::Late)
        } else if written.get("truncate").is_some() {
            serde_json::from_value(written).map(Self::Truncate)
        } else {
            serde_json::from_value(written).map(Self::Status)
        };
        read.map_err(D::Error::custom)
    }
}

impl JsonSchema for FaultSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Fault".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let names = Fault::PLAIN.map(|fault| fault.name());
        let status = generator.subschema_for::<StatusSpec>();
        let slow = generator.subschema_for::<SlowSpec>();
        let late = generator.subschema_for::<LateSpec>();
        let truncate = generator.subschema_for::<TruncateSpec>();
        json_schema!({ "anyOf": [{ "type": "string", "enum": names }, status, slow, late, truncate] })
    }
}
