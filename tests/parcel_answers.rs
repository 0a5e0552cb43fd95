//! What an answer means for a parcel or a session: every row of the table, and what holds for any answer at all.

use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use tieout::effects::answers::judge;
use tieout::effects::{Body, Call, EffectKind, Event, Judgement, Method, Next, Standing, State, Target};
use tieout::exit::ExitCode;
use tieout::providers::http::Answer;
use tieout::providers::kard::request_transactions::{HISTORICAL_START_BODY, body_of_lines, historical_complete_body};

use crate::support::sent::{sent, sent_again, step};

use EffectKind::{BulkFile, HistoricalComplete, HistoricalPart, HistoricalStart, IncomingPart};

const ALL: [EffectKind; 5] = [BulkFile, IncomingPart, HistoricalStart, HistoricalPart, HistoricalComplete];
const API: [EffectKind; 4] = [IncomingPart, HistoricalStart, HistoricalPart, HistoricalComplete];
const PARTS: [EffectKind; 2] = [IncomingPart, HistoricalPart];
const AGAIN: Next = Next::Again { wait: None };
const WAIT: Next = Next::Again { wait: Some(Duration::from_secs(7)) };

/// The call as it is made: a part has the rows `r1`, `r2`, … that are not settled.
fn call(standing: &Standing, rows: usize) -> Call {
    let kind = standing.effect.kind();
    let members = vec![standing.effect.id.clone()];
    let post = |body: Vec<u8>| {
        let target = Target::Api { method: Method::Post, path: "/v2/issuers/org-1/transactions".to_owned() };
        Call { kind, target, body: Body::Bytes(body), members: members.clone(), keyed: false }
    };
    match kind {
        BulkFile => Call {
            kind,
            target: Target::Storage { session: "s-1".to_owned() },
            body: Body::File { path: PathBuf::from("a.jsonl.gz"), bytes: 9, sha256: "c".repeat(64) },
            members,
            keyed: false,
        },
        HistoricalStart => post(HISTORICAL_START_BODY.to_vec()),
        HistoricalComplete => post(historical_complete_body("up-1")),
        _ => {
            let ids = (1..=rows).map(|row| format!("r{row}")).filter(|id| !standing.known.contains(id));
            let lines: Vec<Vec<u8>> =
                ids.map(|id| json!({ "type": "transaction", "id": id }).to_string().into()).collect();
            let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
            post(body_of_lines(&lines).unwrap())
        }
    }
}

/// Judges, and holds what is true of every judgement: one event, which may follow.
fn judged(standing: &Standing, rows: usize, answer: &Answer) -> Judgement {
    let judgement = judge(&call(standing, rows), standing, answer);
    let [(id, event)] = judgement.events.as_slice() else { panic!("{judgement:?}") };
    assert_eq!(*id, standing.effect.id);
    let after = step(standing, event);
    let settled = after.known.len();
    assert_eq!(settled, after.known.iter().collect::<std::collections::BTreeSet<_>>().len(), "settled twice");
    judgement
}

/// `acknowledged q-1`, `narrowed r1 r2: words`, `again ServerError: words`; what is refused in brackets.
fn short(event: &Event) -> String {
    let rows = |refused: &[tieout::effects::RefusedRow]| {
        refused.iter().fold(String::new(), |told, row| format!("{told} [{} {}]", row.event_id, row.why))
    };
    match event {
        Event::Acknowledged { provider_id, note, refused } => {
            let parts = [provider_id, note].into_iter().flatten().fold(String::new(), |text, part| text + " " + part);
            format!("acknowledged{parts}{}", rows(refused))
        }
        Event::Narrowed { known, refused, why } => format!("narrowed {}{}: {why}", known.join(" "), rows(refused)),
        Event::Again { doubt, why } => format!("again {doubt:?}: {why}"),
        Event::Rejected { why } => format!("rejected: {why}"),
        Event::NotSent { why, alone: true } => format!("not_sent alone: {why}"),
        Event::NotSent { why, alone: false } => format!("not_sent: {why}"),
        Event::InDoubt { doubt, why } => format!("in_doubt {doubt:?}: {why}"),
        other => panic!("{other:?} is no outcome"),
    }
}

/// For a first attempt with three rows.
fn outcome(kind: EffectKind, answer: &Answer) -> (String, Next) {
    of_standing(&sent(kind, "p-1"), answer)
}

fn of_standing(standing: &Standing, answer: &Answer) -> (String, Next) {
    let judgement = judged(standing, 3, answer);
    (short(&judgement.events[0].1), judgement.next)
}

fn reply(status: u16, body: &str) -> Answer {
    Answer::Reply { status, retry_after: None, body: body.as_bytes().to_vec(), web_page: false }
}

fn page(status: u16) -> Answer {
    Answer::Reply { status, retry_after: None, body: b"<html>Back soon</html>".to_vec(), web_page: true }
}

/// With `Retry-After: 7`.
fn later(status: u16, body: &str) -> Answer {
    let retry_after = Some(Duration::from_secs(7));
    Answer::Reply { status, retry_after, body: body.as_bytes().to_vec(), web_page: false }
}

fn error(status: &str, id: Option<&str>) -> Value {
    json!({ "status": status, "title": "T", "id": id })
}

/// An error reply: each error with its status and the row that it names.
fn errors(status: u16, errors: &[(&str, Option<&str>)]) -> Answer {
    let errors: Vec<Value> = errors.iter().map(|(status, id)| error(status, *id)).collect();
    reply(status, &json!({ "errors": errors }).to_string())
}

/// 207, with data if anything was taken.
fn multi(kind: EffectKind, took: bool, named: &[(&str, Option<&str>)]) -> Answer {
    let errors: Vec<Value> = named.iter().map(|(status, id)| error(status, *id)).collect();
    let mut body = json!({ "errors": errors });
    if took {
        body["data"] = data(kind);
    }
    reply(207, &body.to_string())
}

fn data(kind: EffectKind) -> Value {
    match kind {
        IncomingPart => json!({ "type": "job", "id": "q-1", "attributes": { "status": "queued", "message": "ok" } }),
        HistoricalPart => json!([{ "type": "historicalTransaction", "id": "up-1" }]),
        _ => json!({ "type": "x", "id": "up-1", "attributes": {} }),
    }
}

fn success(kind: EffectKind) -> Answer {
    let status = if kind == IncomingPart { 202 } else { 200 };
    reply(status, &json!({ "data": data(kind) }).to_string())
}

fn storage(status: u16, code: &str) -> Answer {
    reply(status, &format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>M</Message></Error>"))
}

#[track_caller]
fn is((found, then): (String, Next), event: &str, next: Next) {
    assert_eq!((found.as_str(), then), (event, next));
}

#[test]
fn a_success_of_the_kinds_own_status_acknowledges_with_the_id_that_it_gives() {
    is(outcome(IncomingPart, &success(IncomingPart)), "acknowledged q-1", Next::GoOn);
    is(outcome(HistoricalPart, &success(HistoricalPart)), "acknowledged", Next::GoOn);
    is(outcome(HistoricalStart, &success(HistoricalStart)), "acknowledged up-1", Next::GoOn);
    is(outcome(HistoricalComplete, &success(HistoricalComplete)), "acknowledged up-1", Next::GoOn);
    let mut file = sent(BulkFile, "p-1");
    file.session = Some("s-1".to_owned());
    is(of_standing(&file, &reply(200, "")), "acknowledged s-1", Next::GoOn);
}

#[test]
fn a_success_that_says_something_else_is_no_success_and_goes_again() {
    for (kind, answer, words) in [
        (IncomingPart, success(HistoricalStart), "status 202"),
        (HistoricalStart, reply(202, "{}"), "status 202"),
        (HistoricalComplete, reply(201, "{}"), "status 201"),
        (HistoricalPart, reply(204, ""), "status 204"),
        (HistoricalStart, reply(200, r#"{"data":{"id":""}}"#), "status 200"),
        (HistoricalPart, reply(200, r#"{"data":[]}"#), "status 200"),
        (IncomingPart, reply(207, r#"{"data":null}"#), "status 207"),
        (BulkFile, reply(204, ""), "the storage says 204"),
        (BulkFile, page(200), "the storage says 200"),
        (BulkFile, storage(200, "InternalError"), "the storage says 200 InternalError"),
    ] {
        let (event, next) = outcome(kind, &answer);
        assert!(event.starts_with("again "), "{kind} {answer:?}: {event}");
        assert!(event.contains(words) || kind == IncomingPart, "{kind}: {event}");
        assert_eq!(next, AGAIN);
    }
    let other = reply(200, &json!({ "data": { "id": "up-2" } }).to_string());
    let words = "again Unreadable: status 200 for another upload than the one that was meant";
    is(outcome(HistoricalComplete, &other), words, AGAIN);
    for kind in API {
        let (event, next) = outcome(kind, &page(200));
        assert!(event.starts_with("again Unreadable: status 200 with a web page"), "{event}");
        assert_eq!(next, AGAIN);
    }
}

#[test]
fn what_may_have_arrived_goes_again_and_what_surely_did_not_is_not_doubted() {
    for kind in ALL {
        let lost = Answer::Lost { why: "no reply within 30 s".to_owned() };
        is(outcome(kind, &lost), "again NoReply: no reply within 30 s", AGAIN);
        let unsent = Answer::NotSent { why: "connection refused".to_owned() };
        is(outcome(kind, &unsent), "not_sent: connection refused", Next::Unavailable);
    }
    for (status, next) in [(408, WAIT), (500, WAIT), (502, WAIT), (503, WAIT), (504, WAIT)] {
        for kind in API {
            is(outcome(kind, &later(status, "{}")), &format!("again ServerError: status {status}"), next);
        }
        let words = format!("again ServerError: the storage says {status}");
        is(outcome(BulkFile, &later(status, "")), &words, next);
    }
    for kind in API {
        let (event, next) = outcome(kind, &page(503));
        assert!(event.starts_with("again ServerError: status 503 with a web page"), "{event}");
        assert_eq!(next, AGAIN);
        is(outcome(kind, &later(429, "{}")), "not_sent: status 429", WAIT);
        assert_eq!(outcome(kind, &page(429)).1, AGAIN, "a web page asks for fewer calls as well");
    }
    is(outcome(BulkFile, &later(429, "")), "not_sent: the storage says 429", WAIT);
}

#[test]
fn what_only_a_person_can_mend_ends_the_run_and_refuses_nothing() {
    let check = "; check base_url, the organization and any proxy";
    for kind in API {
        is(outcome(kind, &reply(401, "{}")), "not_sent: status 401", Next::NewToken);
        let refused = Next::Refused(ExitCode::CredentialsRefused);
        is(outcome(kind, &reply(403, "{}")), "not_sent: status 403", refused);
        let configuration = Next::Refused(ExitCode::Configuration);
        for status in [404, 405, 407] {
            is(outcome(kind, &reply(status, "{}")), &format!("not_sent: status {status}{check}"), configuration);
        }
        for status in [400, 404, 409, 413] {
            let (event, next) = outcome(kind, &page(status));
            assert!(event.starts_with("not_sent: ") && event.ends_with(check), "{event}");
            assert_eq!(next, configuration);
        }
        let moved = "not_sent: status 307: redirects are not followed; write the final address in tieout.yaml";
        is(outcome(kind, &reply(307, "")), moved, configuration);
        is(outcome(kind, &errors(404, &[("404", None)])), "rejected: status 404: T", Next::GoOn);
    }
}

#[test]
fn a_storage_speaks_for_itself() {
    let alone = |words: &str| format!("not_sent alone: the storage says {words}: M");
    for (status, code) in [
        (403, "AccessDenied"),
        (403, "SignatureDoesNotMatch"),
        (403, "RequestTimeTooSkewed"),
        (401, "InvalidToken"),
        (400, "ExpiredToken"),
    ] {
        is(outcome(BulkFile, &storage(status, code)), &alone(&format!("{status} {code}")), Next::GoOn);
    }
    is(outcome(BulkFile, &reply(403, "")), "not_sent alone: the storage says 403", Next::GoOn);
    for code in ["RequestTimeout", "IncompleteBody"] {
        let words = format!("not_sent: the storage says 400 {code}: M");
        is(outcome(BulkFile, &storage(400, code)), &words, AGAIN);
    }
    for (status, code) in [(400, "EntityTooLarge"), (400, "BadDigest"), (412, "PreconditionFailed")] {
        let words = format!("rejected: the storage says {status} {code}: M");
        is(outcome(BulkFile, &storage(status, code)), &words, Next::GoOn);
    }
    for (status, code) in [(411, "MissingContentLength"), (501, "NotImplemented")] {
        let words = format!("not_sent: the storage says {status} {code}: M");
        is(outcome(BulkFile, &storage(status, code)), &words, Next::Refused(ExitCode::Unexpected));
    }
    let elsewhere = "; a proxy may stand in the way, or the URL is of another storage";
    for (status, code) in [(404, "NoSuchBucket"), (301, "PermanentRedirect"), (405, "MethodNotAllowed")] {
        let words = format!("not_sent: the storage says {status} {code}: M{elsewhere}");
        is(outcome(BulkFile, &storage(status, code)), &words, Next::Refused(ExitCode::Configuration));
    }
    // No storage refuses a file without a word.
    for answer in [reply(400, ""), page(400), reply(413, "too large")] {
        let (event, next) = outcome(BulkFile, &answer);
        assert!(event.starts_with("not_sent: ") && event.ends_with(elsewhere), "{event}");
        assert_eq!(next, Next::Refused(ExitCode::Configuration));
    }
    let slow = later(503, "<Error><Code>SlowDown</Code><Message>M</Message></Error>");
    is(outcome(BulkFile, &slow), "again ServerError: the storage says 503 SlowDown: M", WAIT);
}

#[test]
fn of_a_part_that_was_taken_in_part_each_row_gets_what_is_said_of_it() {
    for kind in PARTS {
        let id = if kind == IncomingPart { " q-1" } else { "" };
        for (named, expected) in [
            (vec![("400", Some("r2"))], format!("acknowledged{id} [r2 T (id r2)]")),
            (vec![("409", Some("r2"))], format!("acknowledged{id}")),
            (vec![("409", Some("r1")), ("404", Some("r3"))], format!("acknowledged{id} [r3 T (id r3)]")),
            (vec![("400", Some("r2")), ("422", Some("r2"))], format!("acknowledged{id} [r2 T (id r2); T (id r2)]")),
        ] {
            is(outcome(kind, &multi(kind, true, &named)), &expected, Next::GoOn);
        }
        for (named, known) in [
            (vec![("429", Some("r2"))], "r1 r3"),
            (vec![("503", Some("r1")), ("408", Some("r2"))], "r3"),
            (vec![("503", Some("r1")), ("400", Some("r1"))], "r2 r3"),
        ] {
            let (event, next) = outcome(kind, &multi(kind, true, &named));
            assert!(event.starts_with(&format!("narrowed {known}: status 207: T")), "{event}");
            assert_eq!(next, AGAIN);
        }
        let both = multi(kind, true, &[("429", Some("r2")), ("400", Some("r3"))]);
        let words = "narrowed r1 r3 [r3 T (id r3)]: status 207: T (id r2); T (id r3)";
        is(outcome(kind, &both), words, AGAIN);
    }
}

#[test]
fn where_nothing_says_that_any_row_was_taken_the_unnamed_ones_go_again() {
    for kind in PARTS {
        let words = "narrowed r2 [r2 T (id r2)]: status 207: T (id r2)";
        is(outcome(kind, &multi(kind, false, &[("400", Some("r2"))])), words, AGAIN);
        let all = multi(kind, false, &[("400", Some("r1")), ("409", Some("r2")), ("400", Some("r3"))]);
        is(outcome(kind, &all), "acknowledged [r1 T (id r1)] [r3 T (id r3)]", Next::GoOn);
    }
}

#[test]
fn an_error_that_names_no_row_is_waited_for_or_looked_at_never_guessed() {
    for kind in PARTS {
        for named in
            [vec![("400", None)], vec![("503", None), ("400", Some("r9"))], vec![("400", Some("r1")), ("400", None)]]
        {
            let (event, next) = outcome(kind, &multi(kind, true, &named));
            assert!(event.starts_with("in_doubt NotInReply: status 207, and an error names no row: T"), "{event}");
            assert_eq!(next, Next::GoOn);
        }
        let passing = multi(kind, true, &[("503", None), ("400", Some("r1"))]);
        is(outcome(kind, &passing), "again ServerError: status 207, and an error names no row: T", AGAIN);
    }
    // By its place in the body as well.
    let place = json!({ "errors": [{ "status": "400", "title": "T", "source": { "pointer": "/data/2/attributes" } }],
        "data": data(IncomingPart) });
    let (event, _) = outcome(IncomingPart, &reply(207, &place.to_string()));
    assert_eq!(event, "acknowledged q-1 [r3 T (pointer /data/2/attributes)]");
    // Errors beside a 200 count like those of a 207.
    let beside = json!({ "data": data(HistoricalPart), "errors": [error("400", Some("r1"))] });
    is(outcome(HistoricalPart, &reply(200, &beside.to_string())), "acknowledged [r1 T (id r1)]", Next::GoOn);
}

#[test]
fn a_conflict_settles_the_rows_that_it_names_and_no_others() {
    const THERE: &str = "acknowledged Kard has it already (409): an earlier attempt had arrived";
    for kind in PARTS {
        let every = [("409", Some("r1")), ("409", Some("r2")), ("409", Some("r3"))];
        for standing in [sent(kind, "p-1"), sent_again(kind, "p-1")] {
            is(of_standing(&standing, &errors(409, &every)), THERE, Next::GoOn);
            let some = "narrowed r1 r2: status 409: T (id r1); T (id r2)";
            is(of_standing(&standing, &errors(409, &every[..2])), some, Next::GoOn);
            // Any of the three may be the one, and have come in another file.
            let none = "in_doubt Conflict: status 409: T";
            is(of_standing(&standing, &errors(409, &[("409", None)])), none, Next::GoOn);
            is(of_standing(&standing, &reply(409, "{}")), "in_doubt Conflict: status 409", Next::GoOn);
        }
        let one = judged(&sent(kind, "p-1"), 1, &reply(409, "{}"));
        assert_eq!(short(&one.events[0].1), THERE, "it can only be about the one row");
        let mixed = errors(409, &[("409", Some("r1")), ("400", Some("r2")), ("503", Some("r3"))]);
        let words = "narrowed r1 r2 [r2 T (id r2)]: status 409: T (id r1); T (id r2); T (id r3)";
        is(outcome(kind, &mixed), words, Next::GoOn);
        let refused = errors(409, &[("409", Some("r1")), ("400", Some("r2")), ("409", Some("r3"))]);
        is(outcome(kind, &refused), &format!("{THERE} [r2 T (id r2)]"), Next::GoOn);
    }
}

#[test]
fn a_session_is_complete_when_a_doubted_completion_meets_a_conflict_but_never_open() {
    let conflict = errors(409, &[("409", None)]);
    let there = "acknowledged Kard has it already (409): an earlier attempt had arrived";
    is(of_standing(&sent_again(HistoricalComplete, "s"), &conflict), there, Next::GoOn);
    let doubt = "in_doubt Conflict: status 409: T";
    is(outcome(HistoricalComplete, &conflict), doubt, Next::GoOn);
    // Without its id no part could be sent.
    is(outcome(HistoricalStart, &conflict), doubt, Next::GoOn);
    is(of_standing(&sent_again(HistoricalStart, "s"), &conflict), doubt, Next::GoOn);
}

#[test]
fn a_refused_call_goes_again_without_the_rows_that_it_names() {
    for kind in PARTS {
        let words = "narrowed r2 [r2 T (id r2)]: status 400: T (id r2)";
        is(outcome(kind, &errors(400, &[("400", Some("r2"))])), words, Next::GoOn);
        let there = "narrowed r1 r2 [r2 T (id r2)]: status 400: T (id r1); T (id r2)";
        is(outcome(kind, &errors(400, &[("409", Some("r1")), ("400", Some("r2"))])), there, Next::GoOn);
        let passing = "again ServerError: status 400: T (id r1)";
        is(outcome(kind, &errors(400, &[("503", Some("r1"))])), passing, AGAIN);
        let every = [("400", Some("r1")), ("400", Some("r2")), ("400", Some("r3"))];
        is(outcome(kind, &errors(400, &every)), "rejected: status 400: T (id r1); T (id r2); T (id r3)", Next::GoOn);
        is(outcome(kind, &errors(400, &[("400", None)])), "rejected: status 400: T", Next::GoOn);
        is(outcome(kind, &reply(413, "{}")), "rejected: status 413", Next::GoOn);
    }
    for kind in [HistoricalStart, HistoricalComplete] {
        is(outcome(kind, &errors(400, &[("400", None)])), "rejected: status 400: T", Next::GoOn);
    }
}

#[test]
fn what_arrived_in_part_is_never_refused_as_a_whole() {
    for kind in PARTS {
        let first = judged(&sent(kind, "p-1"), 3, &multi(kind, true, &[("503", Some("r2")), ("503", Some("r3"))]));
        let mut standing = step(&sent(kind, "p-1"), &first.events[0].1);
        assert_eq!((standing.state, standing.known.join(" ").as_str()), (State::Approved, "r1"));
        let event = Event::InFlight { call: "c".to_owned(), body_sha256: "d".to_owned(), session: None };
        standing = step(&standing, &event);
        let both = " [r2 status 400: T] [r3 status 400: T]";
        is(of_standing(&standing, &errors(400, &[("400", None)])), &format!("acknowledged{both}"), Next::GoOn);
        let gone = " [r2 status 404: T] [r3 status 404: T]";
        is(of_standing(&standing, &errors(404, &[("404", None)])), &format!("acknowledged{gone}"), Next::GoOn);
        let named = errors(400, &[("400", Some("r2")), ("400", Some("r3"))]);
        is(of_standing(&standing, &named), "acknowledged [r2 T (id r2)] [r3 T (id r3)]", Next::GoOn);
    }
}

#[test]
fn no_secret_of_an_answer_is_kept() {
    let long = "x".repeat(2_000);
    let body = json!({ "errors": [{ "status": "400", "title": format!("Bearer abc.def.ghi \u{1b}[31m{long}") }] });
    for kind in API {
        let (event, _) = outcome(kind, &reply(400, &body.to_string()));
        assert!(!event.contains("abc.def.ghi") && !event.contains('\u{1b}') && event.chars().count() < 400, "{event}");
    }
}

fn any_status() -> impl Strategy<Value = u16> {
    prop_oneof![
        3 => prop::sample::select(vec![200_u16, 201, 202, 207, 400, 403, 404, 409, 413, 429, 500, 503]),
        1 => 100..=999_u16
    ]
}

/// Bodies like Kard's: named errors, with and without data, cut off now and then.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let status = prop::sample::select(vec!["400", "404", "409", "422", "429", "500", "x"]);
    let id = prop::option::of(prop::sample::select(vec!["r1", "r2", "r3", "r4", "r9"]));
    let error = (status, id).prop_map(|(status, id)| error(status, id));
    let data = prop::option::of(prop::sample::select(API.to_vec()).prop_map(data));
    let shaped = (data, prop::option::of(prop::collection::vec(error, 0..5)), 0..8_u8);
    prop_oneof![
        8 => shaped.prop_map(|(data, errors, cut)| {
            let text = json!({ "data": data, "errors": errors }).to_string().into_bytes();
            let end = if cut == 0 { text.len() / 2 } else { text.len() };
            text[..end].to_vec()
        }),
        1 => Just(b"<Error><Code>SlowDown</Code></Error>".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn whatever_comes_nothing_is_taken_for_more_than_it_says(
        kind in prop::sample::select(ALL.to_vec()),
        again in any::<bool>(),
        answers in prop::collection::vec((any_status(), any_body(), any::<bool>()), 1..5),
    ) {
        let mut standing = if again { sent_again(kind, "p-1") } else { sent(kind, "p-1") };
        for (status, body, web_page) in answers {
            let answer = Answer::Reply { status, retry_after: None, body: body.clone(), web_page };
            let judgement = judged(&standing, 4, &answer);
            let after = step(&standing, &judgement.events[0].1);
            let text = String::from_utf8_lossy(&body).into_owned();
            match after.state {
                State::Acknowledged => {
                    let is_success = (200..=207).contains(&status);
                    let is_refusal = (400..=499).contains(&status) && (status == 409 || !standing.known.is_empty());
                    prop_assert!(is_success || is_refusal, "{kind} {status} {text}");
                    prop_assert!(!web_page, "a web page acknowledges nothing");
                    prop_assert!(kind.is_part() || after.refused.is_empty());
                }
                State::Rejected => {
                    prop_assert!((400..=499).contains(&status) && status != 429 && status != 408);
                    prop_assert!(standing.known.is_empty(), "some of it has its outcome");
                }
                _ => {}
            }
            for row in after.refused.iter().skip(standing.refused.len()) {
                prop_assert!(text.contains(&row.event_id) || !standing.known.is_empty());
                prop_assert!(!standing.known.contains(&row.event_id), "settled before");
            }
            prop_assert!(after.known.len() <= 4);
            if after.state != State::Approved {
                break;
            }
            if let Event::Narrowed { known, .. } = &judgement.events[0].1 {
                prop_assert!(!known.is_empty(), "the same call at once for ever");
                prop_assert!(after.known.len() < 4, "nothing is left to be sent");
            }
            let event = Event::InFlight { call: "c".to_owned(), body_sha256: "d".to_owned(), session: None };
            standing = step(&after, &event);
        }
    }
}
