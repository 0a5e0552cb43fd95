//! `tieout subscriptions`: what it prints, that it sends each change once, and what it says when nobody knows.

use tieout::sandbox::Sandbox;

use crate::support::project::TestProject;

const URL: &str = "https://hooks.example/kard";

fn project(faults: &str) -> TestProject {
    let mut project = TestProject::empty();
    project.serve(&[], faults);
    project
}

/// How many calls that change something came.
fn changes(project: &TestProject) -> usize {
    let changes = |method: &str| matches!(method, "POST" | "PATCH");
    let received = project.received();
    received.iter().filter(|call| call.path.contains("/subscriptions") && changes(&call.method)).count()
}

fn standing(provider: &Sandbox) -> Vec<(String, bool)> {
    provider.subscriptions().into_iter().map(|one| (one.event, one.enabled)).collect()
}

fn create(project: &TestProject, more: &[&str]) -> crate::support::project::Output {
    project.run(&[&["subscriptions", "create", "--url", URL], more].concat())
}

#[test]
fn they_are_created_once_and_listed_in_every_form() {
    let project = project("");
    let none = project.run(&["subscriptions", "list"]).ended_with(0);
    assert!(none.stderr.contains("no subscriptions: kard tells nothing"), "{}", none.stderr);
    let events = ["--event", "clawback", "--event", "auditUpdate", "--event", "clawback"];
    let made = create(&project, &events).ended_with(0);
    let table = "\
subscription    event        url                         enabled
subscription-1  auditUpdate  https://hooks.example/kard  yes
subscription-2  clawback     https://hooks.example/kard  yes
";
    assert_eq!(made.stdout, table);
    let again = create(&project, &events).ended_with(0);
    assert_eq!(again.stdout, table);
    assert!(again.stderr.contains("clawback is told there already, by subscription-2: nothing is sent"));
    assert_eq!(changes(&project), 2);

    assert_eq!(project.run(&["subscriptions", "list"]).ended_with(0).stdout, table);
    let csv = project.run(&["subscriptions", "list", "--format", "csv"]).ended_with(0).stdout;
    assert_eq!(csv.lines().nth(1), Some("subscription-1,auditUpdate,https://hooks.example/kard,true"));
    let json = project.run(&["subscriptions", "list", "--format", "json"]).ended_with(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[1]["subscription"], "subscription-2");
    assert_eq!(json[1]["enabled"], true);
}

#[test]
fn they_are_turned_off_and_on_once() {
    let project = project("");
    create(&project, &["--event", "clawback", "--event", "auditUpdate"]).ended_with(0);
    let off = project.run(&["subscriptions", "disable", "subscription-2", "subscription-2"]).ended_with(0);
    assert!(off.stdout.ends_with("kard  no\n"), "{}", off.stdout);
    let again = project.run(&["subscriptions", "disable", "subscription-2"]).ended_with(0);
    assert!(again.stderr.contains("subscription-2 is off already: nothing is sent"), "{}", again.stderr);
    assert_eq!(changes(&project), 3);
    assert_eq!(standing(project.provider()), [("auditUpdate".to_owned(), true), ("clawback".to_owned(), false)]);

    let other = create(&project, &["--event", "clawback"]).ended_with(20);
    let told = "clawback goes there by subscription-2 already, which is turned off; see `tieout subscriptions enable \
                subscription-2`";
    assert_eq!(other.error(), told);
    project.run(&["subscriptions", "enable", "subscription-2", "subscription-1"]).ended_with(0);
    assert_eq!(changes(&project), 4);
    let several = project.run(&["subscriptions", "enable", "subscription"]).ended_with(2);
    assert_eq!(several.error(), "subscription may be any of subscription-1, subscription-2; give more of the id");
    let unknown = project.run(&["subscriptions", "disable", "subscription-1", "nothing"]).ended_with(2);
    assert_eq!(unknown.error(), "there is no subscription nothing; `tieout subscriptions list` shows all");
    assert_eq!(changes(&project), 4, "all or none");
}

#[test]
fn a_change_of_which_nobody_knows_is_not_repeated() {
    let project = project("  - {on: subscriptions, nth: 3, do: reset_after}\n");
    let ended = create(&project, &["--event", "clawback", "--event", "auditUpdate"]).ended_with(20);
    let error = ended.error();
    assert!(error.starts_with("provider kard: nobody knows what became of the subscription of clawback: "), "{error}");
    let to_do =
        "; 1 before it stand; `tieout subscriptions list` shows whether it was made; then give the command again";
    assert!(error.ends_with(to_do), "{error}");
    assert_eq!((changes(&project), standing(project.provider()).len()), (2, 2));
    create(&project, &["--event", "clawback", "--event", "auditUpdate"]).ended_with(0);
    assert_eq!(changes(&project), 2, "both stood already");
}

#[test]
fn refusals_end_with_their_codes() {
    for (fault, code, told) in [
        ("{status: 400}", 20, "the subscription of clawback was refused: status 400: Bad Request: "),
        ("{status: 403}", 77, "the subscription of clawback was refused: status 403: Forbidden: "),
        ("{status: 429}", 69, "the subscription of clawback was not sent: status 429: "),
        ("{status: 500}", 20, "nobody knows what became of the subscription of clawback: status 500: "),
    ] {
        let project = project(&format!("  - {{on: subscriptions, nth: 2, do: {fault}}}\n"));
        let ended = create(&project, &["--event", "clawback"]).ended_with(code);
        assert!(ended.error().starts_with(&format!("provider kard: {told}")), "{}", ended.error());
    }
    let project = project("");
    for arguments in [&["--event", "birthday"][..], &[]] {
        create(&project, arguments).ended_with(2);
    }
    let clear = ["subscriptions", "create", "--event", "clawback", "--url", "http://hooks.example/kard"];
    let refused = project.run(&clear).ended_with(2);
    assert!(
        refused.stderr.contains("expected an address such as https://hooks.acme.example/kard"),
        "{}",
        refused.stderr
    );
}
