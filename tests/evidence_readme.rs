//! What the README of evidence tells an auditor to do, done as it stands there.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::evidence::{evidence, signed};

/// The commands of the README, in their order: lines that are indented, and Python up to its end.
fn commands(readme: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("python3 - <<'EOF'") {
            let mut command = format!("{line}\n");
            for line in lines.by_ref() {
                command.push_str(line);
                command.push('\n');
                if line == "EOF" {
                    break;
                }
            }
            found.push(command);
        } else if line.starts_with("  sha256sum") || line.starts_with("  (cd report") {
            found.push(line.trim().to_owned());
        }
    }
    found
}

fn done(folder: &Path, command: &str) -> (bool, String) {
    let ended = Command::new("sh").args(["-c", command]).current_dir(folder).output().unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    (ended.status.success(), told)
}

fn unpacked(members: &[(String, Vec<u8>)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in members {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

#[test]
fn coreutils_find_a_changed_file_and_the_digest_that_was_signed() {
    let members = evidence(&signed(), &["--with-inputs"]);
    let readme = String::from_utf8(members[0].1.clone()).unwrap();
    let commands = commands(&readme);
    assert_eq!(commands.len(), 5, "{commands:?}");
    let folder = unpacked(&members);
    let (well, told) = done(folder.path(), &commands[0]);
    assert!(well && told.contains("report/summary.json: OK"), "{told}");
    let (_, digest) = done(folder.path(), &commands[3]);
    let digest = digest.split(' ').next().unwrap();
    assert!(readme.contains(&format!("It must be   {digest}\nSigned was   {digest}\n")), "{digest}\n{readme}");
    assert!(!readme.contains(['\t']) && !readme.contains("{run}") && !readme.contains("{anchor}"));
    for (name, bytes) in members.iter().filter(|(name, _)| name != "SHA256SUMS") {
        let path = folder.path().join(name);
        std::fs::write(&path, [bytes.as_slice(), b" "].concat()).unwrap();
        let (well, told) = done(folder.path(), &commands[0]);
        assert!(!well && told.contains(&format!("{name}: FAILED")), "{name}: {told}");
        std::fs::write(&path, bytes).unwrap();
    }
}

#[test]
#[ignore = "needs Python 3: .ci/evidence"]
fn every_command_of_the_readme_does_what_it_says() {
    let project = signed();
    for more in [&[][..], &["--whole-journal"]] {
        let members = evidence(&project, more);
        let readme = String::from_utf8(members[0].1.clone()).unwrap();
        let folder = unpacked(&members);
        let told: Vec<String> = commands(&readme)
            .iter()
            .map(|command| {
                let (well, told) = done(folder.path(), command);
                assert!(well, "{command}\n{told}");
                told
            })
            .collect();
        assert!(told[1].contains("adds up: ledger file USD transaction_amount"), "{}", told[1]);
        assert!(told[2].contains("breaks.csv: 7 breaks, as the summary states"), "{}", told[2]);
        assert!(told[4].contains("'by': 'Mara Lind'") && told[4].contains("signed_off"), "{}", told[4]);
    }
}

#[test]
#[ignore = "needs Python 3: .ci/evidence"]
fn the_readmes_python_finds_what_was_changed() {
    let project = signed();
    let members = evidence(&project, &[]);
    let readme = String::from_utf8(members[0].1.clone()).unwrap();
    let commands = commands(&readme);
    let journal = |change: fn(&mut Vec<String>)| {
        let (_, bytes) = members.iter().find(|(name, _)| name == "journal.jsonl").unwrap();
        let mut lines: Vec<String> = std::str::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect();
        change(&mut lines);
        format!("{}\n", lines.join("\n"))
    };
    let report = |name: &str, from: &str, to: &str| {
        let (_, bytes) = members.iter().find(|(known, _)| known == name).unwrap();
        let changed = std::str::from_utf8(bytes).unwrap().replacen(from, to, 1);
        assert_ne!(changed.as_bytes(), bytes.as_slice(), "{from} stands in {name}");
        changed
    };
    let csv = report("report/breaks.csv", "amount_mismatch", "missing_in_file");
    for (command, name, text) in [
        (4, "journal.jsonl", journal(|lines| drop(lines.remove(3)))),
        (4, "journal.jsonl", journal(|lines| lines.swap(2, 3))),
        (4, "journal.jsonl", journal(|lines| drop(lines.pop()))),
        (
            4,
            "journal.jsonl",
            journal(|lines| {
                let line = lines.iter_mut().find(|line| line.contains("at_risk_minor")).unwrap();
                *line = line.replacen("at_risk_minor", "at_risk_manor", 1);
            }),
        ),
        (
            1,
            "report/summary.json",
            report("report/summary.json", "\"left_total_minor\": \"", "\"left_total_minor\": \"1"),
        ),
        (2, "report/breaks.csv", csv),
    ] {
        let folder = unpacked(&members);
        std::fs::write(folder.path().join(name), text).unwrap();
        let (well, told) = done(folder.path(), &commands[command]);
        assert!(!well && told.contains("AssertionError"), "{name}: {told}");
    }
}
