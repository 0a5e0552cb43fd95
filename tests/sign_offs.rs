//! Signatures under reports: every step, legal or not, and who may sign what.

use std::collections::BTreeMap;
use std::process::Command;

use tieout::report::{digest_of_folder, files, report_digest, sums};
use tieout::sign_off::life::apply;
use tieout::sign_off::{Asked, Event, Known, Role, SignOffState, Standing, Validity, check, validity};

use crate::support::utc;

const RUN: &str = "rewards/2025-03-19/1";
const AT: &str = "2025-03-20T09:45:00Z";

fn digest(digit: &str) -> String {
    digit.repeat(64)
}

fn prepared(by: &str, of: &str) -> Event {
    Event::Prepared { run: RUN.to_owned(), digest: digest(of), by: by.to_owned(), statement: "checked".to_owned() }
}

fn signed(by: &str, of: &str) -> Event {
    Event::SignedOff { run: RUN.to_owned(), digest: digest(of), by: by.to_owned(), statement: "reviewed".to_owned() }
}

fn withdrawn() -> Event {
    Event::Withdrawn { by: "Ada".to_owned(), reason: "wrong rates".to_owned() }
}

/// What the events add up to, or why one cannot follow.
fn after(events: &[Event]) -> Result<Option<Standing>, String> {
    events.iter().try_fold(None, |before: Option<Standing>, event| {
        apply(before.as_ref(), RUN, event, utc(AT)).map(Some).map_err(|illegal| illegal.to_string())
    })
}

#[test]
fn every_legal_step_leads_where_it_should() {
    use SignOffState::{Prepared, SignedOff, Withdrawn};
    let (mara, robin) = (|| prepared("Mara", "a"), || signed("Robin", "a"));
    for (events, state, by) in [
        (vec![mara()], Prepared, [Some("Mara"), None]),
        (vec![mara(), robin()], SignedOff, [Some("Mara"), Some("Robin")]),
        (vec![robin()], SignedOff, [None, Some("Robin")]),
        (vec![mara(), withdrawn()], Withdrawn, [Some("Mara"), None]),
        (vec![mara(), robin(), withdrawn()], Withdrawn, [Some("Mara"), Some("Robin")]),
        (vec![mara(), robin(), withdrawn(), prepared("Robin", "b")], Prepared, [Some("Robin"), None]),
        (vec![mara(), withdrawn(), signed("Mara", "a")], SignedOff, [None, Some("Mara")]),
    ] {
        let standing = after(&events).unwrap().unwrap();
        let names = [&standing.prepared, &standing.signed_off].map(|one| one.as_ref().map(|one| one.by.as_str()));
        assert_eq!((standing.state, names), (state, by), "{events:?}");
        assert_eq!(standing.withdrawn.is_some(), state == Withdrawn);
    }
}

#[test]
fn every_other_step_is_illegal() {
    let told = |event: &str, state: &str| format!("sign-off of {RUN}: `{event}` cannot follow {state}");
    let other = |run: &str| Event::Prepared {
        run: run.to_owned(),
        digest: digest("a"),
        by: "Mara".to_owned(),
        statement: "checked".to_owned(),
    };
    for (events, expected) in [
        (vec![withdrawn()], told("withdrawn", "nothing")),
        (vec![prepared("Mara", "a"), prepared("Robin", "a")], told("prepared", "prepared")),
        (vec![prepared("Mara", "a"), signed("Robin", "b")], told("signed_off", "prepared of another report")),
        (vec![prepared("Mara", "a"), signed(" mara ", "a")], told("signed_off", "prepared by the same person")),
        (vec![signed("Robin", "a"), signed("Mara", "a")], told("signed_off", "signed_off")),
        (vec![signed("Robin", "a"), prepared("Mara", "a")], told("prepared", "signed_off")),
        (vec![prepared("Mara", "a"), withdrawn(), withdrawn()], told("withdrawn", "withdrawn")),
        (vec![other("rewards/2025-03-19/2")], told("prepared", "nothing, it names another run")),
        (vec![prepared("Mara", "A")], told("prepared", "nothing, its digest is none")),
        (vec![prepared("Mara", "")], told("prepared", "nothing, its digest is none")),
    ] {
        assert_eq!(after(&events), Err(expected), "{events:?}");
    }
    let id = "rewards/2025-03-19";
    let of_period =
        Event::Prepared { run: id.to_owned(), digest: digest("a"), by: "Mara".to_owned(), statement: String::new() };
    assert!(apply(None, id, &of_period, utc(AT)).is_err(), "a period is no run");
}

/// All is well: Mara has prepared what Ada started, and Robin may sign it off.
fn known<'a>(standing: Option<&'a Standing>, now: &'a str) -> Known<'a> {
    Known {
        is_finished: true,
        ties_out: true,
        last_finished: Some(RUN),
        digest_now: now,
        started_by: Some("Ada"),
        is_distinct: false,
        standing,
    }
}

#[test]
fn who_may_sign_is_told_with_the_reason() {
    let (a, b) = (digest("a"), digest("b"));
    let by_mara = after(&[prepared("Mara", "a")]).unwrap().unwrap();
    let by_both = after(&[prepared("Mara", "a"), signed("Robin", "a")]).unwrap().unwrap();
    let taken_back = after(&[prepared("Mara", "a"), withdrawn()]).unwrap().unwrap();
    let fresh = known(None, &a);
    let waiting = known(Some(&by_mara), &a);
    let distinct = Known { is_distinct: true, ..waiting };
    let (preparer, reviewer) = (Role::Preparer, Role::Reviewer);
    let two = "rewards/2025-03-19/2";
    for (known, role, by, seen, expected) in [
        (fresh, preparer, "Mara", &a, ""),
        (fresh, preparer, "Ada", &a, ""),
        (fresh, reviewer, "Robin", &a, ""),
        (fresh, reviewer, "ADA ", &a, "nobody has prepared run"),
        (Known { started_by: None, ..fresh }, reviewer, "Robin", &a, "it takes a preparer before it is signed off"),
        (Known { started_by: None, ..fresh }, preparer, "Robin", &a, ""),
        (Known { is_distinct: true, ..fresh }, reviewer, "Ada", &a, "the job says `distinct: true`"),
        (waiting, reviewer, "Robin", &a, ""),
        (waiting, reviewer, "Ada", &a, ""),
        (distinct, reviewer, "ada", &a, "the run was started by Ada"),
        (distinct, reviewer, "Robin", &a, ""),
        (waiting, reviewer, "mara", &a, "mara has prepared run"),
        (waiting, preparer, "Robin", &a, "is prepared by Mara already"),
        (known(Some(&by_both), &a), reviewer, "Ada", &a, "is signed off by Robin already"),
        (known(Some(&by_both), &a), preparer, "Ada", &a, "is signed off by Robin already"),
        (known(Some(&taken_back), &a), preparer, "Mara", &a, ""),
        (known(Some(&taken_back), &a), reviewer, "Mara", &a, ""),
        (fresh, preparer, "Mara", &b, "is not the one that was seen"),
        (known(Some(&by_mara), &b), reviewer, "Robin", &b, "has changed since Mara prepared it"),
        (Known { is_finished: false, ..fresh }, preparer, "Mara", &a, "has not finished"),
        (Known { ties_out: false, ..fresh }, preparer, "Mara", &a, "does not tie out"),
        (Known { last_finished: Some(two), ..fresh }, preparer, "Mara", &a, "superseded by rewards/2025-03-19/2"),
    ] {
        let told = check(&Asked { run: RUN, role, by, digest: seen }, &known);
        match told {
            Ok(()) => assert_eq!(expected, "", "{role:?} {by} {known:?}"),
            Err(refused) => {
                let told = refused.to_string();
                assert!(!expected.is_empty() && told.contains(expected), "{role:?} {by} {known:?}: {told}");
            }
        }
    }
}

#[test]
fn what_became_of_a_signature_follows_from_what_is_there() {
    let (a, b) = (digest("a"), digest("b"));
    let signed = after(&[prepared("Mara", "a"), signed("Robin", "a")]).unwrap().unwrap();
    let later = "rewards/2025-03-19/2";
    let superseded = Validity::Superseded { run: later.to_owned() };
    for (last, now, expected) in [
        (Some(RUN), Some(&a), Validity::Current),
        (Some(later), Some(&a), superseded.clone()),
        (Some(RUN), Some(&b), Validity::ReportChanged),
        (Some(later), Some(&b), Validity::ReportChanged),
        (Some(RUN), None, Validity::ReportGone),
        (Some(later), None, superseded),
    ] {
        assert_eq!(validity(&signed, last, now.map(String::as_str)), expected, "{last:?} {now:?}");
    }
    let taken_back = after(&[prepared("Mara", "a"), withdrawn()]).unwrap().unwrap();
    assert_eq!(validity(&taken_back, Some(RUN), Some(&b)), Validity::Withdrawn);
}

#[test]
fn the_digest_of_a_report_is_what_common_tools_say() {
    let folder = tempfile::TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    for name in ["summary.json", "breaks.csv", "report.xlsx", "Zebra.txt", "a b.txt"] {
        write(name, name);
    }
    let told = |command: &str| {
        let told = Command::new("sh").args(["-c", command]).current_dir(folder.path()).output().unwrap();
        String::from_utf8(told.stdout).unwrap()
    };
    let listed = files(folder.path(), &[]).unwrap();
    assert_eq!(sums(&listed), told("LC_ALL=C; sha256sum *"));
    let whole = told("LC_ALL=C; sha256sum * | sha256sum");
    assert_eq!(format!("{}  -\n", report_digest(&listed)), whole);
    assert_eq!(digest_of_folder(folder.path()).unwrap(), Some(report_digest(&listed)));

    // What a spreadsheet program leaves beside a file that is open is no part of the report.
    write("~$report.xlsx", "open");
    write(".tmp-1", "half");
    std::fs::create_dir(folder.path().join("more")).unwrap();
    assert_eq!(files(folder.path(), &[]).unwrap(), listed);
    write("breaks.csv", "another");
    assert_ne!(digest_of_folder(folder.path()).unwrap(), Some(report_digest(&listed)));
    std::fs::remove_file(folder.path().join("summary.json")).unwrap();
    assert_eq!(digest_of_folder(folder.path()).unwrap(), None);

    let odd = BTreeMap::from([("back\\slash\nline".to_owned(), digest("a"))]);
    assert_eq!(sums(&odd), format!("\\{}  back\\\\slash\\nline\n", digest("a")));
}
