//! Orders for cards, from breaks to the provider: what is asked for, what is sent, and how a doubt ends.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use tieout::review::access::Role;

use crate::support::effect_project::states;
use crate::support::project::{DAY, Output, TestProject};
use crate::support::read_pages::ReadPages;

const SAME: &str = "00000000-0000-4000-8000-000000000001";
const LIMIT: &str = "00000000-0000-4000-8000-000000000002";
const OVER: &str = "00000000-0000-4000-8000-000000000003";
const GONE: &str = "00000000-0000-4000-8000-000000000004";

/// As the provider has them: the second has another limit than the ledger says, the third is open past its end.
fn cards() -> Value {
    let card = |id: &str, limit: f64, to: &str| {
        json!({
            "kuggarId": id, "provider": "WEX", "providerId": "P1", "cardHolderName": null,
            "cardNumber": "5413330000000010", "cardSecurityCode": "470", "cardExpiry": "03/2026",
            "validFromDate": "2025-01-01T00:00:00Z", "validToDate": format!("{to}T00:00:00Z"), "cardLimit": limit,
            "currencyCode": "USD", "fundingCurrencyCode": "USD", "enhancedDataFields": [], "state": "Created",
            "failureReason": null,
        })
    };
    json!({ "cards": [card(SAME, 100.5, "2025-12-31"), card(LIMIT, 90.0, "2025-12-31"), card(OVER, 10.0, "2025-02-28")] })
}

fn ledger() -> String {
    let row = |id: &str, limit: &str, to: &str| format!("{id},{limit},USD,2025-01-01,{to},open\n");
    [
        "card,limit,currency,from,to,state\n".to_owned(),
        row(SAME, "100.50", "2025-12-31"),
        row(LIMIT, "120.25", "2025-12-31"),
        row(OVER, "10.00", "2025-02-28"),
        row(GONE, "33.00", "2025-12-31"),
    ]
    .concat()
}

fn job(effects: &str) -> String {
    format!(
        "job: rewards
period: {{grain: day, timezone: UTC}}
carry: 0
inputs:
  file:
    provider: cards
    dataset: cards
    ids: {{input: ledger, column: card}}
    format: jsonl
    columns:
      transaction_id: row.kuggarId
      amount: {{column: row.cardLimit, unit: major}}
      currency: row.currencyCode
      status: row.state
      valid_from: row.validFromDate
      valid_to: row.validToDate
    statuses: {{Created: OPEN, Updated: OPEN, Deleted: CLOSED}}
  ledger:
    path: \"cards-{{period}}.csv\"
    columns:
      transaction_id: card
      amount: {{column: limit, unit: major}}
      currency: currency
      status: state
      valid_from: from
      valid_to: to
match:
  compare: {{amount: {{tolerance: 0}}, currency: exact, validity: exact}}
  open_after_end: [OPEN]
effects:
  provider: cards
  rate: 1000/s
  concurrency: 1
{effects}"
    )
}

const ALL: &str = "  card_create: {for: [missing_in_file]}
  card_modify: {for: [amount_mismatch]}
  card_delete: {for: [open_after_end]}
";
const UNASKED: &str = "  card_modify: {for: [amount_mismatch], approval: none}\n";

fn project(effects: &str, faults: &str) -> TestProject {
    let mut project = TestProject::empty();
    project.write("kuggar/cards.json", cards().to_string());
    project.serve(&[], faults);
    let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
    let address = text.lines().find_map(|line| line.trim().strip_prefix("base_url: ")).unwrap().to_owned();
    let http = text.lines().find_map(|line| line.trim().strip_prefix("http: ")).unwrap().to_owned();
    let more = format!(
        "  cards:\n    type: kuggar\n    base_url: {address}/kuggar\n    client_id: {{file: id}}\n    \
         client_secret: {{file: secret}}\n    http: {http}\n"
    );
    project.write("tieout.yaml", text + &more);
    project.write("id", "sandbox-kuggar@tieout.example");
    project.write("secret", "sandbox-kuggar-secret");
    project.write("jobs/rewards.yaml", job(effects));
    project.write(&format!("data/cards-{DAY}.csv"), ledger());
    project
}

fn approve(project: &TestProject, attempt: u32) -> Output {
    let run = format!("rewards/{DAY}/{attempt}");
    project.run(&["approve", "--all", "--run", &run, "--comment", "seen", "--by", "Mara Lind"])
}

/// What the provider was sent that changes something: method, path, body.
fn sent(project: &TestProject) -> Vec<(String, String, String)> {
    let received = project.received().into_iter();
    received
        .filter(|request| request.path.contains("virtual_card") && request.method != "GET")
        .map(|request| (request.method, request.path, request.body.unwrap_or_default()))
        .collect()
}

fn modify() -> (String, String, String) {
    let body = r#"{"validFromDate":"2025-01-01","validToDate":"2025-12-31","cardLimit":120.25}"#;
    ("PUT".to_owned(), format!("/kuggar/api/v2/virtual_card/{LIMIT}"), body.to_owned())
}

/// The id of the one effect of a kind.
fn id_of(project: &TestProject, kind: &str) -> String {
    let listed = project.run(&["effects", "rewards", "--format", "json"]).ended_with(0);
    let effects: Vec<Value> = serde_json::from_str(&listed.stdout).expect("a list");
    let of_kind: Vec<&Value> = effects.iter().filter(|effect| effect["kind"] == kind).collect();
    assert_eq!(of_kind.len(), 1, "{}", listed.stdout);
    of_kind[0]["effect"].as_str().expect("an id").to_owned()
}

fn one_state(project: &TestProject) -> String {
    let states: BTreeMap<String, String> = states(project);
    assert_eq!(states.len(), 1, "{states:?}");
    states.into_values().next().unwrap()
}

#[test]
fn cards_are_made_changed_and_closed_once_a_person_has_seen_the_exact_calls() {
    let project = project(ALL, "");
    let first = project.run_day(&[]).ended_with(0);
    for waits in ["new cards:     1 waiting", "card changes:  1 waiting", "card closures: 1 waiting"] {
        assert!(first.stdout.contains(waits), "{}", first.stdout);
    }
    assert_eq!(sent(&project), [], "nothing is sent that nobody has seen");
    approve(&project, 1).ended_with(0);
    project.run_day(&[]).ended_with(0);
    let create = r#"{"validFromDate":"2025-01-01","validToDate":"2025-12-31","cardLimit":33.00,"currencyCode":"USD","useCache":false}"#;
    let cards = "/kuggar/api/v2/virtual_card";
    let expected = [
        ("POST".to_owned(), cards.to_owned(), create.to_owned()),
        modify(),
        ("DELETE".to_owned(), format!("{cards}/{OVER}"), String::new()),
    ];
    assert_eq!(sent(&project), expected);
    // The next look finds what was repaired; the ledger has yet to learn the new card's id.
    let third = project.run_day(&[]).ended_with(0);
    assert!(third.stdout.contains("OK: Ties out with 1 break to review\n"), "{}", third.stdout);
    assert!(third.stdout.contains("  missing in file              1  USD 33.00\n"), "{}", third.stdout);
    assert_eq!(sent(&project).len(), 3, "nothing is sent twice");
    assert!(states(&project).values().all(|state| state == "acknowledged"), "{:?}", states(&project));
    project.run(&["journal", "verify"]).ended_with(0);
}

/// Fault on the change → exit code, the state after it, the state after the next run, and how often it arrived.
#[test]
fn a_change_of_which_nobody_knows_is_looked_at_before_anything_is_sent_again() {
    let table = [
        // It was done, and the answer is lost.
        ("reset_after", 20, "in_doubt", "acknowledged", 1),
        ("{status: 500, applied: true}", 20, "in_doubt", "acknowledged", 1),
        // It was not done.
        ("{status: 500}", 20, "in_doubt", "acknowledged", 2),
        ("{status: 503}", 20, "in_doubt", "acknowledged", 2),
        // It surely was not, and goes again at once.
        ("{status: 429, retry_after: 0}", 0, "acknowledged", "acknowledged", 2),
        ("revoke_token", 0, "acknowledged", "acknowledged", 2),
        // It was refused, and is not sent again.
        ("{status: 400}", 20, "rejected", "rejected", 1),
    ];
    for (fault, code, after, then, times) in table {
        let project = project(UNASKED, &format!("- {{on: kuggar.modify, nth: 1, do: {fault}}}"));
        project.run_day(&[]).ended_with(code);
        assert_eq!(one_state(&project), after, "{fault}");
        let next = project.run_day(&[]);
        assert_eq!(one_state(&project), then, "{fault}: {}", next.stdout);
        assert_eq!(sent(&project), vec![modify(); times], "{fault}");
        project.run(&["journal", "verify"]).ended_with(0);
    }
}

#[test]
fn what_was_seen_of_a_card_is_kept_when_the_look_at_the_next_one_fails() {
    // Four cards are read by each run; of the second run the tenth look is that at the second doubt.
    let faults = "- {on: kuggar.modify, nth: every, do: reset_after}\n- {on: kuggar.card, nth: 10, do: {status: 403}}";
    let project = project(UNASKED, faults);
    project.write(&format!("data/cards-{DAY}.csv"), ledger().replace("100.50", "101.50"));
    let of_all = || states(&project).into_values().collect::<Vec<String>>();
    project.run_day(&[]).ended_with(20);
    assert_eq!(of_all(), ["in_doubt", "in_doubt"]);
    let second = project.run_day(&[]).ended_with(77);
    assert!(second.stderr.contains("provider cards: asking for card "), "{}", second.stderr);
    assert!(second.stderr.contains("and not for this card"), "{}", second.stderr);
    let mut after = of_all();
    after.sort_unstable();
    assert_eq!(after, ["acknowledged", "in_doubt"], "{}", second.stderr);
    project.run_day(&[]).ended_with(0);
    assert_eq!(of_all(), ["acknowledged", "acknowledged"]);
    assert_eq!(sent(&project).len(), 2, "nothing is sent again");
    project.run(&["journal", "verify"]).ended_with(0);
}

#[test]
fn a_process_that_is_killed_around_a_change_leaves_a_doubt_that_the_next_one_ends() {
    for (variable, point, times) in [
        ("TIEOUT_KILL_AFTER", "intent", 1),
        ("TIEOUT_KILL_BEFORE", "send", 1),
        ("TIEOUT_KILL_AFTER", "send", 1),
        ("TIEOUT_KILL_BEFORE", "outcome", 1),
    ] {
        let project = project(UNASKED, "");
        let killed = project.command(&["run", "rewards", "--period", DAY]).env(variable, point).spawn().unwrap();
        assert_eq!(project.ended(killed).code, None, "{point}");
        project.provider_idle();
        project.run_day(&[]);
        project.run_day(&[]).ended_with(0);
        assert_eq!(one_state(&project), "acknowledged", "{variable} {point}");
        assert_eq!(sent(&project), vec![modify(); times], "{variable} {point}");
        project.run(&["journal", "verify"]).ended_with(0);
    }
}

#[test]
fn a_new_card_whose_reply_is_lost_waits_for_a_person_since_it_has_no_id_to_look_at() {
    let create = "  card_create: {for: [missing_in_file], approval: none}\n";
    let project = project(create, "- {on: kuggar.create, nth: 1, do: reset_after}");
    project.run_day(&[]).ended_with(20);
    project.run_day(&[]).ended_with(20);
    assert_eq!(one_state(&project), "in_doubt");
    assert_eq!(sent(&project).len(), 1);
    let listed = project.run(&["in-doubt", "list"]);
    assert!(
        listed.stdout.contains("new card: limit 33.00 USD, valid from 2025-01-01 to 2025-12-31"),
        "{}",
        listed.stdout
    );
    let shown = project.run(&["in-doubt", "show", &id_of(&project, "card_create")]).ended_with(0).stdout;
    for told in ["  POST /api/v2/virtual_card\n", "Ask cards. No run can look this up"] {
        assert!(shown.contains(told), "{told} in\n{shown}");
    }
    let page = ReadPages::of(&project, Some(Role::Reviewer)).page("/in-doubt");
    for told in ["Ask cards: ", "The call was POST ", "No run can look this up"] {
        assert!(page.contains(told), "{told} in\n{page}");
    }
    assert!(!page.contains("Kard") && !shown.contains("Kard"), "{page}\n{shown}");
}

#[test]
fn reports_and_pages_speak_of_cards_and_of_nobody_elses_audits() {
    let project = project(ALL, "");
    project.run_day(&[]).ended_with(0);
    let report = String::from_utf8(project.read(&format!("runs/rewards/{DAY}/1/report.html"))).unwrap();
    for told in [
        "cards are made, changed or closed, or money is put on them.",
        "Card or order, and what is asked",
        "<strong><bdi>open after end</bdi></strong>: ",
        "<dt>card closure</dt>",
    ] {
        assert!(report.contains(told), "{told} in\n{report}");
    }
    assert!(!report.contains("Kard"), "{report}");
    let pages = ReadPages::of(&project, Some(Role::Reviewer));
    let change = pages.page(&format!("/effects/{}", id_of(&project, "card_modify")));
    let title = format!("Card change: limit 120.25 USD, valid from 2025-01-01 to 2025-12-31 for {LIMIT}<");
    let link = format!("href=\"/transactions?id={LIMIT}\"");
    for told in [&title, "<dt>Card</dt>", &link, "virtual_card/00000000-0000-4000-8000-000000000002\n", "validFromDate"]
    {
        assert!(change.contains(told), "{told} in\n{change}");
    }
    let closure = pages.page(&format!("/effects/{}", id_of(&project, "card_delete")));
    for told in ["DELETE http://", "Nothing is sent but the address."] {
        assert!(closure.contains(told), "{told} in\n{closure}");
    }
    for page in [change, closure, pages.page("/effects")] {
        for other in ["Kard", "Bearer", ", organization", "120.25 USD valid from", "<dt>User</dt>"] {
            assert!(!page.contains(other), "{other} in\n{page}");
        }
    }
}

#[test]
fn a_limit_that_changes_once_more_is_another_change() {
    let project = project(UNASKED, "");
    project.run_day(&[]).ended_with(0);
    project.write(&format!("data/cards-{DAY}.csv"), ledger().replace("120.25", "75.00"));
    project.run_day(&[]).ended_with(0);
    let states = states(&project);
    let keys: Vec<&str> = states.keys().map(String::as_str).collect();
    let words = |limit: &str| format!("{LIMIT} {limit} USD valid from 2025-01-01 to 2025-12-31");
    assert_eq!(keys, [words("120.25"), words("75.00")]);
    assert!(states.values().all(|state| state == "acknowledged"), "{states:?}");
}

#[test]
fn an_order_that_lacks_something_says_what_and_the_rest_goes() {
    let project = project(ALL, "");
    project
        .write(&format!("data/cards-{DAY}.csv"), ledger().replace("120.25,USD,2025-01-01,2025-12-31", "120.25,USD,,"));
    let run = project.run_day(&[]).ended_with(0);
    for told in ["new cards:     1 waiting", "card changes:  1 cannot be asked for", "card closures: 1 waiting"] {
        assert!(run.stdout.contains(told), "{}", run.stdout);
    }
    let effects = String::from_utf8(project.read(&format!("runs/rewards/{DAY}/1/effects.csv"))).unwrap();
    assert!(effects.contains("the ledger states no valid_from"), "{effects}");
}
