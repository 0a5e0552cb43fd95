//! Full card numbers and security codes never leave the parser of Kuggar's replies: whatever Kuggar says and however a
//! run ends, no byte of any file or output holds one.

use std::io::{Cursor, Read as _};
use std::path::Path;

use polars::prelude::{ParquetReader, SerReader as _};
use zip::ZipArchive;

use crate::support::kuggar::{CODE, NUMBER, Reply, answering, project, published, shipped_card_data, with};
use crate::support::project::{DAY, Output, TestProject};

const RUN: &str = "kuggar-cards/2025-03-19/1";

/// What must be nowhere.
struct Canaries {
    numbers: Vec<String>,
}

impl Canaries {
    fn shipped() -> Self {
        let mut numbers: Vec<String> = shipped_card_data().into_iter().map(|(number, _)| number).collect();
        numbers.push(NUMBER.to_owned());
        assert!(numbers.len() > 30 && numbers.iter().all(|number| number.len() == 16));
        Self { numbers }
    }

    /// Of a number no more than its ends may stand anywhere, with blanks and hyphens or without; and nothing may speak of a
    /// security code.
    fn found(&self, bytes: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(bytes);
        let close: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '\u{a0}')).collect();
        if let Some(number) =
            self.numbers.iter().find(|number| close.contains(&number[..12]) || close.contains(&number[4..]))
        {
            return Some(format!("the card {}…{}", &number[..6], &number[12..]));
        }
        let low = close.to_ascii_lowercase();
        low.contains("securitycode\":").then(|| "a security code".to_owned())
    }

    #[track_caller]
    fn check(&self, what: &str, bytes: &[u8]) {
        if let Some(found) = self.found(bytes) {
            panic!("{what} holds {found}");
        }
    }

    /// Every file below the folder, and what is packed in it.
    #[track_caller]
    fn check_folder(&self, folder: &Path) -> usize {
        let mut checked = 0;
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                checked += self.check_folder(&path);
                continue;
            }
            checked += 1;
            let bytes = std::fs::read(&path).unwrap();
            let name = path.display().to_string();
            self.check(&name, name.as_bytes());
            self.check_bytes(&name, &bytes);
        }
        checked
    }

    fn check_bytes(&self, name: &str, bytes: &[u8]) {
        self.check(name, bytes);
        match bytes {
            [b'P', b'K', 3, 4, ..] => {
                let mut zip = ZipArchive::new(Cursor::new(bytes)).unwrap();
                for at in 0..zip.len() {
                    let mut member = zip.by_index(at).unwrap();
                    let mut bytes = Vec::new();
                    member.read_to_end(&mut bytes).unwrap();
                    self.check_bytes(&format!("{name}/{}", member.name().unwrap()), &bytes);
                }
            }
            [b'P', b'A', b'R', b'1', ..] => {
                let frame = ParquetReader::new(Cursor::new(bytes.to_vec())).finish().unwrap();
                assert!(frame.height() > 0, "{name}");
                for column in frame.columns() {
                    for value in column.as_materialized_series().iter() {
                        self.check(&format!("{name}: {}", column.name()), value.to_string().as_bytes());
                    }
                }
            }
            _ => {}
        }
    }

    #[track_caller]
    fn check_all(&self, project: &TestProject, outputs: &[Output]) {
        for output in outputs {
            self.check("stdout", output.stdout.as_bytes());
            self.check(&format!("stderr of {:?}", output.code), output.stderr.as_bytes());
        }
        assert!(self.check_folder(&project.path("")) > 5);
    }
}

/// A run that says all that it can say.
fn loud(project: &TestProject, arguments: &[&str]) -> Output {
    let mut command = project.command(&[arguments, &["-vv"]].concat());
    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    project.ended(command.spawn().unwrap())
}

fn run(project: &TestProject) -> Output {
    loud(project, &["run", "kuggar-cards", "--period", DAY])
}

#[test]
fn the_search_finds_what_it_is_for() {
    let canaries = Canaries::shipped();
    for text in [
        NUMBER.to_owned(),
        "x 5413 3302 6742 2872".to_owned(),
        "5413-3302-6742".to_owned(),
        "302-6742 2872".to_owned(),
        published(),
        format!("{{\"cardSecurityCode\": \"{CODE}\"}}"),
    ] {
        assert_eq!(canaries.found(text.as_bytes()).is_some(), text != "302-6742 2872", "{text}");
    }
    assert_eq!(canaries.found(b"541333 2872, 541333******2872"), None);
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/kuggar/cards.json");
    assert!(canaries.found(&std::fs::read(samples).unwrap()).is_some());
}

#[test]
fn a_good_run_and_all_that_is_made_of_it_hold_none() {
    let canaries = Canaries::shipped();
    let mut project = project("", None);
    let mut outputs = vec![run(&project).ended_with(0), loud(&project, &["doctor"])];
    for arguments in [
        &["runs"][..],
        &["breaks", RUN, "--format", "json"],
        &["evidence", RUN, "-o", "evidence.zip"],
        &["journal", "verify"],
    ] {
        outputs.push(loud(&project, arguments).ended_with(0));
    }
    project.stop_provider();
    outputs.push(loud(&project, &["run", "kuggar-cards", "--period", DAY, "--offline"]).ended_with(0));
    for name in ["breaks.csv", "breaks.parquet", "report.html", "report.xlsx", "summary.json"] {
        assert!(project.path(&format!("runs/{RUN}/{name}")).exists(), "{name}");
    }
    canaries.check_all(&project, &outputs);
}

#[test]
fn a_run_with_any_fault_holds_none() {
    let canaries = Canaries::shipped();
    let faults = [
        "{status: 400}",
        "{status: 401}",
        "{status: 403}",
        "{status: 404}",
        "{status: 429}",
        "{status: 500}",
        "{status: 503}",
        "reset_before",
        "reset_after",
        "malformed_json",
        "wrong_bytes",
        "html_page",
        "revoke_token",
        "{truncate: 150}",
        "{truncate: 215}",
        "{truncate: 222}",
    ];
    // Some pass, and the run goes on to its report.
    let passing = ["malformed_json", "wrong_bytes", "{truncate: 215}"].map(|fault| ("5", fault));
    for (nth, fault) in faults.map(|fault| ("every", fault)).into_iter().chain(passing) {
        let project = project(&format!("  - {{on: kuggar.card, nth: {nth}, do: {fault}}}\n"), None);
        let ended = run(&project);
        assert!(ended.code.is_some_and(|code| code != 101 && (code == 0) == (nth == "5")), "{fault}: {ended:?}");
        canaries.check_all(&project, &[ended]);
    }
}

/// Replies that no sandbox gives: each holds the card where it does not belong.
fn hostile() -> Vec<Reply> {
    let place = published().find(NUMBER).unwrap();
    let escaped = published().replace('\n', "").replace('"', "\\\"");
    let spaced = "5413 3302 6742 2872";
    let mut replies = Vec::new();
    for status in [400, 403, 404, 500] {
        replies.push(Reply::new(status, published()));
        replies.push(Reply::new(status, format!("{{\"message\": \"{escaped}\"}}")));
        replies
            .push(Reply::new(status, format!("{{\"title\": \"no\", \"detail\": \"card {spaced} has cvv {CODE}\"}}")));
        replies.push(Reply::new(status, published()[..place + 13].to_owned()));
    }
    let good = published();
    for cut in [9, 13, 15] {
        replies.push(Reply::new(200, good[..place + cut].to_owned()));
        replies.push(Reply { announced: Some(good.len()), ..Reply::new(200, good[..place + cut].to_owned()) });
        replies.push(Reply { announced: Some(good.len()), ..Reply::new(500, good[..place + cut].to_owned()) });
    }
    let quoted = format!("\"{NUMBER}\"");
    for text in [
        with(&quoted, NUMBER),
        with(&quoted, &format!("[{quoted}]")),
        with("\"Updated\"", &quoted),
        with("\"WEX\"", NUMBER),
        with("123.450", NUMBER),
        format!("{good}{NUMBER}"),
        format!("[{good}]"),
        quoted,
        format!("<html>{good}</html>"),
    ] {
        replies.push(Reply::new(200, text));
    }
    replies.push(Reply::new(200, [good.as_bytes(), b"\xff"].concat()));
    replies
}

#[test]
fn a_run_against_a_provider_that_repeats_cards_everywhere_holds_none() {
    let canaries = Canaries::shipped();
    for reply in hostile() {
        let shown = format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body));
        let project = project("", Some(&answering(reply)));
        let ended = run(&project);
        // Every card gone is no failure; all else is one.
        assert_ne!(ended.code, Some(101), "{shown}: {ended:?}");
        assert!(ended.code == Some(0) || !ended.error().is_empty(), "{shown}");
        canaries.check_all(&project, &[ended]);
    }
}

#[test]
fn an_id_of_the_ledger_that_is_a_card_number_goes_nowhere() {
    let canaries = Canaries::shipped();
    let project = project("", None);
    let ledger = "kuggar_id,limit,currency,valid_from,valid_to,status,bin,last4\n5413 3302 6742 2872,1.00,USD,\
                  2025-03-01,2025-03-31,open,541333,2872\n";
    project.write("data/cards-2025-03-19.csv", ledger);
    let ended = run(&project).ended_with(65);
    assert!(ended.error().contains("the id is as long as a card number"), "{ended:?}");
    canaries.check("stderr", ended.stderr.as_bytes());
    assert!(project.received().iter().all(|request| !request.path.contains("5413")));
}
