//! `effects`: whom they go to, how fast, which breaks they are for, and when a person is asked first.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::spec_effects::{ApprovalSpec, AuditSpec, EffectsSpec, MarkerSpec};
use super::super::{
    ApprovalRule, AuditCode, AuditRule, Caution, Effects, MarkerRule, Placeholder, Rate, Template, TemplateError,
};
use super::{Context, Inputs, input, rules};
use crate::breaks::{BreakKind, Rule};
use crate::config::{Checker, did_you_mean, quoted};
use crate::frames::{Field, Side};

/// Calls at once where the job does not say.
const CONCURRENCY: u32 = 4;
/// Calls within a second where the job does not say.
const RATE: Rate = Rate { calls: 5, per: Duration::from_secs(1) };
/// Days without news where the job does not say.
const NEWS_WITHIN: &str = "14d";

pub(super) fn effects(
    spec: &EffectsSpec,
    key: Field,
    inputs: &Inputs,
    context: Context<'_>,
    checker: &mut Checker<'_>,
) -> Option<Effects> {
    if key != Field::TransactionId {
        let message = format!("effects are asked for by transaction id, and the key is `{}`", key.name());
        checker.absent("effects", message, "expected match.key: transaction_id");
    }
    if spec.provider_audit.is_none() && spec.fraud_marker.is_none() {
        checker.absent("effects", "neither `provider_audit` nor `fraud_marker`", "expected one of them, or both");
    }
    let provider = provider("effects", spec.provider.as_deref(), context, checker);
    let rate = spec.rate.as_ref().map_or(Some(RATE), |text| checker.keep("effects/rate", rate(text)));
    let audit = spec.provider_audit.as_ref().map(|written| audit(written, inputs, checker));
    let marker = spec.fraud_marker.as_ref().map(|written| marker(written, inputs, checker));
    Some(Effects {
        provider: provider?,
        concurrency: spec.concurrency.unwrap_or(CONCURRENCY),
        rate: rate?,
        provider_audit: match audit {
            Some(audit) => Some(audit?),
            None => None,
        },
        fraud_marker: match marker {
            Some(marker) => Some(marker?),
            None => None,
        },
    })
}

/// The name of the provider that is asked by what stands at `at`.
pub(super) fn provider(
    at: &str,
    written: Option<&str>,
    context: Context<'_>,
    checker: &mut Checker<'_>,
) -> Option<String> {
    if let Some(name) = written {
        let known = input::provider_of(&format!("{at}/provider"), name, context, checker).is_some();
        return (known || context.providers.is_none()).then(|| name.to_owned());
    }
    // The project file is wrong, which is told elsewhere; the job is only looked at, never run.
    let Some(providers) = context.providers else { return Some(String::new()) };
    // Audits, markers and bulk files are Kard's: who is no Kard is not meant.
    let names = providers.iter().filter(|(_, provider)| provider.as_kard().is_some());
    let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
    match names.as_slice() {
        [only] => return Some((*only).to_owned()),
        [] => checker.absent(at, "nobody to ask", "tieout.yaml has no providers"),
        several => {
            let message = "`provider` is left out, and tieout.yaml has several";
            checker.absent(at, message, format!("expected one of {}", quoted(several)));
        }
    }
    None
}

/// `5/s`, `100/m`, `1000/h`
pub(super) fn rate(text: &str) -> Result<Rate, String> {
    let wrong = || format!("`{text}` is no rate; expected a number of calls and a time, such as 5/s, 100/m or 1000/h");
    let (calls, unit) = text.split_once('/').ok_or_else(wrong)?;
    let per_seconds = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err(wrong()),
    };
    let calls = calls.trim();
    if calls.is_empty() || !calls.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    match calls.parse::<u32>() {
        Ok(0) => Err(format!("`{text}` would send nothing; expected at least one call")),
        Ok(calls) if calls <= 1_000_000 => Ok(Rate { calls, per: Duration::from_secs(per_seconds) }),
        _ => Err(format!("`{text}` is too many calls; expected at most 1000000")),
    }
}

fn audit(spec: &AuditSpec, inputs: &Inputs, checker: &mut Checker<'_>) -> Option<AuditRule> {
    let at = "effects/provider_audit";
    kinds(at, &spec.kinds, checker);
    for field in [Field::User, Field::Merchant] {
        stated(at, "an audit", field, inputs, checker);
    }
    let codes = codes(at, spec, checker);
    let description = match &spec.description {
        Some(text) => description(&format!("{at}/description"), text, checker).map(Some),
        None => Some(None),
    };
    let caution = caution(at, spec.approval.as_ref(), spec.distinct, (spec.limit, &spec.limit_amount), checker);
    let news_within =
        super::delta(&format!("{at}/news_within"), spec.news_within.as_deref().unwrap_or(NEWS_WITHIN), checker);
    Some(AuditRule {
        kinds: spec.kinds.clone(),
        codes: codes?,
        description: description?,
        caution: caution?,
        news_within: news_within?,
    })
}

fn marker(spec: &MarkerSpec, inputs: &Inputs, checker: &mut Checker<'_>) -> Option<MarkerRule> {
    let at = "effects/fraud_marker";
    kinds(at, &spec.kinds, checker);
    if spec.kinds.is_empty() && spec.rules.is_empty() {
        checker.absent(at, "nothing is marked", "expected kinds of breaks under `for`, or `rules`");
    }
    stated(at, "a fraud marker", Field::User, inputs, checker);
    let caution = caution(at, spec.approval.as_ref(), spec.distinct, (spec.limit, &spec.limit_amount), checker);
    let side = side(at, spec.side, inputs, checker);
    let rules = side.and_then(|side| rules::rules(&format!("{at}/rules"), &spec.rules, side, inputs, checker));
    Some(MarkerRule {
        kinds: spec.kinds.clone(),
        side: side?,
        history: spec.history.unwrap_or(0),
        rules: rules?,
        caution: caution?,
    })
}

/// The side whose rows are looked at; it must be an input of the job.
fn side(at: &str, written: Option<Side>, inputs: &Inputs, checker: &mut Checker<'_>) -> Option<Side> {
    let has = |side: Side| inputs.iter().any(|(input, _)| *input == side);
    match written {
        Some(side) if has(side) => Some(side),
        Some(side) => {
            let known: Vec<&str> = inputs.iter().map(|(side, _)| side.name()).collect();
            let message = format!("the job has no input `{side}`");
            checker.problem_with_help(&format!("{at}/side"), message, format!("expected one of {}", quoted(&known)));
            None
        }
        None if has(Side::Ledger) => Some(Side::Ledger),
        None => Some(Side::File),
    }
}

/// Only what is about one transaction can be asked for, and once is enough.
fn kinds(at: &str, kinds: &[BreakKind], checker: &mut Checker<'_>) {
    for (index, kind) in kinds.iter().enumerate() {
        let path = format!("{at}/for/{index}");
        if kind.rule() == Rule::FileLevel {
            let message = format!("`{kind}` is about a file; expected kinds that are about a transaction");
            checker.problem(&path, message);
        } else if kind.rule() == Rule::Sending {
            let message = format!("`{kind}` is found by jobs that send; expected kinds that a comparison finds");
            checker.problem(&path, message);
        } else if kinds[..index].contains(kind) {
            checker.problem(&path, format!("`{kind}` stands here twice"));
        }
    }
}

/// At least one side must state what the provider wants to know. Sides that are wrong themselves are given the
/// benefit of the doubt.
fn stated(at: &str, what: &str, field: Field, inputs: &Inputs, checker: &mut Checker<'_>) {
    let states =
        inputs.iter().any(|(_, input)| input.as_ref().is_none_or(|input| input.mapping.fields.contains_key(&field)));
    if !states {
        let message = format!("{what} names the {}, but no input maps `{0}`", field.name());
        checker.absent(at, message, "map it under the columns of an input");
    }
}

fn codes(at: &str, spec: &AuditSpec, checker: &mut Checker<'_>) -> Option<BTreeMap<BreakKind, AuditCode>> {
    let mut codes = BTreeMap::new();
    for (kind, number) in &spec.codes {
        let path = format!("{at}/codes/{kind}");
        if !spec.kinds.contains(kind) {
            checker.absent(&path, format!("`{kind}` has a code, but no audit"), "expected it under `for`");
        }
        if let Some(code) = checker.keep(&path, AuditCode::try_from(*number)) {
            codes.insert(*kind, code);
        }
    }
    (codes.len() == spec.codes.len()).then_some(codes)
}

fn description(path: &str, text: &str, checker: &mut Checker<'_>) -> Option<Template> {
    let errors = match Template::parse(text) {
        Ok(template) => return Some(template),
        Err(errors) => errors,
    };
    let known: Vec<String> = Placeholder::ALL.into_iter().map(|known| format!("{{{}}}", known.name())).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    for error in errors {
        match &error {
            TemplateError::Unknown(written) => {
                checker.problem_with_help(path, error.to_string(), did_you_mean(written, &known));
            }
            TemplateError::Empty | TemplateError::LoneBrace => checker.problem(path, error.to_string()),
        }
    }
    None
}

fn caution(
    at: &str,
    approval: Option<&ApprovalSpec>,
    distinct: Option<bool>,
    (limit, limit_amount): (Option<u64>, &BTreeMap<String, String>),
    checker: &mut Checker<'_>,
) -> Option<Caution> {
    let approval = match approval {
        None | Some(ApprovalSpec::Required) => Some(ApprovalRule::Required),
        Some(ApprovalSpec::None) => Some(ApprovalRule::None),
        Some(ApprovalSpec::Above(written)) => {
            let path = format!("{at}/approval/above");
            if written.is_empty() {
                checker.absent(&path, "`above` names no currency", "expected amounts such as {USD: \"10.00\"}");
            }
            super::amounts(&path, written, checker).map(ApprovalRule::Above)
        }
    };
    let limit_amount_minor = super::amounts(&format!("{at}/limit_amount"), limit_amount, checker);
    Some(Caution {
        approval: approval?,
        distinct: distinct.unwrap_or(false),
        limit,
        limit_amount_minor: limit_amount_minor?,
    })
}
