//! All providers: one line each.

use std::borrow::Cow;
use std::path::Path;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::{Provider, bongloy, card_issuing, core_api, http_api, kard, kuggar};
use crate::config::Checker;

macro_rules! providers {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $module:ident, $spec:ident => $config:ident;)*) => {
        /// One provider of `tieout.yaml`, as written. Its `type` says which.
        #[derive(Debug, Clone)]
        pub enum ProviderSpec {
            $($(#[$doc])* $variant(Box<$module::$spec>),)*
        }

        /// One provider of `tieout.yaml`, checked.
        #[derive(Debug, Clone)]
        pub enum ProviderConfig {
            $($(#[$doc])* $variant(Box<$module::$config>),)*
        }

        /// The presets that stand with each provider: name and document.
        pub const PRESETS: &[&[(&str, &str)]] = &[$($module::PRESETS),*];

        /// Every `type`.
        pub const TYPES: &[&str] = &[$($name),*];

        impl ProviderSpec {
            /// What is written at `at` (`providers/NAME`) of the project file in `root`, checked.
            pub fn check(&self, root: &Path, at: &str, checker: &mut Checker<'_>) -> Option<ProviderConfig> {
                match self {
                    $(Self::$variant(spec) => {
                        spec.check(root, at, checker).map(|config| ProviderConfig::$variant(Box::new(config)))
                    })*
                }
            }

            fn read(kind: &str, rest: Value) -> Result<Self, serde_json::Error> {
                match kind {
                    $($name => serde_json::from_value(rest).map(|spec| Self::$variant(Box::new(spec))),)*
                    other => Err(serde::de::Error::unknown_variant(other, TYPES)),
                }
            }

            fn schemas(generator: &mut SchemaGenerator) -> Vec<Value> {
                vec![$(tagged($name, <$module::$spec>::json_schema(generator))),*]
            }
        }

        impl ProviderConfig {
            /// What every provider can do.
            pub fn any(&self) -> &dyn Provider {
                match self {
                    $(Self::$variant(config) => config.as_ref(),)*
                }
            }

            /// The same, to be changed.
            pub fn any_mut(&mut self) -> &mut dyn Provider {
                match self {
                    $(Self::$variant(config) => config.as_mut(),)*
                }
            }

            /// Its `type` in the project file.
            pub const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }
        }
    };
}

providers! {
    /// Any JSON API, by configuration.
    HttpApi = "http", http_api, HttpApiSpec => HttpApiConfig;
    /// Card-linked rewards.
    Kard = "kard", kard, KardSpec => KardConfig;
    /// Virtual cards of several issuers.
    Kuggar = "kuggar", kuggar, KuggarSpec => KuggarConfig;
    /// Customers, cards, balances and movements.
    CoreApi = "core_api", core_api, CoreApiSpec => CoreApiConfig;
    /// Accounts, balances and their transactions, as JSON:API.
    Bongloy = "bongloy", bongloy, BongloySpec => BongloyConfig;
    /// Corporate card issuing.
    CardIssuing = "card_issuing", card_issuing, CardIssuingSpec => CardIssuingConfig;
}

impl ProviderConfig {
    /// Kard: who publishes files, sends notifications, and takes audits and markers.
    pub fn as_kard(&self) -> Option<&kard::KardConfig> {
        let Self::Kard(kard) = self else { return None };
        Some(kard)
    }
}

impl<'de> Deserialize<'de> for ProviderSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let mut written = Map::deserialize(deserializer)?;
        let kind = written.remove("type").ok_or_else(|| D::Error::missing_field("type"))?;
        Self::read(kind.as_str().unwrap_or_default(), Value::Object(written)).map_err(D::Error::custom)
    }
}

impl JsonSchema for ProviderSpec {
    fn schema_name() -> Cow<'static, str> {
        "Provider".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "oneOf": Self::schemas(generator) })
    }
}

/// The schema of one kind, which is told by its `type`.
fn tagged(name: &str, schema: Schema) -> Value {
    let mut schema = schema.to_value();
    schema["properties"]["type"] = json!({ "type": "string", "const": name, "description": format!("`{name}`.") });
    match schema.get_mut("required").and_then(Value::as_array_mut) {
        Some(required) => required.insert(0, json!("type")),
        None => schema["required"] = json!(["type"]),
    }
    schema
}
