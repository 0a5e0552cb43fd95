//! `effects:` of a job as written. The doc comments are the descriptions that editors show.

use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::spec::amounts_by_currency;
use super::spec_rules::FraudRuleSpec;
use crate::breaks::BreakKind;
use crate::frames::Side;

/// What is asked of the provider because of breaks.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EffectsSpec {
    /// The provider of `tieout.yaml` that is asked; may be left out when there is just one.
    #[serde(default)]
    pub provider: Option<String>,
    /// Calls at once; 4 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 32))]
    pub concurrency: Option<u32>,
    /// Most calls within a time: `5/s`, `100/m` or `1000/h`; `5/s` when left out.
    #[serde(default)]
    pub rate: Option<String>,
    /// Breaks that become provider audits ("Create Audits").
    #[serde(default)]
    pub provider_audit: Option<AuditSpec>,
    /// Breaks that become fraud markers ("Flag Fraudulent Transactions").
    #[serde(default)]
    pub fraud_marker: Option<MarkerSpec>,
    /// Breaks that are repaired by a new card, as the ledger has it.
    #[serde(default)]
    pub card_create: Option<CardSpec>,
    /// Breaks that are repaired by giving the card the ledger's limit and validity.
    #[serde(default)]
    pub card_modify: Option<CardSpec>,
    /// Breaks that are repaired by closing the card.
    #[serde(default)]
    pub card_delete: Option<CardSpec>,
    /// Breaks that are repaired by putting the ledger's amount on the card.
    #[serde(default)]
    pub card_top_up: Option<CardSpec>,
}

/// Which breaks are repaired at the provider, and who is asked first.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CardSpec {
    /// Kinds of breaks; not those about files.
    #[serde(rename = "for")]
    #[schemars(length(min = 1))]
    pub kinds: Vec<BreakKind>,
    /// `required` (the default): a person approves each plan; `none`; or `above` with amounts by currency.
    #[serde(default)]
    pub approval: Option<ApprovalSpec>,
    /// Whoever started the run may not approve them.
    #[serde(default)]
    pub distinct: Option<bool>,
    /// More of them than this in one plan: all wait for a person.
    #[serde(default)]
    pub limit: Option<u64>,
    /// Currency: more at risk than this in one plan, in major units ("1000.00"): all wait for a person.
    #[serde(default)]
    #[schemars(schema_with = "amounts_by_currency")]
    pub limit_amount: BTreeMap<String, String>,
}

/// Which breaks become audits, and what these say.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditSpec {
    /// Kinds of breaks; not those about files.
    #[serde(rename = "for")]
    #[schemars(length(min = 1))]
    pub kinds: Vec<BreakKind>,
    /// Kind: audit code, where it is not the usual one (`reward_mismatch` 3005, `reward_missing` 3006, all else 8001).
    #[serde(default)]
    #[schemars(schema_with = "code_by_kind")]
    pub codes: BTreeMap<BreakKind, u16>,
    /// The description with placeholders such as `{transaction}`, `{our_reward}`, `{their_reward}`, `{reference}`;
    /// one that fits the code when left out.
    #[serde(default)]
    pub description: Option<String>,
    /// `required` (the default): a person approves each plan; `none`; or `above` with amounts by currency.
    #[serde(default)]
    pub approval: Option<ApprovalSpec>,
    /// Whoever started the run may not approve its audits.
    #[serde(default)]
    pub distinct: Option<bool>,
    /// More audits than this in one plan: all wait for a person.
    #[serde(default)]
    pub limit: Option<u64>,
    /// Currency: more at risk than this in one plan, in major units ("1000.00"): all wait for a person.
    #[serde(default)]
    #[schemars(schema_with = "amounts_by_currency")]
    pub limit_amount: BTreeMap<String, String>,
    /// An audit longer than this without news is reported; a duration such as `7d`, `14d` when left out.
    #[serde(default)]
    pub news_within: Option<String>,
}

/// Which breaks become fraud markers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkerSpec {
    /// Kinds of breaks; not those about files.
    #[serde(rename = "for", default)]
    pub kinds: Vec<BreakKind>,
    /// The input whose rows are looked at: the ledger when left out and there is one, else the file.
    #[serde(default)]
    pub side: Option<Side>,
    /// So many periods before this one are looked at too; none when left out.
    #[serde(default)]
    #[schemars(range(min = 0, max = 400))]
    pub history: Option<u32>,
    /// Rules over the rows of that side; what they find is marked too.
    #[serde(default)]
    pub rules: Vec<FraudRuleSpec>,
    /// `required` (the default): a person approves each plan; `none`; or `above` with amounts by currency.
    #[serde(default)]
    pub approval: Option<ApprovalSpec>,
    /// Whoever started the run may not approve its markers.
    #[serde(default)]
    pub distinct: Option<bool>,
    /// More markers than this in one plan: all wait for a person.
    #[serde(default)]
    pub limit: Option<u64>,
    /// Currency: more at risk than this in one plan, in major units ("1000.00"): all wait for a person.
    #[serde(default)]
    #[schemars(schema_with = "amounts_by_currency")]
    pub limit_amount: BTreeMap<String, String>,
}

/// Whether a person is asked before something is sent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalSpec {
    /// Always.
    Required,
    /// Never.
    None,
    /// Where more than this is at risk, in major units ("10.00"), or another currency.
    Above(#[schemars(schema_with = "amounts_by_currency")] BTreeMap<String, String>),
}

fn code_by_kind(_: &mut SchemaGenerator) -> schemars::Schema {
    let code = serde_json::json!({ "type": "integer", "enum": [3005, 3006, 8001] });
    let properties =
        BreakKind::ALL.iter().map(|kind| (kind.name().to_owned(), code.clone())).collect::<serde_json::Map<_, _>>();
    json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
}
