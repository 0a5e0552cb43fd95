//! Presets: the shapes that providers publish, so that a job need not spell them out. Each is a YAML document in the
//! syntax of an input (`spec_preset.rs`), part of the program; a new one is a file and a line in a list.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use super::{Column, Format, Revisions, Sign, check, spec_preset};
use crate::config::problem::Excerpts;
use crate::config::{self, Checker, Problems};
use crate::frames::Field;
use crate::providers::kinds::PRESETS;

/// Name and document of the formats of reports; what a provider gives stands with the provider.
const REPORTS: &[(&str, &str)] = &[
    ("adyen-settlement-details", include_str!("presets/adyen-settlement-details.yaml")),
    ("cardlytics-reconciliation", include_str!("presets/cardlytics-reconciliation.yaml")),
    ("dosh-reconciliation", include_str!("presets/dosh-reconciliation.yaml")),
    ("marqeta-settlement", include_str!("presets/marqeta-settlement.yaml")),
    ("stripe-payout-reconciliation", include_str!("presets/stripe-payout-reconciliation.yaml")),
];

/// A preset of the program; read when it is first asked for.
struct BuiltIn {
    name: &'static str,
    text: &'static str,
    preset: OnceLock<Preset>,
}

/// In the order of the names.
static ALL: LazyLock<Vec<BuiltIn>> = LazyLock::new(|| {
    let of_providers = PRESETS.iter().copied().flatten();
    let mut all: Vec<BuiltIn> = REPORTS
        .iter()
        .chain(of_providers)
        .map(|(name, text)| BuiltIn { name, text, preset: OnceLock::new() })
        .collect();
    all.sort_by_key(|built_in| built_in.name);
    all
});

/// What a preset fills in where the job says nothing.
#[derive(Debug, Clone)]
pub struct Preset {
    /// What the rows are, in one line.
    pub description: String,
    /// The published document and its section, as of when, and what it leaves open.
    pub source: String,
    pub format: Format,
    pub fields: BTreeMap<Field, Column>,
    /// None: the job says it, or `unsigned`.
    pub sign: Option<Sign>,
    pub statuses: BTreeMap<String, String>,
    pub only: BTreeMap<Field, Vec<String>>,
    /// Known and unmapped; none: new keys are not looked for.
    pub known_columns: Option<Vec<String>>,
    pub revisions: Option<Revisions>,
}

/// The names that `preset:` knows, in their order.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|built_in| built_in.name).collect()
}

/// The document of a name.
pub fn text(name: &str) -> Option<&'static str> {
    ALL.iter().find(|built_in| built_in.name == name).map(|built_in| built_in.text)
}

/// The preset of a name, to be changed.
pub fn by_name(name: &str) -> Option<Preset> {
    find(name).cloned()
}

/// The preset of a name.
///
/// # Panics
/// When its document is wrong: it is part of the program, and a test reads every one.
pub fn find(name: &str) -> Option<&'static Preset> {
    let BuiltIn { name, text, preset } = ALL.iter().find(|built_in| built_in.name == name)?;
    Some(preset.get_or_init(|| read(name, text).unwrap_or_else(|problems| panic!("{problems}"))))
}

/// How Kard's notifications are read, also where no preset is named.
pub(super) fn kard_notifications() -> &'static Preset {
    find("kard-notifications").expect("it stands in the list")
}

/// Reads the document of a preset.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(name: &str, text: &str) -> Result<Preset, Problems> {
    let told = |text: &str, findings| Problems::of(format!("{name}.yaml"), text, findings, Excerpts::Full);
    let document = config::parse::<spec_preset::PresetSpec>(text.as_bytes(), &spec_preset::schema())
        .map_err(|(text, findings)| told(&text, findings))?;
    let mut checker = Checker::new(&document);
    let preset = check::preset(&document.spec, &mut checker);
    match (preset, checker.finish()) {
        (Some(preset), findings) if findings.is_empty() => Ok(preset),
        (_, findings) => Err(told(&document.text, findings)),
    }
}
