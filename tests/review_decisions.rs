//! What people decide on the pages: who may, what is asked for, what stands against it, and what the journal keeps.

use serde_json::json;
use tieout::breaks::life::Sighted;
use tieout::breaks::observe::Observation;
use tieout::effects::{Doubt, EffectKind, Event, State};
use tieout::journal::{NewRun, RunRecord, Step, Writer};
use tieout::project::ReviewConfig;

use crate::support::effect_project::job;
use crate::support::house::{House, PEOPLE, config};
use crate::support::journal::{JOB, PERIOD, PLAN, effect, new_run, proposed};
use crate::support::lives::{AT, DAY, facts, pair};
use crate::support::utc;

/// Of a form: name and value.
type Fields<'f> = &'f [(&'f str, &'f str)];

const RUN: &str = "/runs/rewards-daily/2025-03-19/1";

/// A run by dana whose plan is [`PLAN`], and its job, which wants four eyes.
async fn seeded() -> (House, RunRecord) {
    let house = House::open(&config()).await;
    let rules = "  provider: kard\n  provider_audit: {for: [amount_mismatch], approval: required, distinct: true}\n";
    house.workspace.write("jobs/rewards-daily.yaml", job(rules).replace("job: rewards\n", "job: rewards-daily\n"));
    let run = begin(&house, "dana", PLAN).await;
    (house, run)
}

async fn begin(house: &House, starter: &str, plan: &str) -> RunRecord {
    let new = NewRun { started_by: starter.to_owned(), ..new_run(None) };
    let run = house.journal.start_run(new).await.unwrap();
    for step in [Step::Pulled, Step::Normalized, Step::Matched, Step::Classified] {
        house.journal.mark(&run, step, json!({})).await.unwrap();
    }
    house.journal.mark(&run, Step::Planned, json!({ "plan": plan })).await.unwrap();
    run
}

/// So many breaks and suggestions, by ids that end in a digit of each.
async fn with_breaks(house: &House, run: &RunRecord, breaks: usize, suggestions: usize) {
    let mut found: Vec<Sighted> = Vec::new();
    for number in 0..breaks {
        let facts =
            tieout::breaks::life::Sighting { key: format!("t-{number}"), ..facts(DAY, &format!("{number:016x}")) };
        found.push(Sighted { id: of_break(number), facts: facts.into() });
    }
    for number in 0..suggestions {
        let facts =
            tieout::breaks::life::Sighting { key: format!("s-{number} = x"), ..pair(&format!("5{number:015x}")) };
        found.push(Sighted { id: of_suggestion(number), facts: facts.into() });
    }
    let seen =
        Observation { job: JOB.to_owned(), period: DAY.to_owned(), found: found.into(), ..Observation::default() };
    house.journal.observe(run, &seen, utc(AT)).await.unwrap();
}

fn of_break(number: usize) -> String {
    format!("b{number:015x}")
}

fn of_suggestion(number: usize) -> String {
    format!("5{number:015x}")
}

/// An effect of the run, in this state.
async fn with_effect(house: &House, run: &RunRecord, transaction: &str, state: State) -> String {
    let new = effect(EffectKind::ProviderAudit, transaction, 1);
    let refused = Event::Refused { by: "Mara".to_owned(), comment: "no".to_owned() };
    let more = match state {
        State::Proposed => Vec::new(),
        State::Refused => vec![refused],
        State::InDoubt => vec![
            crate::support::effects::approved(),
            crate::support::effects::in_flight(),
            Event::InDoubt { doubt: Doubt::NoReply, why: "no reply".to_owned() },
        ],
        other => panic!("{other}"),
    };
    house.journal.append(Writer::Run(run), &[proposed(&new)]).await.unwrap();
    for event in more {
        let event = match event {
            Event::Approved { by, comment, .. } => Event::Approved { plan: PLAN.to_owned(), by, comment },
            event => event,
        };
        house.journal.append(Writer::Run(run), &[(new.id.clone(), event)]).await.unwrap();
    }
    new.id
}

/// Everything that can be posted about breaks and effects: path, fields, and the least role.
async fn every_act(house: &House, run: &RunRecord, number: usize) -> Vec<(String, Vec<(&'static str, String)>, usize)> {
    let text = |name: &'static str| vec![(name, "as the shop says".to_owned())];
    let path = |place: usize, deed: &str| format!("/breaks/{}/{deed}", of_break(number * 10 + place));
    let closed = of_break(number * 10 + 6);
    let by = "Mara".to_owned();
    let off = tieout::breaks::life::Event::WrittenOff { by, reason: "lost".to_owned() };
    house.journal.decide(&[closed], &off).await.unwrap();
    let approve = with_effect(house, run, &format!("a-{number}"), State::Proposed).await;
    let reject = with_effect(house, run, &format!("r-{number}"), State::Proposed).await;
    let doubted = with_effect(house, run, &format!("d-{number}"), State::InDoubt).await;
    let refused = with_effect(house, run, &format!("o-{number}"), State::Refused).await;
    let plan = |effect: String| vec![("plan", PLAN.to_owned()), ("effect", effect), ("comment", "seen".to_owned())];
    let resolve = vec![("decision", "not_applied".to_owned()), ("reason", "asked Kard".to_owned())];
    vec![
        (path(0, "comment"), text("text"), 1),
        (path(1, "assign"), text("to"), 1),
        (path(2, "confirm"), Vec::new(), 1),
        (path(3, "write-off"), text("reason"), 2),
        (path(4, "force-match"), text("reason"), 2),
        (format!("/breaks/{}/accept", of_suggestion(number)), text("reason"), 2),
        (format!("{RUN}/effects/approve"), plan(approve), 2),
        (format!("{RUN}/effects/reject"), plan(reject), 2),
        (format!("/effects/{doubted}/resolve"), resolve, 2),
        (path(6, "reopen"), text("reason"), 3),
        (format!("/effects/{refused}/reopen"), text("reason"), 3),
    ]
}

#[tokio::test]
async fn each_role_may_what_its_table_says_and_nothing_else() {
    let (house, run) = seeded().await;
    with_breaks(&house, &run, 40, 4).await;
    for (number, (name, role)) in PEOPLE.into_iter().enumerate() {
        let acts = every_act(&house, &run, number).await;
        let mut browser = house.signed_in(name).await;
        for (path, fields, least) in acts {
            let before = house.entries().await.len();
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let reply = browser.post(&path, &fields).await;
            let entries = house.entries().await;
            if number >= least {
                assert_eq!(reply.status, 303, "{name} {path}: {}", reply.text);
                assert!(reply.location().contains("?done="), "{path} → {}", reply.location());
                assert_eq!(entries.len(), before + 1, "{name} {path}");
                let last = entries.last().unwrap();
                let by = &last["event"]["by"];
                assert!(by == name || by["name"] == name, "{last}");
            } else {
                assert_eq!(reply.status, 403, "{name} {path}");
                let takes = format!("This takes the role {}.", PEOPLE[least].1.name());
                assert!(reply.text.contains(&takes), "{role:?} {path}: {}", reply.text);
                assert_eq!(entries.len(), before, "{name} {path}");
            }
        }
    }
    house.is_whole().await;
}

#[tokio::test]
async fn the_name_beside_a_decision_is_that_of_the_session_whatever_the_form_says() {
    let (house, run) = seeded().await;
    with_breaks(&house, &run, 1, 0).await;
    let mut browser = house.signed_in("paul").await;
    let fields = [("text", "<script>alert(1)</script>"), ("by", "rosa"), ("name", "rosa"), ("role", "admin")];
    let reply = browser.post(&format!("/breaks/{}/comment", of_break(0)), &fields).await;
    assert_eq!(reply.location(), format!("/breaks/{}?done=commented", of_break(0)));
    let entries = house.entries().await;
    let event = &entries.last().unwrap()["event"];
    assert_eq!((&event["by"], &event["text"]), (&json!("paul"), &json!("<script>alert(1)</script>")));
    // The page that the form stood on, and what it showed.
    let at = format!("http://{}/runs/a/b/1/breaks?kind=x&done=assigned", browser.address);
    browser.says("referer", &at);
    let reply = browser.post(&format!("/breaks/{}/comment", of_break(0)), &fields).await;
    assert_eq!(reply.location(), "/runs/a/b/1/breaks?kind=x&done=commented");
    browser.says("referer", "http://evil.example/runs");
    let reply = browser.post(&format!("/breaks/{}/comment", of_break(0)), &fields).await;
    assert_eq!(reply.location(), format!("/breaks/{}?done=commented", of_break(0)));
    house.is_whole().await;
}

#[tokio::test]
async fn texts_are_bounded_and_asked_for_and_what_was_typed_is_not_lost() {
    let (house, run) = seeded().await;
    with_breaks(&house, &run, 1, 1).await;
    let mut browser = house.signed_in("ada").await;
    let before = house.entries().await.len();
    let (id, long) = (of_break(0), "ä".repeat(2_001));
    let script = "<script>alert(1)</script>\r\nsecond line";
    let at = |deed: &str| format!("/breaks/{id}/{deed}");
    let table: [(String, Fields, &str); 7] = [
        (at("comment"), &[("text", "  \n ")], "The field text is empty."),
        (at("comment"), &[("text", &long)], "The field text has 2001 characters, and 2000 at most can be kept."),
        (at("comment"), &[("text", "a"), ("text", "b")], "The field text is there twice."),
        (at("write-off"), &[], "The field reason is empty."),
        (at("force-match"), &[("with", "t-9")], "The field reason is empty."),
        (at("assign"), &[("to", &long[..202])], "A name has 100 characters at most."),
        (at("comment"), &[("text", "a\0b")], "A field holds a character that no text has."),
    ];
    for (path, fields, told) in table {
        let reply = browser.post(&path, fields).await;
        assert!(reply.status == 400 && reply.text.contains(told), "{path} {}", reply.text);
    }
    // What does not fit where it stands is told, and what was typed is on the page, escaped.
    let reply = browser.post(&at("reopen"), &[("reason", script)]).await;
    assert_eq!(reply.status, 409);
    let words = "This break is open now, and only resolved, written off and force matched ones can be reopened.";
    assert!(reply.text.contains(words), "{}", reply.text);
    assert!(reply.text.contains("&lt;script&gt;alert(1)&lt;/script&gt;\nsecond line</textarea>"), "{}", reply.text);
    let reply = browser.post(&format!("/breaks/{}/write-off", of_suggestion(0)), &[("reason", "x")]).await;
    assert!(reply.status == 409 && reply.text.contains("This is a suggestion that two keys belong together."));
    for path in ["/breaks/ffffffffffffffff/comment", "/breaks/%2e%2e/comment", "/breaks/b/rename"] {
        assert_eq!(browser.post(path, &[("text", "x")]).await.status / 100, 4, "{path}");
    }
    assert_eq!(house.entries().await.len(), before);
}

#[tokio::test]
async fn whoever_started_a_run_does_not_approve_it() {
    let (house, _) = seeded().await;
    let run = begin(&house, "Rosa ", PLAN).await;
    let id = with_effect(&house, &run, "t-1", State::Proposed).await;
    let path = "/runs/rewards-daily/2025-03-19/2/effects/approve";
    let fields = [("plan", PLAN), ("effect", id.as_str())];
    let reply = house.signed_in("rosa").await.post(path, &fields).await;
    assert_eq!(reply.status, 403);
    assert!(reply.text.contains("You have started this run, and its job asks that somebody else approves."));
    assert_eq!(house.signed_in("ada").await.post(path, &fields).await.status, 303);
    assert_eq!(house.journal.effect(&id).await.unwrap().state, State::Approved);
    // Where the job's rules cannot be read, nobody knows whether it asks for that.
    let (house, run) = seeded().await;
    let id = with_effect(&house, &run, "t-1", State::Proposed).await;
    house.workspace.write("jobs/rewards-daily.yaml", "job: [");
    let fields = [("plan", PLAN), ("effect", id.as_str())];
    let reply = house.signed_in("ada").await.post(&format!("{RUN}/effects/approve"), &fields).await;
    assert!(reply.status == 409 && reply.text.contains("its rules cannot be looked at"), "{}", reply.text);
    assert_eq!(house.journal.effect(&id).await.unwrap().state, State::Proposed);
}

#[tokio::test]
async fn a_plan_that_was_not_looked_at_is_not_approved() {
    let (house, run) = seeded().await;
    let id = with_effect(&house, &run, "t-1", State::Proposed).await;
    let mut browser = house.signed_in("rosa").await;
    let path = format!("{RUN}/effects/approve");
    let table: [(Fields, u16, &str); 6] = [
        (&[("plan", "another"), ("effect", &id)], 409, "The plan that was looked at is not the plan of this run."),
        (&[("effect", &id)], 400, "The form does not say which plan was looked at."),
        (&[("plan", PLAN)], 400, "No effect was chosen."),
        (&[("plan", PLAN), ("effect", "")], 400, "No effect was chosen."),
        (&[("plan", PLAN), ("effect", "ffff")], 404, "There is no such effect."),
        (&[("plan", PLAN), ("effect", &id), ("effect", "ffff")], 404, "There is no such effect."),
    ];
    for (fields, status, told) in table {
        let reply = browser.post(&path, fields).await;
        assert!(reply.status == status && reply.text.contains(told), "{fields:?} {}", reply.text);
    }
    let other = "/runs/rewards-daily/2025-03-19/9/effects/approve";
    assert_eq!(browser.post(other, &[("plan", PLAN), ("effect", &id)]).await.status, 404);
    // A later run has planned it anew.
    let later = begin(&house, "dana", "plan-2").await;
    let new = effect(EffectKind::ProviderAudit, "t-1", 1);
    let again = Event::Proposed { plan: "plan-2".to_owned(), effect: Box::new(new) };
    house.journal.append(Writer::Run(&later), &[(id.clone(), again)]).await.unwrap();
    let reply = browser.post(&path, &[("plan", PLAN), ("effect", &id)]).await;
    assert!(reply.status == 409 && reply.text.contains(&format!("Run {JOB}/{PERIOD}/2 has changed this plan.")));
    assert_eq!(house.journal.effect(&id).await.unwrap().state, State::Proposed);
}

#[tokio::test]
async fn of_two_reviewers_at_once_one_decides_and_the_other_is_told() {
    let (house, run) = seeded().await;
    with_breaks(&house, &run, 1, 0).await;
    let id = with_effect(&house, &run, "t-1", State::Proposed).await;
    let (mut rosa, mut ada) = (house.signed_in("rosa").await, house.signed_in("ada").await);
    let (approve, reject) = (format!("{RUN}/effects/approve"), format!("{RUN}/effects/reject"));
    let fields = [("plan", PLAN), ("effect", id.as_str()), ("comment", "seen")];
    let (first, second) = tokio::join!(rosa.post(&approve, &fields), ada.post(&approve, &fields));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
    let told = if first.status == 409 { first.text } else { second.text };
    assert!(told.contains("is approved now") && told.contains("Nothing was decided"), "{told}");
    assert_eq!(rosa.post(&reject, &fields).await.status, 303, "what is not sent yet can be refused");

    let path = format!("/breaks/{}/write-off", of_break(0));
    let fields = [("reason", "lost")];
    let (first, second) = tokio::join!(rosa.post(&path, &fields), ada.post(&path, &fields));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
    let decided = house.events().await.iter().filter(|event| *event == "written_off").count();
    assert_eq!(decided, 1);
    house.is_whole().await;
}

#[tokio::test]
async fn nothing_is_decided_where_nobody_signs_in() {
    let house = House::open(&ReviewConfig::default()).await;
    let run = begin(&house, "dana", PLAN).await;
    with_breaks(&house, &run, 1, 0).await;
    let before = house.entries().await.len();
    let reply = house.browser().post_plain(&format!("/breaks/{}/comment", of_break(0)), &[("text", "x")]).await;
    assert_eq!((reply.status, house.entries().await.len()), (403, before));
}
