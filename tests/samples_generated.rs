//! The shipped samples: they are what the generator makes, they hold what is promised, and their
//! truth agrees with their rows.

#[path = "../samples/generate/generator.rs"]
pub(crate) mod generator;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::read::MultiGzDecoder;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tieout::breaks::{BreakKind, Rule};
use tieout::frames::Measure;

use crate::compare_states::KINDS;

const DAYS: [&str; 4] = ["2025-03-19", "2025-03-20", "2025-03-21", "2025-03-22"];

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// The rows of a CSV file of the samples, by column.
fn csv_rows(path: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(samples().join(path)).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

fn truth(day: &str) -> Vec<BTreeMap<String, String>> {
    csv_rows(&format!("data/truth-{day}.csv"))
}

fn core_truth(day: &str) -> Vec<BTreeMap<String, String>> {
    csv_rows(&format!("data/truth-core-{day}.csv"))
}

/// Each shipped truth: the day or month, and its rows.
fn truths() -> Vec<(&'static str, Vec<BTreeMap<String, String>>)> {
    let of_rewards = DAYS[..3].iter().map(|day| (*day, truth(day)));
    let of_month = [("2025-02", csv_rows("data/truth-monthly-2025-02.csv"))];
    of_rewards.chain(DAYS.iter().map(|day| (*day, core_truth(day)))).chain(of_month).collect()
}

/// The envelopes of a webhook log, signatures checked apart.
fn envelopes(folder: &Path, day: &str) -> Vec<Value> {
    let file = std::fs::File::open(folder.join(format!("data/webhooks-{day}.jsonl.gz"))).unwrap();
    let mut text = String::new();
    MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn signed_by_the_sandbox(envelope: &Value) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"sandbox-webhook-key").unwrap();
    mac.update(envelope["body"].as_str().unwrap().as_bytes());
    let signature = BASE64_STANDARD.decode(envelope["signature"].as_str().unwrap()).unwrap();
    mac.verify_slice(&signature).is_ok()
}

fn file_rows(path: &Path) -> Vec<Value> {
    let mut document: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    serde_json::from_value(document["data"].take()).unwrap()
}

fn cents(decimal: &str) -> i64 {
    decimal.replace(['.', ','], "").parse().unwrap()
}

#[test]
fn the_shipped_samples_are_what_the_generator_makes() {
    let files = generator::shipped::files(generator::SHIPPED_SEED).unwrap();
    let differences = generator::shipped::differences(&samples(), &files).unwrap();
    assert!(differences.is_empty(), "run `cargo run --example generate-samples`:\n{}", differences.join("\n"));
}

#[test]
fn a_change_a_gap_and_a_stranger_among_the_samples_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let files = generator::shipped::files(generator::SHIPPED_SEED).unwrap();
    generator::shipped::write(folder.path(), &files).unwrap();
    assert_eq!(generator::shipped::differences(folder.path(), &files).unwrap(), Vec::<String>::new());

    std::fs::write(folder.path().join("data/ledger-2025-03-19.csv"), "txn_id\n").unwrap();
    std::fs::remove_file(folder.path().join("kard/files.json")).unwrap();
    std::fs::write(folder.path().join("data/mine.csv"), "").unwrap();
    assert_eq!(
        generator::shipped::differences(folder.path(), &files).unwrap(),
        [
            "data/ledger-2025-03-19.csv: differs from what the generator makes",
            "data/mine.csv: not made by the generator",
            "kard/files.json: missing",
        ]
    );
}

#[test]
fn another_seed_gives_other_purchases_and_the_same_kinds() {
    let kinds = |seed| {
        let files = generator::shipped::files(seed).unwrap();
        let text = String::from_utf8(files["data/truth-2025-03-19.csv"].clone()).unwrap();
        let mut kinds: Vec<_> = text.lines().filter_map(|line| line.split(',').nth(1)).map(str::to_owned).collect();
        kinds.sort();
        (kinds, files["data/ledger-2025-03-19.csv"].clone())
    };
    let (ours, ledger) = kinds(generator::SHIPPED_SEED);
    let (others, other_ledger) = kinds(generator::SHIPPED_SEED + 1);
    assert_eq!(ours, others);
    assert_ne!(ledger, other_ledger);
}

#[test]
fn every_kind_that_one_run_can_show_is_in_a_truth_file() {
    let found: BTreeSet<String> =
        truths().into_iter().flat_map(|(_, rows)| rows).map(|mut row| row.remove("kind").unwrap()).collect();
    // How things stand is compared by other jobs. A changed file needs a second run, an authorisation that stays open a job that says for how long it may; and what
    // was sent is no matter of a comparison.
    let elsewhere = [BreakKind::FileChanged, BreakKind::AuthorizedUnsettled];
    let promised: BTreeSet<String> = BreakKind::ALL
        .iter()
        .filter(|kind| !elsewhere.contains(kind) && !KINDS.contains(kind) && kind.rule() != Rule::Sending)
        .map(|kind| kind.name().to_owned())
        .collect();
    assert_eq!(found, promised);
}

#[test]
fn the_truth_uses_tieouts_names_and_tells_each_break_once() {
    for (day, rows) in truths() {
        let mut seen = BTreeSet::new();
        for row in rows {
            let kind = BreakKind::ALL.iter().find(|kind| kind.name() == row["kind"]).unwrap();
            if kind.rule() == Rule::FileLevel {
                assert_eq!((row["currency"].as_str(), row["measure"].as_str()), ("", ""), "{row:?}");
            } else {
                assert_eq!(row["currency"], "USD", "{row:?}");
                assert!(Measure::ALL.iter().any(|measure| measure.name() == row["measure"]), "{row:?}");
            }
            assert!(!row["why"].is_empty(), "{row:?}");
            // One rule finds at most one break on a key; a file can be late and have new columns.
            let rule = if kind.rule() == Rule::FileLevel { kind.name() } else { kind.rule().name() };
            assert!(seen.insert((row["key"].clone(), rule)), "told twice on {day}: {row:?}");
        }
    }
}

#[test]
fn the_third_day_ties_out_and_the_fourth_has_no_file() {
    assert_eq!(truth("2025-03-21"), []);
    assert!(!csv_rows("data/expected-2025-03-21.csv").is_empty(), "the rows left out are still shown");
    let list: Value = serde_json::from_slice(&std::fs::read(samples().join("kard/files.json")).unwrap()).unwrap();
    let names: Vec<_> =
        list["files"].as_array().unwrap().iter().map(|file| file["fileName"].as_str().unwrap()).collect();
    assert!(!names.iter().any(|name| name.contains("250322")), "{names:?}");
    assert!(!csv_rows("data/ledger-2025-03-22.csv").is_empty());
    assert!(!envelopes(&samples(), "2025-03-22").is_empty());
}

/// Key, user, card and amount of each row of Kard's file, and the same of the export of core banking, sorted.
fn file_and_core(day: &str) -> [Vec<[String; 4]>; 2] {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let file = samples().join(format!("kard/files/cardlinked-reconciliation-{}.json", &day.replace('-', "")[2..]));
    let file = file_rows(&file).into_iter().map(|row| {
        let of = &row["attributes"];
        let user = &row["relationships"]["user"]["data"]["id"];
        [&of["transactionId"], user, &of["cardLastFour"], &of["transactionAmountInCents"]].map(text)
    });
    let core = core_export(day);
    let items = core["items"].as_array().unwrap();
    let core = items.iter().map(|item| ["id", "user", "card", "cents"].map(|name| text(&item[name])));
    let mut sides = [file.collect::<Vec<_>>(), core.collect()];
    for rows in &mut sides {
        rows.sort();
    }
    sides
}

fn core_export(day: &str) -> Value {
    serde_json::from_slice(&std::fs::read(samples().join(format!("data/core-{day}.json"))).unwrap()).unwrap()
}

#[test]
fn core_banking_exports_the_rows_of_the_file_and_one_wrong_total() {
    for day in &DAYS[..3] {
        let [file, core] = file_and_core(day);
        assert_eq!(file, core, "{day}");
    }
    for day in DAYS {
        let export = core_export(day);
        let cents: Vec<_> =
            export["items"].as_array().unwrap().iter().map(|item| item["cents"].as_i64().unwrap()).collect();
        assert!(!cents.is_empty(), "{day}");
        assert_eq!(export["meta"]["count"], cents.len(), "{day}");
        let lacking = cents.iter().sum::<i64>() - export["meta"]["total"].as_i64().unwrap();
        let told = core_truth(day).iter().any(|row| row["kind"] == "control_total");
        assert_eq!(told, day == "2025-03-20");
        assert_eq!(lacking, if told { *cents.last().unwrap() } else { 0 }, "{day}");
    }
}

#[test]
fn each_break_and_each_quiet_outcome_is_explained_in_the_readme() {
    let page = std::fs::read_to_string(samples().join("README.md")).unwrap();
    let quiet = DAYS[..3].iter().map(|day| (*day, csv_rows(&format!("data/expected-{day}.csv")), "outcome"));
    for (day, rows, word) in truths().into_iter().map(|(day, rows)| (day, rows, "kind")).chain(quiet) {
        let section = page.split(&format!("\n## {day}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
        for row in rows {
            let line = format!("| {} | `{}` | {} |", row[word], row["key"], row["why"]);
            assert!(section.contains(&line), "{day} lacks {line}");
        }
    }
}

#[test]
fn what_is_at_risk_on_the_first_day_stays_below_the_shipped_gates() {
    let broken: BTreeSet<String> = truth(DAYS[0]).into_iter().map(|mut row| row.remove("key").unwrap()).collect();
    let mut at_risk = BTreeMap::<String, i64>::new();
    for row in csv_rows("data/ledger-2025-03-19.csv").iter().filter(|row| broken.contains(&row["txn_id"])) {
        let most = at_risk.entry(row["txn_id"].clone()).or_default();
        *most = (*most).max(cents(&row["amount"]));
    }
    for row in file_rows(&samples().join("kard/files/cardlinked-reconciliation-250319.json")) {
        let key = row["attributes"]["transactionId"].as_str().unwrap();
        if broken.contains(key) {
            at_risk.entry(key.to_owned()).or_insert(row["attributes"]["transactionAmountInCents"].as_i64().unwrap());
        }
    }
    assert!(broken.len() < 100, "{} breaks", broken.len());
    assert!(at_risk.values().sum::<i64>() < 50_000, "the whole amounts of what breaks: {at_risk:?}");
}

#[test]
fn only_the_quarantined_notification_has_a_wrong_signature() {
    for day in DAYS {
        let wrong: Vec<String> = envelopes(&samples(), day)
            .iter()
            .filter(|envelope| !signed_by_the_sandbox(envelope))
            .map(|envelope| {
                let body: Value = serde_json::from_str(envelope["body"].as_str().unwrap()).unwrap();
                body["data"]["relationships"]["transaction"]["data"]["id"].as_str().unwrap().to_owned()
            })
            .collect();
        let quarantined: Vec<String> = if day == DAYS[0] {
            csv_rows("data/expected-2025-03-19.csv")
                .iter()
                .filter(|row| row["outcome"] == "quarantined" && row["why"].contains("signature"))
                .map(|row| row["key"].clone())
                .collect()
        } else {
            Vec::new()
        };
        assert_eq!(wrong, quarantined, "{day}");
        assert_eq!(wrong.len(), usize::from(day == DAYS[0]), "{day}");
    }
}

#[test]
fn the_listed_files_are_there_and_the_resent_one_is_the_same() {
    let list: Value = serde_json::from_slice(&std::fs::read(samples().join("kard/files.json")).unwrap()).unwrap();
    for file in list["files"].as_array().unwrap() {
        let path = samples().join("kard").join(file["path"].as_str().unwrap());
        if file["fileType"] == "monthlyReconciliationFile" {
            let rows = csv_rows(path.to_str().unwrap());
            assert!(rows.len() > 5 && rows.iter().all(|row| row["status"] == "SETTLED"), "{}", path.display());
            continue;
        }
        let rows = file_rows(&path);
        assert!(rows.iter().all(|row| row["type"] == "rewardedTransaction"), "{}", path.display());
        let drifted = rows.iter().filter(|row| !row["attributes"]["merchantCategoryCode"].is_null()).count();
        let troubled = file["fileName"].as_str().unwrap().contains("250320");
        assert_eq!(drifted, if troubled { rows.len() } else { 0 }, "{}", path.display());
    }
    let read = |name: &str| std::fs::read(samples().join("kard/files").join(name)).unwrap();
    assert_eq!(
        read("cardlinked-reconciliation-250320.json"),
        read("cardlinked-reconciliation-250320-resent.json"),
        "file_duplicate needs equal bytes"
    );
}

/// Which of the three sides of a day state each key, from the rows themselves.
fn presence(folder: &Path, day: &str) -> BTreeMap<String, BTreeSet<char>> {
    let mut sides = BTreeMap::<String, BTreeSet<char>>::new();
    let short = day.replace('-', "");
    let file = folder.join(format!("kard/files/cardlinked-reconciliation-{}.json", &short[2..]));
    for row in file_rows(&file) {
        sides.entry(row["attributes"]["transactionId"].as_str().unwrap().to_owned()).or_default().insert('F');
    }
    let mut ledger = csv::Reader::from_path(folder.join(format!("data/ledger-{day}.csv"))).unwrap();
    for row in ledger.records() {
        sides.entry(row.unwrap()[0].to_owned()).or_default().insert('L');
    }
    for envelope in envelopes(folder, day).iter().filter(|envelope| signed_by_the_sandbox(envelope)) {
        let body: Value = serde_json::from_str(envelope["body"].as_str().unwrap()).unwrap();
        if let Some(key) = body["data"]["relationships"]["transaction"]["data"]["id"].as_str() {
            sides.entry(key.to_owned()).or_default().insert('W');
        }
    }
    sides
}

/// Keys whose sides do not say the kind that the truth names, and keys that lack a side unexplained.
fn presence_errors(
    folder: &Path,
    day: &str,
    kinds: &BTreeMap<String, String>,
    quiet: &BTreeSet<String>,
) -> Vec<String> {
    let by_sides = [
        ("LW", "missing_in_file"),
        ("FW", "missing_in_ledger"),
        ("FL", "missing_webhook"),
        ("F", "file_only"),
        ("W", "webhook_only"),
        ("L", "reward_missing"),
    ];
    let mut errors = Vec::new();
    for (key, sides) in presence(folder, day) {
        let sides: String = sides.into_iter().collect();
        let wanted = by_sides.iter().find(|(of, _)| *of == sides).map(|(_, kind)| *kind);
        let told = kinds.get(&key).map(String::as_str);
        let presence_kind = told.filter(|kind| by_sides.iter().any(|(_, name)| name == kind));
        let explained = quiet.contains(&key) || told == Some("ambiguous_match");
        if wanted != presence_kind && !explained {
            errors.push(format!("{key} stands on {sides}, the truth says {told:?}"));
        }
    }
    errors
}

#[test]
fn the_presence_that_the_truth_tells_is_that_of_the_rows() {
    for day in &DAYS[..3] {
        let kinds = truth(day).into_iter().map(|row| (row["key"].clone(), row["kind"].clone())).collect();
        let quiet = csv_rows(&format!("data/expected-{day}.csv")).into_iter().map(|row| row["key"].clone()).collect();
        assert_eq!(presence_errors(&samples(), day, &kinds, &quiet), Vec::<String>::new(), "{day}");
    }
}

#[test]
fn no_pair_by_card_and_amount_arises_by_chance() {
    for day in &DAYS[..3] {
        let kinds: BTreeMap<_, _> =
            truth(day).into_iter().map(|row| (row["key"].clone(), row["kind"].clone())).collect();
        let mut keys = BTreeMap::<(String, String), BTreeSet<String>>::new();
        for row in csv_rows(&format!("data/ledger-{day}.csv")) {
            if kinds.get(&row["txn_id"]).is_none_or(|kind| kind != "ambiguous_match") {
                keys.entry((row["last4"].clone(), row["amount"].clone())).or_default().insert(row["txn_id"].clone());
            }
        }
        let shared: Vec<_> = keys.iter().filter(|(_, keys)| keys.len() > 1).collect();
        assert!(shared.is_empty(), "{day}: {shared:?}");
    }
}

#[test]
fn a_big_day_of_no_rows_or_too_many_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (rows, message) in
        [(0, "0 rows; expected 1 to 200000000"), (200_000_001, "200000001 rows; expected 1 to 200000000")]
    {
        let error = generator::bulk::write(folder.path(), 7, rows).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_big_day_has_the_layout_of_the_samples_and_a_truth_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let counts = generator::bulk::write(folder.path(), 7, 3_000).unwrap();
    let ledger = csv::Reader::from_path(folder.path().join("data/ledger-2025-03-19.csv"))
        .unwrap()
        .into_records()
        .map(Result::unwrap)
        .collect::<Vec<_>>();
    let notices = envelopes(folder.path(), DAYS[0]);
    let file = file_rows(&folder.path().join("kard/files/cardlinked-reconciliation-250319.json"));
    assert_eq!(
        [counts.file, counts.ledger, counts.webhooks],
        [file.len(), ledger.len(), notices.len()].map(|n| n as u64)
    );
    for rows in [counts.file, counts.ledger, counts.webhooks] {
        assert!((2_900..3_300).contains(&rows), "{counts:?}");
    }
    // Two purchases of a hundred break, and one of them in three keys.
    assert!((40..100).contains(&counts.breaks), "{counts:?}");
    let keys: BTreeSet<_> = ledger.iter().map(|row| row[0].to_owned()).collect();
    assert!(keys.iter().all(|key| key.len() == 24 && key.bytes().all(|byte| byte.is_ascii_hexdigit())));
    assert!(notices.iter().all(signed_by_the_sandbox));
    // The sides are in different orders: a comparison cannot walk them in step.
    let first_of_file = file[0]["attributes"]["transactionId"].as_str().unwrap();
    assert_ne!(ledger[0][0], *first_of_file);
}
