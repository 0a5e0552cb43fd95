//! Files that only look like evidence: refused before anything in them is unpacked.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::evidence::{evidence, packed, signed, verified};
use crate::support::project::{Output, TestProject};

fn refused(project: &TestProject, bytes: &[u8], expected: &str) {
    project.write("hostile.zip", bytes);
    let Output { code, stderr, .. } = project.run(&["evidence", "verify", "hostile.zip"]);
    assert!(code == Some(65) && stderr.contains(expected), "{expected}: {code:?} {stderr}");
}

#[test]
fn members_with_names_that_lead_elsewhere_are_refused() {
    let project = signed();
    let found = evidence(&project, &[]);
    verified(&project, &found).ended_with(0);
    for name in [
        "../outside.txt",
        "/etc/passwd",
        "report/../../outside.txt",
        "report/sub/file.txt",
        "report\\..\\outside.txt",
        "report/",
        "report/.hidden",
        "report/C:file",
        "inputs/sha256-xyz",
        "inputs/sha256-../../x",
        "extra.txt",
        "README.TXT",
        "report/a\u{202e}txt",
    ] {
        let mut more = found.clone();
        more.push((name.to_owned(), b"x".to_vec()));
        refused(&project, &packed(&more), "is no member of evidence");
    }
    let mut more = found.clone();
    more.push(("report/extra.txt".to_owned(), b"x".to_vec()));
    let told = verified(&project, &more).ended_with(70).stdout;
    assert!(told.contains("WRONG  digests: report/extra.txt") && told.contains("WRONG  report: its digest"), "{told}");
}

#[test]
fn what_is_missing_hidden_doubled_or_no_plain_file_is_refused() {
    let project = signed();
    let found = evidence(&project, &[]);
    for name in ["README.txt", "SHA256SUMS", "journal.jsonl", "sign-off.json"] {
        let fewer: Vec<_> = found.iter().filter(|(known, _)| known != name).cloned().collect();
        refused(&project, &packed(&fewer), &format!("{name} is not in it"));
    }
    let whole = packed(&found);
    refused(&project, &[b"#!/bin/sh\n".as_slice(), &whole].concat(), "before or behind its members");
    refused(&project, &[whole.as_slice(), b"more".as_slice()].concat(), "before or behind its members");
    refused(&project, &whole[..whole.len() / 2], "");
    refused(&project, b"PK", "");
    refused(&project, b"", "");

    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let plain = SimpleFileOptions::default().unix_permissions(0o644);
    for (name, bytes) in &found {
        zip.start_file(name.as_str(), plain).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.add_symlink("report/link.txt", "/etc/passwd", plain).unwrap();
    refused(&project, &zip.finish().unwrap().into_inner(), "is no plain file");

    // Two members of one name, made by renaming in the bytes: `run.json` becomes a second `job.yaml`.
    let mut doubled = whole.clone();
    for at in 0..doubled.len() - 8 {
        if &doubled[at..at + 8] == b"run.json" {
            doubled[at..at + 8].copy_from_slice(b"job.yaml");
        }
    }
    refused(&project, &doubled, "");
}

#[test]
fn what_would_fill_a_disk_is_refused_by_what_it_states() {
    let project = signed();
    let mut found = evidence(&project, &[]);
    found.push(("report/zeros.txt".to_owned(), vec![0; 80 << 20]));
    refused(&project, &packed(&found), "bytes unpacked");
}

#[test]
fn a_member_that_states_less_than_it_holds_is_found() {
    let project = signed();
    let bytes = packed(&evidence(&project, &[]));
    // The sizes that the central directory states, one member after the other.
    let mut places = Vec::new();
    for at in 0..bytes.len() - 46 {
        if bytes[at..at + 4] == [b'P', b'K', 1, 2] {
            places.push(at + 24);
        }
    }
    assert!(places.len() > 10);
    for place in places {
        let mut changed = bytes.clone();
        let stated = u32::from_le_bytes(changed[place..place + 4].try_into().unwrap());
        changed[place..place + 4].copy_from_slice(&(stated / 2).to_le_bytes());
        project.write("hostile.zip", &changed);
        let told = project.run(&["evidence", "verify", "hostile.zip"]);
        assert!(matches!(told.code, Some(65 | 70)), "{told:?}");
    }
}
