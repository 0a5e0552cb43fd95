//! `tieout review import`: what a reviewer has filled in on a workbook, row by row into the journal.

use std::path::PathBuf;

use calamine::Data;
use serde_json::Value;
use tieout::breaks::BreakStatus;
use tieout::breaks::life::{Event, Standing as Life};
use tieout::effects::{Approver, Event as EffectEvent, Standing, State};
use tieout::journal::{EffectFilter, Journal};
use tieout::report::xlsx::form::{List, Word};
use tokio::runtime::Runtime;

use crate::support::project::{Output, TestProject};
use crate::support::workbook::{Book, Typed};

const RUN: &str = "rewards-daily/2025-03-19/1";

/// The shipped day, run once, with the workbook that came of it.
struct Review {
    project: TestProject,
    book: Book,
    runtime: Runtime,
}

impl Review {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(prepare: impl FnOnce(&TestProject)) -> Self {
        let project = TestProject::shipped("");
        prepare(&project);
        project.run(&["run", "rewards-daily", "--period", "2025-03-19"]).ended_with(0);
        let book = Book::open(&project.path("runs/rewards-daily/2025-03-19/1/report.xlsx"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { project, book, runtime }
    }

    /// The id of the first break of a kind.
    fn break_of(&self, kind: &str) -> String {
        self.id("Breaks", "Break id", "Kind", kind)
    }

    fn effect_of(&self, kind: &str) -> String {
        self.id("Effects", "Effect id", "Kind", kind)
    }

    fn id(&self, sheet: &str, id: &str, head: &str, value: &str) -> String {
        let wanted = Data::String(value.to_owned());
        let rows = self.book.list(sheet);
        let row = rows.iter().find(|row| row[head] == wanted).unwrap_or_else(|| panic!("{sheet}: no {value}"));
        row[id].to_string()
    }

    fn fill(&mut self, sheet: &str, id: &str, cells: &[(&str, &str)]) {
        for (head, text) in cells {
            self.book.fill(sheet, id, head, Typed::Text(text));
        }
    }

    fn saved(&self) -> PathBuf {
        let path = self.project.path("filled.xlsx");
        self.book.save(&path);
        path
    }

    fn import(&self, more: &[&str]) -> Output {
        let path = self.saved();
        let arguments = [&["review", "import", path.to_str().unwrap(), "--by", "Mara Lind", "--format", "json"], more];
        self.project.run(&arguments.concat())
    }

    /// Outcome and reason of each row, in the order of the workbook.
    fn outcomes(output: &Output) -> Vec<(String, String)> {
        let rows: Value = serde_json::from_str(&output.stdout).unwrap();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        rows.as_array().unwrap().iter().map(|row| (text(row, "outcome"), text(row, "reason"))).collect()
    }

    fn with_journal<T>(&self, work: impl AsyncFnOnce(&Journal) -> T) -> T {
        self.runtime.block_on(async {
            let journal = Journal::open_read_only(&self.project.path(".tieout/state.db")).await.unwrap().unwrap();
            work(&journal).await
        })
    }

    fn life(&self, id: &str) -> Life {
        self.with_journal(async |journal| journal.life(id).await.unwrap())
    }

    /// The last thing that happened to a break.
    fn last(&self, id: &str) -> Event {
        self.with_journal(async |journal| journal.life_of(id).await.unwrap().pop().unwrap().event)
    }

    fn effect(&self, id: &str) -> Standing {
        self.with_journal(async |journal| journal.effect(id).await.unwrap())
    }

    /// The number of the journal's last entry.
    fn entries(&self) -> u64 {
        self.with_journal(async |journal| journal.anchor().await.unwrap().sequence)
    }
}

#[test]
fn what_is_filled_in_goes_into_the_journal_and_a_second_time_changes_nothing() {
    let mut review = Review::new();
    let kinds =
        ["file_only", "duplicate_row", "missing_webhook", "currency_mismatch", "reward_missing", "split_excess"];
    let [confirmed, assigned, written_off, commented, audited, matched] = kinds.map(|kind| review.break_of(kind));
    let marker = review.effect_of("fraud_marker");
    let suggested = review.book.list("Suggested")[0]["Suggestion id"].to_string();
    review.fill(
        "Breaks",
        &confirmed,
        &[("Decision", "confirm"), ("Comment", "seen\nin the file"), ("Assign to", "Jo")],
    );
    review.fill("Breaks", &assigned, &[("Decision", "ASSIGN "), ("Assign to", " Jo Ruiz ")]);
    review.fill("Breaks", &written_off, &[("Decision", "write off"), ("Comment", "=1+1 below the limit & <known>")]);
    review.fill("Breaks", &commented, &[("Comment", "asked the ledger team")]);
    review.fill("Breaks", &audited, &[("Decision", "approve audit")]);
    review.fill("Breaks", &matched, &[("Decision", "force-match"), ("Comment", "txn 7 of yesterday")]);
    review.fill("Suggested", &suggested, &[("Decision", "accept suggestion"), ("Comment", "same card, same minute")]);
    review.fill("Effects", &marker, &[("Decision", "reject"), ("Comment", "the customer has called")]);

    let before = review.entries();
    let dry = review.import(&["--dry-run"]).ended_with(0);
    assert!(dry.stderr.contains("8 of 8 rows would be taken, 0 refused; nothing was written"), "{}", dry.stderr);
    assert_eq!(review.entries(), before);

    let taken = review.import(&[]).ended_with(0);
    assert!(taken.stderr.contains("8 of 8 rows taken, 0 known already, 0 refused"), "{}", taken.stderr);
    assert!(Review::outcomes(&taken).iter().all(|(outcome, _)| outcome == "accepted"), "{}", taken.stdout);
    // One entry each, and one more for what is assigned beside being confirmed.
    assert_eq!(review.entries(), before + 9);
    let by = || "Mara Lind".to_owned();
    assert_eq!(review.last(&confirmed), Event::Confirmed { by: by(), reason: Some("seen\nin the file".to_owned()) });
    assert_eq!(review.life(&confirmed).owner.as_deref(), Some("Jo"));
    assert_eq!(review.last(&assigned), Event::Assigned { to: "Jo Ruiz".to_owned(), by: by(), reason: None });
    let reason = "=1+1 below the limit & <known>".to_owned();
    assert_eq!(review.last(&written_off), Event::WrittenOff { by: by(), reason });
    assert_eq!(review.last(&commented), Event::Commented { text: "asked the ledger team".to_owned(), by: by() });
    let statuses = [&confirmed, &written_off, &matched, &suggested].map(|id| review.life(id).status);
    assert_eq!(
        statuses,
        [BreakStatus::Confirmed, BreakStatus::WrittenOff, BreakStatus::ForceMatched, BreakStatus::ForceMatched]
    );
    let audits = review.with_journal(async |journal| journal.effects(&EffectFilter::default()).await.unwrap());
    let of_break = |standing: &&Standing| standing.effect.grounds[0].break_id.as_ref() == Some(&audited);
    let audit = audits.iter().find(of_break).unwrap();
    assert_eq!(audit.state, State::Approved);
    assert_eq!(audit.approval.as_ref().unwrap().by, Approver::Person { name: by() });
    assert_eq!(review.effect(&marker).state, State::Refused);
    let history = review.with_journal(async |journal| journal.history(&marker).await.unwrap());
    let refused = EffectEvent::Refused { by: by(), comment: "the customer has called".to_owned() };
    assert_eq!(history.last().unwrap().event, refused);

    let again = review.import(&[]).ended_with(0);
    assert!(again.stderr.contains("0 of 8 rows taken, 8 known already, 0 refused"), "{}", again.stderr);
    assert!(Review::outcomes(&again).iter().all(|(outcome, _)| outcome == "already_done"), "{}", again.stdout);
    let path = review.saved();
    review.project.run(&["review", "import", path.to_str().unwrap(), "--by", "Jo Ruiz"]).ended_with(0);
    assert_eq!(review.entries(), before + 9, "nor does it when another person imports the same file");
    review.project.run(&["journal", "verify"]).ended_with(0);
}

#[test]
fn one_refused_row_and_nothing_is_taken_unless_a_part_is_asked_for() {
    let mut review = Review::new();
    let (good, bad) = (review.break_of("file_only"), review.break_of("duplicate_row"));
    let marker = review.effect_of("fraud_marker");
    review.fill("Breaks", &good, &[("Decision", "confirm")]);
    review.fill("Breaks", &bad, &[("Decision", "write off")]);
    review.fill("Effects", &marker, &[("Decision", "approve"), ("Comment", "checked")]);
    let before = review.entries();
    let refused = review.import(&[]).ended_with(2);
    assert!(
        refused.stderr.contains("1 of 3 rows are refused, so none was taken; --partial takes the other 2"),
        "{}",
        refused.stderr
    );
    let accepted = ("accepted".to_owned(), String::new());
    let reason = ("refused".to_owned(), "`write off` needs a reason: the comment is empty".to_owned());
    let mut outcomes = Review::outcomes(&refused);
    outcomes.sort();
    assert_eq!(outcomes, [accepted.clone(), accepted, reason]);
    assert_eq!(review.entries(), before);

    review.import(&["--partial"]).ended_with(2);
    assert_eq!(review.life(&good).status, BreakStatus::Confirmed);
    assert_eq!(review.life(&bad).status, BreakStatus::Open);
    assert_eq!(review.effect(&marker).state, State::Approved);
    assert_eq!(review.entries(), before + 2);
}

/// A case: sheet, id, what is typed under which heads, and why it is refused.
type Case<'c> = (&'c str, &'c str, Vec<(&'c str, Typed<'c>)>, String);

/// Rows about a break that cannot be taken.
fn of_a_break<'c>(id: &'c str, decision: &str, comment: &str, long: &'c str) -> Vec<Case<'c>> {
    let text = Typed::Text;
    vec![
        (
            "Breaks",
            id,
            vec![("Decision", text("delete"))],
            "`delete` is no decision here; expected one of: confirm, assign, write off, force match, reopen, approve \
             audit, reject audit"
                .to_owned(),
        ),
        (
            "Breaks",
            id,
            vec![("Decision", text("approve"))],
            "`approve` is no decision here; expected one of: confirm, assign, write off, force match, reopen, approve \
             audit, reject audit"
                .to_owned(),
        ),
        ("Breaks", id, vec![("Decision", text("assign"))], "`assign` needs a name: \"Assign to\" is empty".to_owned()),
        (
            "Breaks",
            id,
            vec![("Decision", text("reopen")), ("Comment", text("why not"))],
            format!("break {id} is open; only resolved, written off and force matched ones can be reopened"),
        ),
        (
            "Breaks",
            id,
            vec![("Decision", text("approve audit"))],
            format!("no audit is proposed because of break {id} in this period"),
        ),
        (
            "Breaks",
            id,
            vec![("Decision", Typed::Number(1.0))],
            format!("{decision} holds a number; text is expected there"),
        ),
        (
            "Breaks",
            id,
            vec![("Decision", Typed::Formula("LOWER(&quot;CONFIRM&quot;)", "confirm"))],
            format!("{decision} holds a formula; type its text instead"),
        ),
        (
            "Breaks",
            id,
            vec![("Decision", text("confirm")), ("Comment", text(long))],
            format!("{comment} holds more than 4000 characters"),
        ),
        (
            "Breaks",
            id,
            vec![("Break id", text("\u{202e}nobody")), ("Decision", text("confirm"))],
            "no break `\u{fffd}nobody` is known".to_owned(),
        ),
    ]
}

/// Rows about an effect that cannot be taken.
fn of_an_effect(marker: &str) -> Vec<Case<'_>> {
    let text = Typed::Text;
    vec![
        (
            "Effects",
            marker,
            vec![("Comment", text("hm"))],
            "an effect takes a comment only with a decision: approve or reject".to_owned(),
        ),
        (
            "Effects",
            marker,
            vec![("Decision", text("reject"))],
            "`reject` needs a reason: the comment is empty".to_owned(),
        ),
        (
            "Effects",
            marker,
            vec![("Effect id", text("12ab")), ("Decision", text("approve"))],
            format!("no effect `12ab` of run {RUN} is known"),
        ),
    ]
}

#[test]
fn each_row_that_cannot_be_taken_says_why() {
    let review = Review::new();
    let id = review.break_of("file_only");
    let marker = review.effect_of("fraud_marker");
    let place = |sheet: &str, id: &str, head: &str| review.book.place(sheet, id, head);
    let (decision, comment) = (place("Breaks", &id, "Decision"), place("Breaks", &id, "Comment"));
    let long = "x".repeat(4_001);
    let cases = of_a_break(&id, &decision, &comment, &long).into_iter().chain(of_an_effect(&marker));
    let before = review.entries();
    for (sheet, id, cells, reason) in cases {
        let mut book = review.book.clone();
        for (head, typed) in cells.into_iter().rev() {
            book.fill(sheet, id, head, typed);
        }
        let path = review.project.path("case.xlsx");
        book.save(&path);
        let arguments = ["review", "import", path.to_str().unwrap(), "--by", "Mara", "--format", "json", "--partial"];
        let output = review.project.run(&arguments).ended_with(2);
        assert_eq!(Review::outcomes(&output), [("refused".to_owned(), reason)]);
    }
    assert_eq!(review.entries(), before);
}

#[test]
fn a_row_is_judged_as_if_those_before_it_were_taken() {
    let mut review = Review::new();
    let id = review.break_of("reward_missing");
    let audit = review
        .book
        .list("Effects")
        .into_iter()
        .find(|row| row["Break ids"] == Data::String(id.clone()))
        .map(|row| row["Effect id"].to_string())
        .unwrap();
    review.fill("Breaks", &id, &[("Decision", "approve audit"), ("Comment", "yes")]);
    review.fill("Effects", &audit, &[("Decision", "reject"), ("Comment", "no")]);
    // Refusing what is only approved is a step of its own, so both are taken, in the order of the workbook.
    let outcomes = Review::outcomes(&review.import(&[]).ended_with(0));
    assert_eq!(outcomes.iter().map(|(outcome, _)| outcome.as_str()).collect::<Vec<_>>(), ["accepted"; 2]);
    assert_eq!(review.effect(&audit).state, State::Refused);
}

#[test]
fn whoever_started_the_run_cannot_approve_where_the_job_wants_four_eyes() {
    let mut review = Review::with(|project| {
        let job = String::from_utf8(project.read("jobs/rewards-daily.yaml")).unwrap();
        let distinct = job.replacen("    approval: required  ", "    distinct: true\n    approval: required  ", 1);
        assert_ne!(job, distinct);
        project.write("jobs/rewards-daily.yaml", distinct);
    });
    let starter = review.with_journal(async |journal| journal.run(RUN).await.unwrap().started_by.unwrap());
    let audit = review.effect_of("provider_audit");
    review.fill("Effects", &audit, &[("Decision", "approve")]);
    let path = review.saved();
    let import =
        |by: &str| review.project.run(&["review", "import", path.to_str().unwrap(), "--by", by, "--format", "json"]);
    let refused = import(&starter.to_uppercase()).ended_with(2);
    let reason = &Review::outcomes(&refused)[0].1;
    assert!(reason.contains("the job says `distinct: true`") && reason.contains(&starter), "{reason}");
    assert_eq!(review.effect(&audit).state, State::Proposed);
    import("Somebody Else").ended_with(0);
    assert_eq!(review.effect(&audit).state, State::Approved);
}

#[test]
fn the_workbook_of_an_attempt_that_was_superseded_is_refused() {
    let mut review = Review::new();
    let id = review.break_of("file_only");
    review.fill("Breaks", &id, &[("Decision", "confirm")]);
    review.project.run(&["run", "rewards-daily", "--period", "2025-03-19"]).ended_with(0);
    let refused = review.import(&[]).ended_with(2);
    assert_eq!(
        refused.error(),
        "the workbook is of run rewards-daily/2025-03-19/1, and run rewards-daily/2025-03-19/2 has superseded it; decide \
         on the report of that one"
    );
    assert_eq!(review.life(&id).status, BreakStatus::Open);
}

#[test]
fn a_file_that_is_no_workbook_of_this_project_is_refused_with_what_it_lacks() {
    let review = Review::new();
    let with = |part: &str, from: &str, to: &str| {
        let mut book = review.book.clone();
        book.change(part, |xml| {
            assert!(xml.contains(from), "{part} holds {from}");
            xml.replacen(from, to, 1)
        });
        book
    };
    let plan = review.project.summary(RUN)["effects"]["plan"].as_str().unwrap().to_owned();
    let strings = "xl/sharedStrings.xml";
    let other = format!("9{}", &plan[1..]);
    let cases = [
        (
            with("xl/workbook.xml", "name=\"tieout\"", "name=\"notes\""),
            65,
            "is no report of tieout: it has no sheet `tieout`",
        ),
        (
            with(strings, "tieout.workbook/1", "tieout.workbook/2"),
            65,
            "is a form `tieout.workbook/2`, and this program reads",
        ),
        (with(strings, &plan, &other), 65, "its plan is not the one that the journal has for that run"),
        (with("xl/workbook.xml", "name=\"Effects\"", "name=\"Effects 2\""), 0, ""),
        (with(strings, "<t>run</t>", "<t>ran</t>"), 65, "sheet `tieout` does not say `run`"),
    ];
    let path = review.project.path("case.xlsx");
    for (book, code, error) in cases {
        book.save(&path);
        let output = review.project.run(&["review", "import", path.to_str().unwrap(), "--by", "Mara"]);
        let output = output.ended_with(code);
        assert!(code == 0 || output.error().contains(error), "{error}\n{}", output.stderr);
    }
    for bytes in [&b"PK\x03\x04 no zip"[..], b"", b"id,decision\n"] {
        review.project.write("case.xlsx", bytes);
        let output = review.project.run(&["review", "import", path.to_str().unwrap(), "--by", "Mara"]).ended_with(65);
        assert!(output.error().contains("is no .xlsx file, or a damaged one"), "{}", output.stderr);
    }
    let missing = review.project.run(&["review", "import", "nowhere.xlsx", "--by", "Mara"]).ended_with(65);
    assert!(missing.error().starts_with("nowhere.xlsx: cannot be opened"), "{}", missing.error());
    let elsewhere = TestProject::shipped("");
    review.book.save(&elsewhere.path("report.xlsx"));
    let unknown = elsewhere.run(&["review", "import", "report.xlsx", "--by", "Mara"]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.stderr);
}

#[test]
fn a_column_that_is_gone_or_there_twice_is_told_rather_than_passed_over() {
    let review = Review::new();
    let path = review.project.path("case.xlsx");
    for (head, typed, error) in [
        ("Comment", "Notes", "sheet Breaks has no column `Comment`; the first row names the columns"),
        ("Comment", "Decision", "sheet Breaks has two columns `Decision`; which one is meant cannot be known"),
        ("Break id", "Id", "sheet Breaks has no column `Break id`"),
        ("Assign to", "Who", "sheet Breaks has no column `Assign to`"),
    ] {
        let mut book = review.book.clone();
        book.fill("Breaks", "Break id", head, Typed::Text(typed));
        book.save(&path);
        let output = review.project.run(&["review", "import", path.to_str().unwrap(), "--by", "Mara"]).ended_with(65);
        assert!(output.error().contains(error), "{error}\n{}", output.stderr);
    }
}

#[test]
fn every_word_is_read_as_it_is_written_and_has_a_list() {
    for word in Word::ALL {
        assert_eq!(Word::parse(word.text()), Some(word));
        assert_eq!(Word::parse(&format!(" {}\n", word.text().to_uppercase().replace(' ', "_"))), Some(word));
        assert!(List::ALL.iter().any(|list| list.words().contains(&word)), "{}", word.text());
    }
    assert_eq!(Word::parse("confirmed"), None);
    for list in List::ALL {
        assert_eq!(List::of_sheet(list.sheet()), Some(list));
        assert_eq!(List::of_sheet(&format!("{} 12", list.sheet())), Some(list));
    }
    for other in ["Summary", "Breaks by hand", "breaks", "Effects2", "Breaks "] {
        assert_eq!(List::of_sheet(other), None, "{other}");
    }
}
