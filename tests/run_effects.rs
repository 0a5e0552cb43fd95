//! Effects from breaks to the provider: what a run asks for, what it sends, and what it never does twice.

use std::collections::BTreeMap;

use crate::support::effect_project::{AUDITED, AUDITS, FAST, MARKED, MARKERS, project, states};

fn all(state: &str) -> BTreeMap<String, String> {
    AUDITED.iter().chain(&MARKED).map(|(_, transaction)| ((*transaction).to_owned(), state.to_owned())).collect()
}

#[test]
fn what_nobody_needs_to_approve_is_sent_once_and_never_again() {
    let project = project(&[FAST, AUDITS, MARKERS].concat(), "");
    for attempt in 1..=3 {
        let run = project.run_day(&[]).ended_with(0);
        assert!(run.stdout.contains(&format!("attempt {attempt}\n")), "{}", run.stdout);
        assert_eq!(states(&project), all("acknowledged"));
        let audits: Vec<_> =
            project.audits().into_iter().map(|audit| (audit.user, audit.transaction, audit.times)).collect();
        let expected: Vec<_> = AUDITED.map(|(user, transaction)| (user.to_owned(), transaction.to_owned(), 1)).into();
        assert_eq!(audits, expected);
        let markers: Vec<_> =
            project.markers().into_iter().map(|marker| (marker.user, marker.transaction, marker.times)).collect();
        let expected: Vec<_> = MARKED.map(|(user, transaction)| (user.to_owned(), transaction.to_owned(), 1)).into();
        assert_eq!(markers, expected);
    }
    project.run(&["journal", "verify"]).ended_with(0);
}
