//! What became of bulk files that were sent: which result is a file's, which of several counts, and when one is late.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use tieout::effects::confirm::{Confirmation, FileState, SentFile, confirm};
use tieout::frames::FileResult;

use crate::support_facts::at;

fn sent(name: &str) -> SentFile {
    SentFile {
        name: name.to_owned(),
        effect: format!("effect of {name}"),
        acknowledged_at: Some(at("2025-03-20T10:00:00Z")),
        known: false,
    }
}

/// A result without times, from the line of the same number.
fn result(number: u64, name: &str) -> FileResult {
    FileResult {
        notification: format!("n{number}"),
        file_name: name.to_owned(),
        sent_at: None,
        last_modified: None,
        received_at: None,
        errors: Vec::new(),
        errors_left_out: 0,
        file: 0,
        line: number,
    }
}

/// Received and last modified at these hours.
fn timed(number: u64, received: Option<u32>, modified: Option<u32>) -> FileResult {
    let time = |hour: u32| at(&format!("2025-03-20T{hour:02}:00:00Z"));
    FileResult { received_at: received.map(time), last_modified: modified.map(time), ..result(number, "a.gz") }
}

fn now() -> DateTime<Utc> {
    at("2025-03-20T12:00:00Z")
}

/// With two hours allowed, which have just gone by.
fn confirmed<'a>(sent: &'a [SentFile], results: &'a [FileResult]) -> Vec<Confirmation<'a>> {
    confirm(sent, results, TimeDelta::hours(2), now())
}

fn told(state: &FileState<'_>) -> String {
    match state {
        FileState::Confirmed { result, earlier } => {
            let all = std::iter::once(result).chain(earlier).map(|result| result.notification.as_str());
            all.collect::<Vec<_>>().join(" not ")
        }
        FileState::Known => "known".to_owned(),
        FileState::Waiting => "waiting".to_owned(),
        FileState::Overdue { since } => format!("overdue since {since}"),
    }
}

fn states(confirmations: &[Confirmation<'_>]) -> Vec<String> {
    confirmations.iter().map(|confirmation| told(&confirmation.state)).collect()
}

#[test]
fn a_result_belongs_to_the_file_with_its_name_whatever_path_stands_before_it() {
    let files = [sent("a.gz"), sent("b.gz"), sent("c.gz")];
    let cases = [
        ("b.gz", ["waiting", "n1", "waiting"]),
        ("org-123/incoming/2025/b.gz", ["waiting", "n1", "waiting"]),
        ("/b.gz", ["waiting", "n1", "waiting"]),
        ("xb.gz", ["waiting"; 3]),
        ("b.gz/", ["waiting"; 3]),
        ("b.gz/part", ["waiting"; 3]),
        ("B.gz", ["waiting"; 3]),
        ("b", ["waiting"; 3]),
        ("", ["waiting"; 3]),
        ("of-somebody-else.gz", ["waiting"; 3]),
    ];
    for (name, expected) in cases {
        assert_eq!(states(&confirmed(&files, &[result(1, name)])), expected, "{name:?}");
    }
    let confirmations = confirmed(&files, &[]);
    let effects: Vec<_> = confirmations.iter().map(|confirmation| &*confirmation.sent.effect).collect();
    assert_eq!(effects, ["effect of a.gz", "effect of b.gz", "effect of c.gz"]);
    // A name with a path of its own is met as it is, too.
    assert_eq!(states(&confirmed(&[sent("x/b.gz")], &[result(1, "x/b.gz")])), ["n1"]);
    assert_eq!(states(&confirmed(&[sent("x/b.gz")], &[result(1, "b.gz")])), ["waiting"]);
}

#[test]
fn of_several_results_the_latest_counts_and_the_others_are_told() {
    let cases = [
        (vec![timed(1, Some(9), None), timed(2, Some(10), None)], "n2 not n1"),
        (vec![timed(1, Some(9), Some(8)), timed(2, Some(8), Some(9))], "n1 not n2"),
        (vec![timed(1, Some(9), Some(8)), timed(2, Some(9), Some(7))], "n1 not n2"),
        (vec![timed(1, Some(9), None), timed(2, Some(9), Some(7))], "n2 not n1"),
        (vec![timed(1, None, Some(23)), timed(2, Some(1), None)], "n2 not n1"),
        (vec![timed(1, None, Some(3)), timed(2, None, Some(4))], "n2 not n1"),
        (vec![timed(3, None, None), timed(1, None, None), timed(2, None, None)], "n3 not n2 not n1"),
    ];
    for (results, expected) in cases {
        assert_eq!(states(&confirmed(&[sent("a.gz")], &results)), [expected], "{results:?}");
    }
}

#[test]
fn a_notification_that_came_again_counts_where_it_came_first() {
    // Its repeat came last of all, and makes it no later than it was.
    let results = [timed(1, Some(9), None), timed(2, Some(10), None), timed(1, Some(11), None), timed(1, None, None)];
    assert_eq!(states(&confirmed(&[sent("a.gz")], &results)), ["n2 not n1"]);
}

#[test]
fn the_results_that_do_not_count_are_told_in_a_sentence() {
    let results = [timed(1, Some(1), None), timed(2, Some(2), None), timed(4_111_111_111_111_111, Some(3), None)];
    let cases = [
        (0, None),
        (1, None),
        (2, Some("two results were told for a.gz: `n2` is the later one and counts, not `n1`")),
        (
            3,
            Some(
                "3 results were told for a.gz: `n************1111` is the latest one and counts, \
                 not `n2`, `n1`",
            ),
        ),
    ];
    for (count, expected) in cases {
        let files = [sent("a.gz")];
        let found = confirmed(&files, &results[..count]);
        assert_eq!(found[0].superseded().as_deref(), expected);
    }
}

#[test]
fn a_file_is_overdue_when_its_time_is_over_and_nothing_was_ever_heard() {
    let acknowledged = |text: &str| SentFile { acknowledged_at: Some(at(text)), ..sent("a.gz") };
    let unsure = SentFile { acknowledged_at: None, ..sent("a.gz") };
    let cases = [
        ("to the second", acknowledged("2025-03-20T10:00:00Z"), "waiting"),
        ("a millisecond more", acknowledged("2025-03-20T09:59:59.999Z"), "overdue since 2025-03-20 09:59:59.999 UTC"),
        ("long ago", acknowledged("2025-01-01T00:00:00Z"), "overdue since 2025-01-01 00:00:00 UTC"),
        ("of a clock that is ahead", acknowledged("2025-03-20T13:00:00Z"), "waiting"),
        ("in doubt", unsure.clone(), "waiting"),
        ("told of before", SentFile { known: true, ..acknowledged("2025-01-01T00:00:00Z") }, "known"),
        ("told of before, in doubt", SentFile { known: true, ..unsure }, "known"),
    ];
    for (name, file, expected) in cases {
        let files = [file];
        assert_eq!(states(&confirmed(&files, &[])), [expected], "{name}");
        // Whatever it was, with a result it is confirmed.
        assert_eq!(states(&confirmed(&files, &[result(1, "a.gz")])), ["n1"], "{name}");
    }
}

fn any_result() -> impl Strategy<Value = FileResult> {
    let name = prop::sample::select(vec!["a.gz", "in/a.gz", "b.gz", "other.gz"]);
    (0_u64..5, name, prop::option::of(0_u32..3), prop::option::of(0_u32..3)).prop_map(
        |(number, name, received, modified)| FileResult {
            file_name: name.to_owned(),
            ..timed(number, received, modified)
        },
    )
}

proptest! {
    #[test]
    fn neither_order_nor_repeats_of_results_change_what_became_of_a_file(
        results in prop::collection::vec(any_result(), 0..10),
        again in prop::collection::vec((any::<prop::sample::Index>(), 3_u32..9), 0..6),
        turn in any::<prop::sample::Index>(),
    ) {
        // One notification says one thing.
        let mut seen = BTreeSet::new();
        let results: Vec<_> =
            results.into_iter().filter(|result| seen.insert(result.notification.clone())).collect();
        let mut others = results.clone();
        if !results.is_empty() {
            others.extend(again.iter().map(|(index, hours)| {
                let first = index.get(&results);
                let received_at = first.received_at.map(|at| at + TimeDelta::hours(i64::from(*hours)));
                FileResult { received_at, line: first.line + 100, ..first.clone() }
            }));
            others.rotate_left(turn.index(results.len()));
            others.reverse();
        }
        let files = [sent("a.gz"), sent("b.gz"), sent("c.gz")];
        let once = states(&confirmed(&files, &results));
        prop_assert_eq!(states(&confirmed(&files, &others)), once.clone());
        // What has a name that was sent confirms it; nothing else does.
        for (file, state) in files.iter().zip(&once) {
            let mine = results.iter().any(|result| result.file_name.trim_start_matches("in/") == file.name);
            prop_assert_eq!(state != "waiting", mine);
        }
    }
}
