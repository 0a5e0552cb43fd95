//! `tieout evidence`: the same bytes twice, all that belongs in, and every kind of tampering found.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use serde_json::Value;
use tieout::digest::sha256;
use tieout::report::sums;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::support::effect_project::{self, AUDITS, FAST, MARKERS};
use crate::support::project::{DAY, Output, TestProject};

pub(crate) const RUN: &str = "rewards/2025-03-19/1";

/// A project with breaks, effects that were sent, and a signed report; and another period beside it.
pub(crate) fn signed() -> TestProject {
    let project = effect_project::project(&format!("{AUDITS}{MARKERS}{FAST}"), "");
    project.run_day(&["--by", "Ada"]).ended_with(0);
    project.run(&["sign-off", RUN, "--by", "Mara Lind"]).ended_with(0);
    project.run(&["sign-off", RUN, "--by", "Robin"]).ended_with(0);
    project
}

/// Makes the evidence, and gives its members by name in their order.
pub(crate) fn evidence(project: &TestProject, more: &[&str]) -> Vec<(String, Vec<u8>)> {
    project.run(&[&["evidence", RUN, "-o", "evidence.zip"], more].concat()).ended_with(0);
    members(&project.read("evidence.zip"))
}

pub(crate) fn members(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..zip.len())
        .map(|at| {
            let mut member = zip.by_index(at).unwrap();
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).unwrap();
            (member.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

/// Packs members as anybody could.
pub(crate) fn packed(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(name.as_str(), SimpleFileOptions::default().unix_permissions(0o644)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The same members with digests that fit them again: what somebody does who knows the file.
fn resummed(members: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let digests: BTreeMap<String, String> = members
        .iter()
        .filter(|(name, _)| name != "SHA256SUMS")
        .map(|(name, bytes)| (name.clone(), sha256(bytes)))
        .collect();
    let mut members = members.to_vec();
    for (name, bytes) in &mut members {
        if name == "SHA256SUMS" {
            *bytes = sums(&digests).into_bytes();
        }
    }
    members
}

pub(crate) fn verified(project: &TestProject, members: &[(String, Vec<u8>)]) -> Output {
    project.write("changed.zip", packed(members));
    project.run(&["evidence", "verify", "changed.zip"])
}

fn member<'m>(members: &'m mut [(String, Vec<u8>)], name: &str) -> &'m mut Vec<u8> {
    &mut members.iter_mut().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}")).1
}

fn text(members: &[(String, Vec<u8>)], name: &str) -> String {
    let found = members.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}"));
    String::from_utf8(found.1.clone()).unwrap()
}

#[test]
fn the_same_run_and_journal_give_the_same_bytes() {
    let project = signed();
    let first = evidence(&project, &[]);
    let bytes = project.read("evidence.zip");
    evidence(&project, &[]);
    assert_eq!(project.read("evidence.zip"), bytes);
    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    let fixed = [
        "README.txt",
        "run.json",
        "inputs.csv",
        "plan.json",
        "effects.jsonl",
        "sign-off.json",
        "anchor.json",
        "job.yaml",
        "journal.jsonl",
    ];
    assert_eq!(names[..fixed.len()], fixed);
    assert_eq!(names.last(), Some(&"SHA256SUMS"));
    for name in ["summary.json", "breaks.csv", "effects.csv"] {
        assert_eq!(text(&first, &format!("report/{name}")).into_bytes(), project.read(&format!("runs/{RUN}/{name}")));
    }
    assert_eq!(project.listing("").iter().filter(|name| name.contains(".tmp-")).count(), 0, "nothing is left over");
    // No member says where this machine keeps things.
    let folder = project.path("").to_str().unwrap().to_owned();
    assert!(first.iter().all(|(_, bytes)| !String::from_utf8_lossy(bytes).contains(&folder)));

    let told = project.run(&["evidence", "verify", "evidence.zip", "--against-journal"]).ended_with(0).stdout;
    assert!(told.ends_with("The evidence is whole and agrees with itself.\n"), "{told}");
    for line in [
        "ok     report: ",
        "ok     statement: ",
        "ok     breaks: 7 rows of breaks.csv",
        "ok     effects: 7 effects stand where their entries lead",
        "ok     sign-off: this report: prepared by Mara Lind (",
        "ok     project's journal: ",
        "ok     job: as it was run",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
}

#[test]
fn what_went_to_the_provider_stands_in_it_with_receipts() {
    let project = signed();
    let found = evidence(&project, &[]);
    let effects: Vec<Value> =
        text(&found, "effects.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(effects.len(), 7);
    for effect in &effects {
        assert_eq!(effect["standing"]["state"], "acknowledged", "{effect}");
        let steps: Vec<&str> =
            effect["steps"].as_array().unwrap().iter().map(|step| step["event"]["event"].as_str().unwrap()).collect();
        assert_eq!(steps, ["proposed", "approved", "in_flight", "acknowledged"]);
        assert_eq!(effect["steps"][2]["event"]["body_sha256"].as_str().unwrap().len(), 64);
    }
    let plan: Value = serde_json::from_str(&text(&found, "plan.json")).unwrap();
    assert_eq!(plan["effects"].as_array().unwrap().len(), 7);
    let signed: Value = serde_json::from_str(&text(&found, "sign-off.json")).unwrap();
    assert_eq!(signed["standing"]["signed_off"]["by"], "Robin");
    assert_eq!(signed["standing"]["digest"], signed["report_digest"]);
}

#[test]
fn other_periods_are_in_by_their_hashes_alone_unless_asked_for() {
    let project = signed();
    let first_end = project.run(&["journal", "anchor"]).ended_with(0).stdout;
    project.write("data/ledger-2025-03-18.csv", effect_project::ledger_rows());
    let ended = project.run(&["run", "rewards", "--period", "2025-03-18", "--by", "Ada"]);
    assert!(ended.code.is_some());
    // Whatever became of that run, somebody decides about a break of the first one.
    project.run(&["sign-off", "withdraw", RUN, "--reason", "again", "--by", "Ada"]).ended_with(0);
    let found = evidence(&project, &[]);
    let part = text(&found, "journal.jsonl");
    assert!(!part.contains("2025-03-18"), "{part}");
    let whole = text(&evidence(&project, &["--whole-journal"]), "journal.jsonl");
    assert_eq!(whole.lines().count(), part.lines().count());
    assert!(whole.lines().all(|line| line.contains("\"entry\":")));
    assert!(part.lines().count() > first_end.split(':').next().unwrap().parse::<usize>().unwrap());
    project.run(&["evidence", "verify", "evidence.zip", "--against-journal"]).ended_with(0);
}

#[test]
fn inputs_go_in_as_received_when_asked() {
    let project = signed();
    let alone = evidence(&project, &[]);
    assert!(alone.iter().all(|(name, _)| !name.starts_with("inputs/")));
    let found = evidence(&project, &["--with-inputs"]);
    let raw: Vec<_> = found.iter().filter(|(name, _)| name.starts_with("inputs/")).collect();
    assert_eq!(raw.len(), 2);
    for (name, bytes) in raw {
        assert_eq!(*name, format!("inputs/sha256-{}", sha256(bytes)));
        assert!(text(&found, "inputs.csv").contains(name.as_str()));
    }
    let told = project.run(&["evidence", "verify", "evidence.zip"]).ended_with(0).stdout;
    assert!(told.contains("ok     inputs: 2 files that were read, 2 of them in here"), "{told}");
    let swept = project.listing(&format!("runs/rewards/{DAY}/raw"));
    std::fs::remove_file(project.path(&swept[0])).unwrap();
    let refused = project.run(&["evidence", RUN, "-o", "evidence.zip", "--with-inputs"]).ended_with(65);
    assert!(refused.error().contains("leave --with-inputs away"), "{}", refused.stderr);
}

#[test]
fn a_byte_that_is_flipped_in_any_member_is_found() {
    let project = signed();
    let found = evidence(&project, &["--with-inputs"]);
    for at in 0..found.len() {
        let mut changed = found.clone();
        let middle = changed[at].1.len() / 2;
        changed[at].1[middle] ^= 1;
        let name = changed[at].0.clone();
        let told = verified(&project, &changed).ended_with(70).stdout;
        let digests = told.lines().find(|line| line.contains("  digests: ")).unwrap();
        let expected = if name == "SHA256SUMS" { "SHA256SUMS" } else { name.as_str() };
        assert!(digests.starts_with("WRONG") && digests.contains(expected), "{name}: {told}");
        assert!(told.ends_with("THE EVIDENCE IS NOT AS IT WAS WRITTEN.\n"), "{told}");
    }
}

/// What somebody does to the members of a file.
type Tamper<'t> = Box<dyn Fn(&mut Vec<(String, Vec<u8>)>) + 't>;

#[test]
fn whoever_mends_the_digests_is_found_by_what_the_parts_say_of_each_other() {
    let project = signed();
    let found = evidence(&project, &[]);
    verified(&project, &resummed(&found)).ended_with(0);
    let lines = |members: &[(String, Vec<u8>)]| -> Vec<String> {
        text(members, "journal.jsonl").lines().map(str::to_owned).collect()
    };
    let replaced = |name: &'static str, from: &'static str, to: &'static str| -> Tamper<'_> {
        Box::new(move |members| {
            let changed = text(members, name).replacen(from, to, 1);
            assert_ne!(changed, text(members, name), "{from} stands in {name}");
            *member(members, name) = changed.into_bytes();
        })
    };
    let relined = |change: fn(&mut Vec<String>)| -> Tamper<'_> {
        Box::new(move |members| {
            let mut all = lines(members);
            change(&mut all);
            *member(members, "journal.jsonl") = format!("{}\n", all.join("\n")).into_bytes();
        })
    };
    let tampers: Vec<(Tamper<'_>, &str)> = vec![
        (relined(|lines| drop(lines.remove(3))), "WRONG  journal: "),
        (relined(|lines| lines.swap(2, 3)), "WRONG  journal: "),
        (relined(|lines| drop(lines.pop())), "WRONG  journal: it ends with "),
        (relined(|lines| lines.push(lines[0].clone())), "WRONG  journal: "),
        (replaced("journal.jsonl", "Robin", "Eve"), "WRONG  journal: entry "),
        (replaced("report/breaks.csv", "7.70", "7.71"), "WRONG  report: its digest is "),
        (
            replaced("report/summary.json", "\"residual_minor\": \"0\"", "\"residual_minor\": \"1\""),
            "WRONG  statement: ",
        ),
        (replaced("effects.jsonl", "acknowledged", "rejected"), "WRONG  effects: "),
        (replaced("sign-off.json", "Robin", "Eve"), "WRONG  sign-off: "),
        (replaced("anchor.json", "\"sequence\": ", "\"sequence\": 1"), "WRONG  journal: it ends with "),
        (replaced("job.yaml", "tolerance: 0", "tolerance: 9"), "WRONG  job: "),
        (replaced("run.json", "\"report_digest\": \"", "\"report_digest\": \"0"), "WRONG  report: "),
    ];
    for (tamper, expected) in tampers {
        let mut changed = found.clone();
        tamper(&mut changed);
        let told = verified(&project, &resummed(&changed)).ended_with(70).stdout;
        assert!(told.contains(expected), "{expected}\n{told}");
    }
}

#[test]
fn a_sum_that_was_changed_with_every_digest_is_found_by_adding_up() {
    let project = signed();
    let mut changed = evidence(&project, &[]);
    let csv = text(&changed, "report/breaks.csv");
    let row = csv.lines().nth(1).unwrap().to_owned();
    *member(&mut changed, "report/breaks.csv") = csv.replacen(&format!("{row}\n"), "", 1).into_bytes();
    let told = verified(&project, &resummed(&changed)).ended_with(70).stdout;
    assert!(
        told.contains("WRONG  breaks: the rows of breaks.csv do not add up to what the summary states of "),
        "{told}"
    );
}

#[test]
fn a_signature_under_another_report_is_told() {
    let project = signed();
    let summary = format!("runs/{RUN}/summary.json");
    let mut bytes = project.read(&summary);
    bytes.push(b' ');
    project.write(&summary, bytes);
    let found = evidence(&project, &[]);
    assert!(text(&found, "sign-off.json").contains("report changed"));
    let told = project.run(&["evidence", "verify", "evidence.zip"]).ended_with(70).stdout;
    assert!(told.contains("WRONG  sign-off: signed was "), "{told}");
}

#[test]
fn another_journal_and_one_that_was_cut_off_are_told() {
    let (project, other) = (signed(), signed());
    evidence(&project, &[]);
    other.write("evidence.zip", project.read("evidence.zip"));
    other.run(&["evidence", "verify", "evidence.zip"]).ended_with(0);
    let told = other.run(&["evidence", "verify", "evidence.zip", "--against-journal"]).ended_with(70).stdout;
    assert!(told.contains("WRONG  project's journal: entry "), "{told}");
    let fresh = TestProject::small();
    fresh.write("evidence.zip", project.read("evidence.zip"));
    let told = fresh.run(&["evidence", "verify", "evidence.zip", "--against-journal"]).ended_with(70).stdout;
    assert!(told.contains("the project has no journal yet"), "{told}");
}

#[test]
fn what_cannot_be_evidence_is_refused() {
    let project = TestProject::small();
    project.run_day(&[]).ended_with(0);
    std::fs::remove_file(project.path("data/ledger-2025-03-19.csv")).unwrap();
    project.run_day(&[]).ended_with(75);
    let failed = project.run(&["evidence", "rewards/2025-03-19/2", "-o", "e.zip"]).ended_with(2);
    assert!(failed.error().starts_with("run rewards/2025-03-19/2 has not finished"), "{}", failed.stderr);
    let nowhere = project.run(&["evidence", RUN, "-o", "nowhere/e.zip"]).ended_with(1);
    assert!(nowhere.error().starts_with("cannot write the evidence to nowhere"), "{}", nowhere.stderr);
    std::fs::remove_dir_all(project.path(&format!("runs/{RUN}"))).unwrap();
    let gone = project.run(&["evidence", RUN, "-o", "e.zip"]).ended_with(65);
    assert!(gone.error().starts_with(&format!("the report of run {RUN} is not whole")), "{}", gone.stderr);
    assert!(!project.path("e.zip").exists());
}
