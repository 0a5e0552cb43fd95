//! `effects:` of a job file: what it means once loaded, and what is told when it is wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use tieout::breaks::BreakKind;
use tieout::commands::schema;
use tieout::config::Problem;
use tieout::frames::Side;
use tieout::job::{self, ApprovalRule, AuditCode, Caution, Effects, Job, MarkerRule, Rate, Template};

use crate::project_files::{PROJECT, Workspace};

/// A job whose effects have everything that they need.
pub(crate) const JOB: &str = "\
job: daily
period: {grain: day, timezone: UTC}
inputs:
  file:
    path: file-{period}.csv
    columns: {transaction_id: id, amount: amount, currency: currency}
  ledger:
    path: ledger-{period}.csv
    columns: {transaction_id: id, amount: amount, currency: currency, user: user, merchant: shop}
match:
  compare:
    amount: {tolerance: 0}
effects:
  provider: kard
  provider_audit:
    for: [reward_missing]
";

/// A project with one provider.
fn one_provider() -> &'static str {
    PROJECT.split("  keyless:").next().unwrap()
}

fn workspace(project: &str, job: &str) -> Workspace {
    let workspace = Workspace::new(project);
    workspace.write("jobs/daily.yaml", job);
    workspace
}

pub(crate) fn load(job: &str) -> Job {
    job::load(&workspace(PROJECT, job).project(), "daily").unwrap_or_else(|problems| panic!("{problems}"))
}

fn effects(job: &str) -> Effects {
    load(job).effects().unwrap().clone()
}

/// All that is told about a job, without the file's name.
fn told(project: &str, job: &str) -> Vec<String> {
    match job::load(&workspace(project, job).project(), "daily") {
        Ok(_) => Vec::new(),
        Err(problems) => {
            let headline = |problem: &Problem| problem.headline().replacen("jobs/daily.yaml:", "", 1);
            problems.iter().map(headline).collect()
        }
    }
}

#[test]
fn a_job_without_effects_has_none() {
    assert_eq!(load(JOB.split("effects:").next().unwrap()).effects(), None);
}

#[test]
fn what_is_left_out_of_effects_has_the_documented_defaults() {
    let effects = effects(&format!("{JOB}  fraud_marker: {{for: [reversed_after_payout]}}\n"));
    assert_eq!(effects.provider, "kard");
    assert_eq!(effects.concurrency, 4);
    assert_eq!(effects.rate, Rate { calls: 5, per: Duration::from_secs(1) });
    let audit = effects.provider_audit.unwrap();
    assert_eq!(audit.kinds, [BreakKind::RewardMissing]);
    assert_eq!((audit.codes.len(), audit.description), (0, None));
    assert_eq!(audit.news_within, TimeDelta::days(14));
    let asks =
        Caution { approval: ApprovalRule::Required, distinct: false, limit: None, limit_amount_minor: BTreeMap::new() };
    assert_eq!(audit.caution, asks);
    let marker = MarkerRule {
        kinds: vec![BreakKind::ReversedAfterPayout],
        side: Side::Ledger,
        history: 0,
        rules: Vec::new(),
        caution: asks,
    };
    assert_eq!(effects.fraud_marker, Some(marker));
}

#[test]
fn everything_that_can_be_written_is_understood() {
    let written = "\
effects:
  provider: keyless
  concurrency: 32
  rate: 100/m
  provider_audit:
    for: [reward_missing, status_mismatch]
    codes: {status_mismatch: 3005, reward_missing: 8001}
    description: \"{{{our_reward}}} of {transaction}\"
    approval: {above: {USD: \"10.00\", JPY: 7}}
    distinct: true
    limit: 200
    limit_amount: {USD: \"1000.00\"}
    news_within: 7d
  fraud_marker:
    for: [returns_exceed_purchase]
    side: file
    history: 400
    approval: none
    limit: 0
";
    let effects = effects(&format!("{}{written}", JOB.split("effects:").next().unwrap()));
    assert_eq!((effects.provider.as_str(), effects.concurrency), ("keyless", 32));
    assert_eq!(effects.rate, Rate { calls: 100, per: Duration::from_mins(1) });
    let audit = effects.provider_audit.unwrap();
    assert_eq!(audit.code(BreakKind::StatusMismatch), AuditCode::CashbackIncorrect);
    assert_eq!(audit.code(BreakKind::RewardMissing), AuditCode::Other);
    assert_eq!(audit.description, Some(Template::parse("{{{our_reward}}} of {transaction}").unwrap()));
    let expected = Caution {
        approval: ApprovalRule::Above(BTreeMap::from([("USD".to_owned(), 1_000), ("JPY".to_owned(), 7)])),
        distinct: true,
        limit: Some(200),
        limit_amount_minor: BTreeMap::from([("USD".to_owned(), 100_000)]),
    };
    assert_eq!(audit.caution, expected);
    assert_eq!(audit.news_within, TimeDelta::days(7));
    let marker = effects.fraud_marker.unwrap();
    assert_eq!((marker.side, marker.history), (Side::File, 400));
    assert_eq!((marker.caution.approval, marker.caution.limit), (ApprovalRule::None, Some(0)));
}

#[test]
fn the_usual_code_of_each_kind_is_the_published_one() {
    let audit = effects(JOB).provider_audit.unwrap();
    for kind in BreakKind::ALL {
        let expected = match kind {
            BreakKind::RewardMismatch => 3005,
            BreakKind::RewardMissing => 3006,
            _ => 8001,
        };
        assert_eq!(audit.code(*kind).number(), expected, "{kind}");
    }
}

#[test]
fn a_marker_looks_at_the_file_where_there_is_no_ledger() {
    let job = JOB.replacen("ledger:", "webhooks:", 1).replacen(
        "provider_audit:\n    for: [reward_missing]",
        "fraud_marker: {for: [reversed_after_payout]}",
        1,
    );
    assert_eq!(effects(&job).fraud_marker.unwrap().side, Side::File);
}

#[test]
fn the_only_provider_need_not_be_named() {
    let job = JOB.replacen("  provider: kard\n", "", 1);
    let loaded = job::load(&workspace(one_provider(), &job).project(), "daily").unwrap();
    assert_eq!(loaded.effects().unwrap().provider, "kard");
    let one_of = "13:1: `provider` is left out, and tieout.yaml has several; expected one of `kard`, `keyless`";
    assert_eq!(told(PROJECT, &job), [one_of]);
    assert_eq!(told("{}\n", &job), ["13:1: nobody to ask; tieout.yaml has no providers"]);
    assert_eq!(told("{}\n", JOB), ["14:13: unknown provider `kard`; tieout.yaml has no providers"]);
}

#[test]
fn a_job_is_checked_even_when_the_project_file_is_wrong() {
    for text in [JOB.to_owned(), JOB.replacen("  provider: kard\n", "", 1)] {
        let workspace = workspace(PROJECT, &text);
        let (jobs, problems) = job::load::load_all_from(workspace.root(), None);
        assert!(problems.is_empty(), "{problems}");
        assert!(jobs[0].effects().is_some());
    }
}

/// A part of [`JOB`], what is written instead, and all that is told.
type Mistake = (&'static str, &'static str, &'static [&'static str]);

const MISTAKES: &[Mistake] = &[
    ("  provider: kard\n", "  provider: card\n", &["14:13: unknown provider `card`; did you mean `kard`?"]),
    (
        "  provider: kard\n",
        "  provider: kard\n  concurrency: 33\n",
        &["15:16: `effects.concurrency` is 33; expected at most 32"],
    ),
    (
        "  provider: kard\n",
        "  provider: kard\n  concurrency: 0\n",
        &["15:16: `effects.concurrency` is 0; expected at least 1"],
    ),
    (
        "  provider: kard\n",
        "  provider: kard\n  rate: 5 per second\n",
        &["15:9: `5 per second` is no rate; expected a number of calls and a time, such as 5/s, 100/m or 1000/h"],
    ),
    (
        "  provider: kard\n",
        "  provider: kard\n  rate: +5/s\n",
        &["15:9: `+5/s` is no rate; expected a number of calls and a time, such as 5/s, 100/m or 1000/h"],
    ),
    (
        "  provider: kard\n",
        "  provider: kard\n  rate: 0/m\n",
        &["15:9: `0/m` would send nothing; expected at least one call"],
    ),
    (
        "  provider: kard\n",
        "  provider: kard\n  rate: 99999999999/h\n",
        &["15:9: `99999999999/h` is too many calls; expected at most 1000000"],
    ),
    (
        "  provider_audit:\n    for: [reward_missing]\n",
        "",
        &["13:1: neither `provider_audit` nor `fraud_marker`; expected one of them, or one of `card_create`, \
           `card_modify`, `card_delete`, `card_top_up`"],
    ),
    ("for: [reward_missing]", "for: []", &["16:10: `effects.provider_audit.for` has 0 items; expected at least 1"]),
    (
        "for: [reward_missing]",
        "for: [reward_missing, file_late, reward_missing]",
        &[
            "16:27: `file_late` is about a file; expected kinds that are about a transaction",
            "16:38: `reward_missing` stands here twice",
        ],
    ),
    (
        "for: [reward_missing]",
        "for: [row_rejected, unacknowledged]",
        &[
            "16:11: `row_rejected` is found by jobs that send; expected kinds that a comparison finds",
            "16:25: `unacknowledged` is found by jobs that send; expected kinds that a comparison finds",
        ],
    ),
    (
        "for: [reward_missing]",
        "for: [reward_mising]",
        &["16:11: unknown value `reward_mising` for `effects.provider_audit.for[0]`; did you mean `reward_missing`?"],
    ),
    (
        "for: [reward_missing]",
        "for: [reward_missing]\n    codes: {reward_missing: 8002, file_only: 8001}",
        &[
            "17:29: 8002 is no audit code; expected 3005, 3006 or 8001",
            "17:46: `file_only` has a code, but no audit; expected it under `for`",
        ],
    ),
    (
        "for: [reward_missing]",
        "for: [reward_missing]\n    description: 'of {merchent}: {our_rewards}, {our_reward'",
        &[
            "17:18: unknown placeholder `{merchent}`; did you mean `{merchant}`?",
            "17:18: unknown placeholder `{our_rewards}`; did you mean `{our_reward}`?",
            "17:18: a brace without its partner; write {{ or }} for a brace that is meant",
        ],
    ),
    (
        "for: [reward_missing]",
        "for: [reward_missing]\n    description: 'a {x} of } that'",
        &[
            "17:18: unknown placeholder `{x}`; expected one of `{transaction}`, `{break}`, `{reference}`, `{kind}`, `{job}`, `{period}`, `{user}`, `{merchant}`, `{currency}`, `{date}`, `{our_amount}`, `{their_amount}`, `{our_reward}`, `{their_reward}`, `{our_commission}`, `{their_commission}`, `{difference}`, `{at_risk}`, `{status_ours}`, `{status_theirs}`, `{detail}`",
            "17:18: a brace without its partner; write {{ or }} for a brace that is meant",
        ],
    ),
    ("for: [reward_missing]", "for: [reward_missing]\n    description: ' '", &["17:18: the text is empty"]),
    (
        "for: [reward_missing]",
        "for: [reward_missing]\n    approval: never",
        &["17:15: unknown value `never` for `effects.provider_audit.approval`; expected one of `required`, `none`"],
    ),
    (
        "for: [reward_missing]",
        "for: [reward_missing]\n    approval: {above: {}}",
        &["17:16: `above` names no currency; expected amounts such as {USD: \"10.00\"}"],
    ),
    (
        "for: [reward_missing]",
        "for: [reward_missing]\n    approval: {above: {USD: '1.005', EURO: 1}}\n    limit_amount: {JPY: 0.5}\n    limit: -1\n    news_within: soon",
        &[
            "17:29: 1.005 is finer than the minor unit of USD; expected at most 2 decimals",
            "17:44: unknown currency `EURO`; expected an ISO 4217 code such as `USD`",
            "18:25: 0.5 is finer than the minor unit of JPY; expected at most 0 decimals",
            "19:12: `effects.provider_audit.limit` is -1; expected at least 0",
            "20:18: `soon` is not a duration; expected a whole number and a unit, such as 90s, 30m, 6h or 2d",
        ],
    ),
    (
        "  provider_audit:\n    for: [reward_missing]\n",
        "  fraud_marker: {side: webhooks, history: 401}\n",
        &[
            "15:24: the job has no input `webhooks`; expected one of `file`, `ledger`",
            "15:43: `effects.fraud_marker.history` is 401; expected at most 400",
        ],
    ),
    (
        "  provider_audit:\n    for: [reward_missing]\n",
        "  fraud_marker: {side: webhooks}\n",
        &[
            "15:3: nothing is marked; expected kinds of breaks under `for`, or `rules`",
            "15:24: the job has no input `webhooks`; expected one of `file`, `ledger`",
        ],
    ),
    (
        ", user: user, merchant: shop",
        "",
        &[
            "15:3: an audit names the user, but no input maps `user`; map it under the columns of an input",
            "15:3: an audit names the merchant, but no input maps `merchant`; map it under the columns of an input",
        ],
    ),
    (
        ", user: user, merchant: shop}\nmatch:\n  compare:\n    amount: {tolerance: 0}\neffects:\n  provider: kard\n  provider_audit:\n    for: [reward_missing]\n",
        "}\nmatch:\n  compare:\n    amount: {tolerance: 0}\neffects:\n  provider: kard\n  fraud_marker: {for: [file_only]}\n",
        &["15:3: a fraud marker names the user, but no input maps `user`; map it under the columns of an input"],
    ),
    (
        "  provider: kard\n",
        "  provider: kard\n  provider_audits: {}\n",
        &["15:3: unknown key `provider_audits` in effects; did you mean `provider_audit`?"],
    ),
    (
        "columns: {transaction_id: id, amount: amount, currency: currency, user",
        "columns: {transaction_id: id, amount: amount, currency: [], user",
        &["9:61: `inputs.ledger.columns.currency` has 0 items; expected at least 1"],
    ),
];

#[test]
fn mistakes_of_effects_are_told_with_their_places() {
    for (right, wrong, expected) in MISTAKES {
        assert!(JOB.contains(right), "{right:?} is no part of the job");
        assert_eq!(told(PROJECT, &JOB.replacen(right, wrong, 1)), *expected, "{wrong:?} instead of {right:?}");
    }
}

#[test]
fn effects_need_transaction_ids_as_keys() {
    let job = JOB.replace("currency: currency", "currency: currency, reason: reason").replacen(
        "match:\n",
        "match:\n  key: reason\n",
        1,
    );
    let expected = "14:1: effects are asked for by transaction id, and the key is `reason`; \
                    expected match.key: transaction_id";
    assert_eq!(told(PROJECT, &job), [expected]);
}

#[test]
fn the_schema_offers_every_kind_its_code_and_describes_every_key() {
    let schema = schema::job();
    let group = |name: &str| schema["$defs"][name]["properties"].as_object().unwrap().clone();
    for name in ["EffectsSpec", "AuditSpec", "MarkerSpec"] {
        for (key, property) in group(name) {
            assert!(property["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}.{key}");
        }
    }
    let codes = &group("AuditSpec")["codes"]["properties"];
    for kind in BreakKind::ALL {
        assert_eq!(codes[kind.name()]["enum"], serde_json::json!([3005, 3006, 8001]), "{kind}");
    }
    let expected = ["approval", "distinct", "for", "history", "limit", "limit_amount", "rules", "side"];
    let mut keys: Vec<String> = group("MarkerSpec").keys().cloned().collect();
    keys.sort();
    assert_eq!(keys, expected);
}
