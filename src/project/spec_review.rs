//! The block `review:` of the project file as written.

use schemars::JsonSchema;
use serde::Deserialize;

/// The pages on which periods are reviewed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewSpec {
    /// Address and port; `127.0.0.1:8722` when left out. TLS is the work of what stands before it.
    #[serde(default)]
    pub bind: Option<String>,
    /// How people reach the pages, such as `https://tieout.acme.example`: workbooks and notices link to it. No links when
    /// left out.
    #[serde(default)]
    pub url: Option<String>,
}
