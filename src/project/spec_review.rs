//! The block `review:` of the project file as written, and the file of users that it may name.

use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::database::AddressAt;
use crate::review::access::Role;

/// The pages on which periods are reviewed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewSpec {
    /// Address and port; `127.0.0.1:8722` when left out. Elsewhere than on loopback only with `users`, `users_file` or
    /// `proxy`. TLS is the work of what stands before it.
    #[serde(default)]
    pub bind: Option<String>,
    /// How people reach the pages, such as `https://tieout.acme.example`: workbooks and notices link to it. No links when
    /// left out.
    #[serde(default)]
    pub url: Option<String>,
    /// Who may sign in, by the names that the journal keeps beside their decisions; `tieout review user` writes an entry.
    #[serde(default)]
    pub users: Option<BTreeMap<String, UserSpec>>,
    /// A YAML file that holds `users:` and nothing else, instead.
    #[serde(default)]
    pub users_file: Option<String>,
    /// A reverse proxy that says in a header who asks.
    #[serde(default)]
    pub proxy: Option<ProxySpec>,
    /// How long somebody stays signed in.
    #[serde(default)]
    pub session: Option<SessionSpec>,
    /// What those see who are not signed in; `viewer` where nobody can sign in, else `none`.
    #[serde(default)]
    pub anonymous: Option<Anonymous>,
}

/// One who may sign in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserSpec {
    /// What they may do.
    pub role: Role,
    /// The hash of their password as `tieout review hash-password` writes it, or where it stands: `{env: NAME}` or
    /// `{file: PATH}`.
    pub password: PasswordSpec,
}

/// The file that `users_file` names.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsersFileSpec {
    /// Who may sign in, by name.
    pub users: BTreeMap<String, UserSpec>,
}

/// The hash of a password, or where it stands.
#[derive(Clone)]
pub enum PasswordSpec {
    Hash(String),
    At(AddressAt),
}

impl std::fmt::Debug for PasswordSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hash(_) => f.write_str("Hash(…)"),
            Self::At(at) => at.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for PasswordSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self::Hash(text)),
            at => serde_json::from_value(at).map(Self::At).map_err(D::Error::custom),
        }
    }
}

impl JsonSchema for PasswordSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PasswordHash".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        let at = generator.subschema_for::<AddressAt>();
        json_schema!({ "anyOf": [{ "type": "string" }, at] })
    }
}

/// A reverse proxy that signs people in by itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProxySpec {
    /// The header that names who asks, such as `X-Forwarded-User`. The proxy must take it out of what browsers send.
    pub header: String,
    /// The proxy's addresses, such as `10.1.2.3` or `10.1.0.0/16`: the header of anybody else is refused.
    pub from: Vec<String>,
    /// What people may do, by name.
    #[serde(default)]
    pub roles: BTreeMap<String, Role>,
    /// What all others may do whom the proxy names; nothing, not even look, when left out.
    #[serde(default)]
    pub default_role: Option<Role>,
}

/// How long somebody stays signed in.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionSpec {
    /// Without a request; `30m` when left out.
    #[serde(default)]
    pub idle: Option<String>,
    /// In all; `12h` when left out.
    #[serde(default)]
    pub most: Option<String>,
}

/// What those may do who are not signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Anonymous {
    /// Look at everything but inputs as received.
    Viewer,
    /// Nothing.
    None,
}

/// The JSON Schema of the file of users.
pub fn users_schema() -> serde_json::Value {
    schemars::schema_for!(UsersFileSpec).to_value()
}
