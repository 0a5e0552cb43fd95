//! `engine:` of the project file: where rows are compared.

use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::database::{AddressAt, DatabaseSpec};
use super::{Secret, SecretError};
use crate::config::secret::secret;
use crate::config::{Checker, quantity};

/// Smaller inputs are compared here, where the file does not say.
const FROM_BYTES: u64 = 4 << 30;
/// How long a cluster may take, where the file does not say.
const LIMIT: Duration = Duration::from_hours(1);

/// Where rows are compared. The result is the same everywhere.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EngineSpec {
    #[serde(rename = "type")]
    pub kind: EngineKind,
    /// A cluster's address, `sc://HOST:PORT`; with a token in it `{env: NAME}` or `{file: PATH}` where the whole address
    /// stands, `sc://HOST:443/;use_ssl=true;token=…`.
    #[serde(default)]
    pub address: Option<DatabaseSpec>,
    /// How the cluster reads the raw files of `artifacts`: `s3a` (which it is for artifacts in a bucket when left out),
    /// `s3`, or `disk`, where it finds them below the same path as this machine.
    #[serde(default)]
    pub reads: Option<Reads>,
    /// Inputs that are smaller together are compared here; `4GiB` when left out.
    #[serde(default)]
    pub from: Option<String>,
    /// How long the cluster may take before the comparison is made here; `1h` when left out.
    #[serde(default)]
    pub limit: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// This machine.
    Local,
    /// A cluster that speaks Spark Connect finds what is surely clean; the rest is compared here.
    Spark,
}

/// How a cluster reads the raw files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reads {
    S3,
    S3a,
    Disk,
}

/// A cluster that takes part in comparisons.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    address: Address,
    pub reads: Reads,
    pub from_bytes: u64,
    pub limit: Duration,
}

#[derive(Debug, Clone)]
enum Address {
    Known(String),
    Kept(Secret),
}

impl EngineConfig {
    /// Where the address stands, where it is a secret.
    pub const fn secret(&self) -> Option<&Secret> {
        match &self.address {
            Address::Known(_) => None,
            Address::Kept(at) => Some(at),
        }
    }

    /// Reads the address.
    ///
    /// # Errors
    /// When it is not where the project file says.
    pub fn address(&self) -> Result<String, SecretError> {
        match &self.address {
            Address::Known(address) => Ok(address.clone()),
            Address::Kept(at) => Ok(at.read()?.expose_secret().trim().to_owned()),
        }
    }
}

/// None inside for this machine. `has_client`: whether this program was built with one.
#[expect(clippy::option_option, reason = "wrong, local and a cluster are three things")]
pub(super) fn engine(
    root: &Path,
    written: &EngineSpec,
    (in_bucket, has_client): (bool, bool),
    checker: &mut Checker<'_>,
) -> Option<Option<EngineConfig>> {
    if written.kind == EngineKind::Local {
        let EngineSpec { address, reads, from, limit, .. } = written;
        if address.is_some() || reads.is_some() || from.is_some() || limit.is_some() {
            checker.problem("engine", "`engine` is of type `local`, which has no other keys; leave them out");
            return None;
        }
        return Some(None);
    }
    if !has_client {
        let message = "this build of tieout has no client for `spark`";
        let help =
            "build it with `cargo build --release --features spark` (which wants `protoc`), or write `type: local`";
        checker.problem_with_help("engine/type", message, help);
        return None;
    }
    let address = address(root, written.address.as_ref(), checker);
    let reads = written.reads.unwrap_or(if in_bucket { Reads::S3a } else { Reads::Disk });
    if reads != Reads::Disk && !in_bucket {
        let message = "`reads` is of a bucket, and `artifacts` is a folder of this machine; expected `disk`";
        checker.problem("engine/reads", message);
        return None;
    }
    let from_bytes = match &written.from {
        Some(text) => checker.keep("engine/from", quantity::bytes(text))?,
        None => FROM_BYTES,
    };
    let limit = match &written.limit {
        Some(text) => checker.duration("engine/limit", text)?,
        None => LIMIT,
    };
    Some(Some(EngineConfig { address: address?, reads, from_bytes, limit }))
}

fn address(root: &Path, written: Option<&DatabaseSpec>, checker: &mut Checker<'_>) -> Option<Address> {
    let at = "engine/address";
    match written {
        None => {
            checker
                .problem("engine", "`engine` of type `spark` has no `address`; expected one such as sc://spark:15002");
            None
        }
        Some(DatabaseSpec::At(place)) => {
            let place = match place {
                AddressAt::Env(name) => Secret::Env(name.clone()),
                AddressAt::File(path) => Secret::File(path.clone()),
            };
            secret(root, at, &place, checker).map(Address::Kept)
        }
        Some(DatabaseSpec::Text(text)) if text.contains("token=") || text.contains('@') => {
            let message = "`address` holds a token; a secret never stands in this file";
            checker.problem_with_help(at, message, "write {env: NAME} or {file: PATH} for the whole address");
            None
        }
        Some(DatabaseSpec::Text(text)) if text.strip_prefix("sc://").is_none_or(str::is_empty) => {
            checker.problem(at, "`address` is none of a cluster; expected one such as sc://spark:15002");
            None
        }
        Some(DatabaseSpec::Text(text)) => Some(Address::Known(text.clone())),
    }
}
