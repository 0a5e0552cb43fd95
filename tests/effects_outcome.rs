//! What an answer means for each effect of a call: every row of the table, and what holds for any answer at all.

use std::slice::from_ref;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use tieout::effects::{Doubt, EffectKind, Event, Judgement, Next, Standing, judge};
use tieout::exit::ExitCode;
use tieout::providers::http::Answer;

use crate::support::sent::{sent, sent_again, sent_for, step};

use EffectKind::{FraudMarker, ProviderAudit};

const BOTH: [EffectKind; 2] = [ProviderAudit, FraudMarker];

fn reply(status: u16, body: &str) -> Answer {
    Answer::Reply { status, retry_after: None, body: body.as_bytes().to_vec(), web_page: false }
}

fn page(status: u16) -> Answer {
    Answer::Reply { status, retry_after: None, body: b"<html>Back soon</html>".to_vec(), web_page: true }
}

fn members(kind: EffectKind, transactions: &[&str]) -> Vec<Standing> {
    transactions.iter().map(|transaction| sent(kind, transaction)).collect()
}

/// Judges, and holds what is true of every judgement: one event a member, in order, each of which may follow.
fn judged(kind: EffectKind, members: &[Standing], answer: &Answer) -> Judgement {
    let judgement = judge(kind, members, answer);
    let ids: Vec<&str> = judgement.events.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, members.iter().map(|member| member.effect.id.as_str()).collect::<Vec<_>>());
    for (member, (_, event)) in members.iter().zip(&judgement.events) {
        step(member, event);
    }
    judgement
}

/// `acknowledged a-1`, `rejected: words`, `not_sent alone: words`, `in_doubt NoReply: words`.
fn short(event: &Event) -> String {
    match event {
        Event::Acknowledged { provider_id, note, refused } => {
            assert_eq!(*refused, [], "only parts have rows");
            let parts = [provider_id, note].into_iter().flatten().fold(String::new(), |text, part| text + " " + part);
            format!("acknowledged{parts}")
        }
        Event::Rejected { why } => format!("rejected: {why}"),
        Event::NotSent { why, alone: true } => format!("not_sent alone: {why}"),
        Event::NotSent { why, alone: false } => format!("not_sent: {why}"),
        Event::InDoubt { doubt, why } => format!("in_doubt {doubt:?}: {why}"),
        other => panic!("{other:?} is no outcome"),
    }
}

/// The events in short, and what comes next.
fn outcome(kind: EffectKind, transactions: &[&str], answer: &Answer) -> (Vec<String>, Next) {
    let judgement = judged(kind, &members(kind, transactions), answer);
    (judgement.events.iter().map(|(_, event)| short(event)).collect(), judgement.next)
}

/// A success of the kind's own status.
fn success(kind: EffectKind, transactions: &[&str]) -> Answer {
    reply(if kind == ProviderAudit { 201 } else { 200 }, &json!({ "data": data(kind, transactions) }).to_string())
}

fn multi(kind: EffectKind, done: &[&str], errors: &serde_json::Value) -> Answer {
    reply(207, &json!({ "data": data(kind, done), "errors": errors }).to_string())
}

fn data(kind: EffectKind, transactions: &[&str]) -> Vec<serde_json::Value> {
    let item = |transaction: &&str| match kind {
        ProviderAudit => {
            json!({ "type": "audit", "id": format!("audit-{transaction}"), "attributes": { "transactionId": transaction } })
        }
        FraudMarker => {
            json!({ "type": "fraudulentTransaction", "id": transaction, "attributes": { "userId": "user-1" } })
        }
        kind => panic!("{kind} has a table of its own"),
    };
    transactions.iter().map(item).collect()
}

fn error(status: &str, id: &str) -> serde_json::Value {
    json!({ "status": status, "title": "Title", "detail": "Detail.", "id": id })
}

/// The same words for so many members.
fn all(count: usize, words: &str) -> Vec<String> {
    vec![words.to_owned(); count]
}

#[test]
fn a_success_acknowledges_what_it_names_and_nothing_else() {
    let (events, next) = outcome(ProviderAudit, &["t1", "t2"], &success(ProviderAudit, &["t2", "t1"]));
    assert_eq!((events, next), (vec!["acknowledged audit-t1".into(), "acknowledged audit-t2".into()], Next::GoOn));
    let (events, next) = outcome(FraudMarker, &["t1", "t2"], &success(FraudMarker, &["t1", "t2"]));
    assert_eq!((events, next), (all(2, "acknowledged"), Next::GoOn));
    for (kind, status, known) in [(ProviderAudit, 201, "acknowledged audit-t1"), (FraudMarker, 200, "acknowledged")] {
        let (events, next) = outcome(kind, &["t1", "t2"], &success(kind, &["t1"]));
        let silent = format!("in_doubt NotInReply: status {status} does not name it");
        assert_eq!((events, next), (vec![known.to_owned(), silent], Next::GoOn));
    }
}

#[test]
fn a_whole_success_under_ids_of_the_providers_own_acknowledges_in_order() {
    let (events, next) = outcome(ProviderAudit, &["t1", "t2"], &success(ProviderAudit, &["k7", "k9"]));
    let under = "status 201 for as many as were sent, under transaction ids that are not ours";
    let expected = ["k7", "k9"].map(|id| format!("acknowledged audit-{id} {under}"));
    assert_eq!((events, next), (expected.to_vec(), Next::GoOn));
    // Not where one of them is ours, where some are missing or repeated, or where only a part was done.
    for answer in [
        success(ProviderAudit, &["k7", "t2"]),
        success(ProviderAudit, &["k7"]),
        success(ProviderAudit, &["k7", "k7"]),
        multi(ProviderAudit, &["k7", "k9"], &json!([])),
    ] {
        let (events, _) = outcome(ProviderAudit, &["t1", "t2"], &answer);
        assert!(events[0].starts_with("in_doubt NotInReply"), "{events:?}");
    }
}

#[test]
fn items_too_many_are_told_and_change_nothing() {
    for kind in BOTH {
        let members = members(kind, &["t1"]);
        let plain = judged(kind, &members, &success(kind, &["t1"]));
        let table: [(&[&str], &str); 3] = [
            (&["t1", "x"], "the reply names x, which was not sent"),
            (&["t1", "t1"], "the reply names t1 once more"),
            (&["x", "t1", "y", "t1"], "the reply names x, which was not sent, and 2 more such"),
        ];
        for (named, told) in table {
            let judgement = judged(kind, &members, &success(kind, named));
            assert_eq!(judgement.events, plain.events);
            assert!(judgement.words.ends_with(told), "{}", judgement.words);
        }
    }
}

#[test]
fn a_multi_status_reply_is_read_item_by_item() {
    let errors = json!([
        error("400", "t2"),
        { "status": "404", "title": "Not Found", "detail": "No user.", "source": { "pointer": "/data/2/attributes" } },
        error("500", "t4"),
        error("408", "t5"),
        error("409", "t6"),
        { "status": "soon", "title": "Title", "detail": "Detail.", "id": "t7" },
        { "title": "Title", "detail": "Detail.", "id": "t8" },
    ]);
    let sent = ["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9"];
    for (kind, known) in [(ProviderAudit, "acknowledged audit-t1"), (FraudMarker, "acknowledged")] {
        let (events, next) = outcome(kind, &sent, &multi(kind, &["t1"], &errors));
        let expected = [
            known,
            "rejected: Title: Detail. (id t2)",
            "rejected: Not Found: No user. (pointer /data/2/attributes)",
            "in_doubt ServerError: Title: Detail. (id t4)",
            "in_doubt ServerError: Title: Detail. (id t5)",
            "in_doubt Conflict: Title: Detail. (id t6)",
            "in_doubt Unreadable: Title: Detail. (id t7)",
            "in_doubt Unreadable: Title: Detail. (id t8)",
            "in_doubt NotInReply: status 207 does not name it",
        ];
        assert_eq!((events, next), (expected.map(str::to_owned).to_vec(), Next::GoOn));
    }
}

#[test]
fn an_item_of_which_the_provider_has_too_many_is_sent_again() {
    for kind in BOTH {
        let Answer::Reply { status, body, web_page, .. } = multi(kind, &["t1"], &json!([error("429", "t2")])) else {
            unreachable!("a reply was made")
        };
        let wait = Some(Duration::from_secs(7));
        let (events, next) = outcome(kind, &["t1", "t2"], &Answer::Reply { status, retry_after: wait, body, web_page });
        assert_eq!((&*events[1], next), ("not_sent: Title: Detail. (id t2)", Next::Again { wait }));
    }
}

#[test]
fn an_error_that_names_no_item_leaves_the_unnamed_in_doubt() {
    let nameless = [
        json!({ "status": "400", "title": "Bad Request", "detail": "One is wrong." }),
        json!({ "status": "400", "title": "Bad Request", "detail": "One is wrong.", "source": { "pointer": "/data/7" } }),
        json!({ "status": "400", "title": "Bad Request", "detail": "One is wrong.", "source": { "pointer": "/data/01" } }),
        json!({ "status": "400", "title": "Bad Request", "detail": "One is wrong.", "source": { "pointer": "/meta/0" } }),
    ];
    for (kind, known) in [(ProviderAudit, "acknowledged audit-t1"), (FraudMarker, "acknowledged")] {
        for error in &nameless {
            let judgement = judged(kind, &members(kind, &["t1", "t2"]), &multi(kind, &["t1"], &json!([error])));
            let events: Vec<String> = judgement.events.iter().map(|(_, event)| short(event)).collect();
            assert_eq!(events[0], known);
            let doubt = "in_doubt NotInReply: status 207 does not name it, and says: Bad Request: One is wrong.";
            assert!(events[1].starts_with(doubt), "{}", events[1]);
            let words = "status 207: an error names no item: Bad Request: One is wrong.";
            assert!(judgement.words.starts_with(words), "{}", judgement.words);
        }
    }
}

#[test]
fn a_reply_that_contradicts_itself_is_no_proof() {
    for kind in BOTH {
        let (events, _) = outcome(kind, &["t1"], &multi(kind, &["t1"], &json!([error("400", "t1")])));
        let told = "in_doubt NotInReply: status 207 contradicts itself, with success and with an error: Title: Detail. (id t1)";
        assert_eq!(events, [told]);
        // Two errors for one item: refused only if both refuse it.
        let (events, _) = outcome(kind, &["t1"], &multi(kind, &[], &json!([error("400", "t1"), error("422", "t1")])));
        assert_eq!(events, ["rejected: Title: Detail. (id t1); Title: Detail. (id t1)"]);
        let (events, _) = outcome(kind, &["t1"], &multi(kind, &[], &json!([error("400", "t1"), error("500", "t1")])));
        assert_eq!(events, ["in_doubt Unreadable: Title: Detail. (id t1); Title: Detail. (id t1)"]);
    }
}

#[test]
fn a_success_that_cannot_be_read_leaves_all_in_doubt() {
    let table = [
        (207, "", "status 207: the reply is not the published JSON: it ends early, at line 1, column 0"),
        (207, "{\"data\": [", "status 207: the reply is not the published JSON: it ends early, at line 1, column 10"),
        (207, "[]", "status 207: the reply is not the published JSON: a required field is missing or of another type"),
        (207, "{}", "status 207: the reply is a success and names nothing: neither `data` nor `errors` has an item"),
        (207, "{\"data\": []}", "status 207: the reply is a success and names nothing"),
        (207, "{\"data\": [{\"type\": \"x\"}]}", "status 207: the reply is not the published JSON: a required field"),
        (202, "{}", "status 202"),
        (204, "", "status 204"),
        (299, "", "status 299"),
        (102, "", "status 102"),
    ];
    for kind in BOTH {
        let full = if kind == ProviderAudit { 201 } else { 200 };
        let own = [(full, "{\"errors\": []}", format!("status {full}: the reply has no list \"data\""))];
        let table = table.iter().map(|(status, body, told)| (*status, *body, (*told).to_owned())).chain(own);
        for (status, body, told) in table {
            let (events, next) = outcome(kind, &["t1", "t2"], &reply(status, body));
            assert_eq!((events.len(), next), (2, Next::Doubtful));
            assert!(
                events.iter().all(|event| event.starts_with(&format!("in_doubt Unreadable: {told}"))),
                "{events:?}"
            );
        }
        // The status of the other kind is not published for this one, however good the body looks.
        let Answer::Reply { body, .. } = success(kind, &["t1"]) else { unreachable!("a reply was made") };
        let (events, next) = outcome(kind, &["t1"], &reply(401 - full, std::str::from_utf8(&body).unwrap()));
        assert_eq!((events, next), (all(1, &format!("in_doubt Unreadable: status {}", 401 - full)), Next::Doubtful));
        for status in [200, 201, 207] {
            let words = format!(
                "in_doubt Unreadable: status {status} with a web page; a proxy or a maintenance page may answer"
            );
            assert_eq!(outcome(kind, &["t1", "t2"], &page(status)), (all(2, &words), Next::Doubtful));
        }
    }
}

#[test]
fn what_never_went_out_is_not_sent_and_what_got_lost_is_in_doubt() {
    for kind in BOTH {
        let not_sent = Answer::NotSent { why: "no connection".to_owned() };
        let expected = (all(2, "not_sent: no connection"), Next::Unavailable);
        assert_eq!(outcome(kind, &["t1", "t2"], &not_sent), expected);
        let lost = Answer::Lost { why: "no answer in time".to_owned() };
        let expected = (all(2, "in_doubt NoReply: no answer in time"), Next::Doubtful);
        assert_eq!(outcome(kind, &["t1", "t2"], &lost), expected);
    }
}

#[test]
fn a_refusal_of_the_whole_call_is_judged_by_its_status() {
    let body = r#"{"errors": [{"status": "400", "title": "Title", "detail": "Detail."}]}"#;
    let address = "; check base_url, the organization and any proxy";
    let redirect = ": redirects are not followed; write the final address in tieout.yaml";
    for kind in BOTH {
        let table = [
            (302, format!("not_sent: status 302: Title: Detail.{redirect}"), Next::Refused(ExitCode::Configuration)),
            (401, "not_sent: status 401: Title: Detail.".into(), Next::NewToken),
            (403, "not_sent: status 403: Title: Detail.".into(), Next::Refused(ExitCode::CredentialsRefused)),
            (405, format!("not_sent: status 405: Title: Detail.{address}"), Next::Refused(ExitCode::Configuration)),
            (407, format!("not_sent: status 407: Title: Detail.{address}"), Next::Refused(ExitCode::Configuration)),
            (429, "not_sent: status 429: Title: Detail.".into(), Next::Again { wait: None }),
            (408, "in_doubt ServerError: status 408: Title: Detail.".into(), Next::Doubtful),
            (500, "in_doubt ServerError: status 500: Title: Detail.".into(), Next::Doubtful),
            (503, "in_doubt ServerError: status 503: Title: Detail.".into(), Next::Doubtful),
            (599, "in_doubt ServerError: status 599: Title: Detail.".into(), Next::Doubtful),
            (999, "in_doubt ServerError: status 999: Title: Detail.".into(), Next::Doubtful),
        ];
        for (status, event, next) in table {
            assert_eq!(outcome(kind, &["t1", "t2"], &reply(status, body)), (all(2, &event), next), "{kind} {status}");
        }
        for status in [400, 404, 409, 413, 422] {
            let event =
                format!("not_sent: status {status} with a web page; a proxy or a maintenance page may answer{address}");
            let expected = (all(2, &event), Next::Refused(ExitCode::Configuration));
            assert_eq!(outcome(kind, &["t1", "t2"], &page(status)), expected, "{kind} {status}");
        }
    }
    let wait = Some(Duration::from_secs(90));
    for (status, next) in [(429, Next::Again { wait }), (503, Next::Doubtful)] {
        let answer = Answer::Reply { status, retry_after: wait, body: Vec::new(), web_page: false };
        assert_eq!(outcome(FraudMarker, &["t1"], &answer).1, next, "Retry-After with {status}");
    }
}

#[test]
fn not_found_is_the_user_of_an_audit_and_the_address_of_a_marker() {
    let body = r#"{"errors": [{"status": "404", "title": "Not Found", "detail": "User not found."}]}"#;
    let user = "rejected: Kard does not know the user user-1: status 404: Not Found: User not found.";
    assert_eq!(outcome(ProviderAudit, &["t1", "t2"], &reply(404, body)), (all(2, user), Next::GoOn));
    let address = "not_sent: status 404: Not Found: User not found.; check base_url, the organization and any proxy";
    let refused = Next::Refused(ExitCode::Configuration);
    assert_eq!(outcome(FraudMarker, &["t1", "t2"], &reply(404, body)), (all(2, address), refused));
    // Kard says which; a bare 404 may come from anyone.
    let bare = "not_sent: status 404; check base_url, the organization and any proxy";
    assert_eq!(outcome(ProviderAudit, &["t1"], &reply(404, "{}")), (all(1, bare), refused));
}

#[test]
fn a_bad_request_is_the_fault_of_those_it_names_or_of_the_one_that_was_alone() {
    let plain = r#"{"errors": [{"status": "400", "title": "Bad Request", "detail": "No."}]}"#;
    let named = json!({ "errors": [error("400", "t2")] }).to_string();
    let pointed = r#"{"errors": [{"status": "400", "title": "Bad Request", "detail": "No.", "source": {"pointer": "/data/1/id"}}]}"#;
    for kind in BOTH {
        for status in [400, 413, 415, 422, 451] {
            let alone = format!("rejected: status {status}: Bad Request: No.");
            assert_eq!(outcome(kind, &["t1"], &reply(status, plain)), (all(1, &alone), Next::GoOn));
            let one_by_one = format!("not_sent alone: status {status}: Bad Request: No.");
            assert_eq!(outcome(kind, &["t1", "t2"], &reply(status, plain)), (all(2, &one_by_one), Next::GoOn));
            let bare = format!("not_sent alone: status {status}");
            assert_eq!(outcome(kind, &["t1", "t2"], &reply(status, "")), (all(2, &bare), Next::GoOn));
            let (events, next) = outcome(kind, &["t1", "t2"], &reply(status, &named));
            let others = format!("not_sent: status {status}: Title: Detail. (id t2)");
            assert_eq!((events, next), (vec![others, "rejected: Title: Detail. (id t2)".into()], Next::GoOn));
            let (events, _) = outcome(kind, &["t1", "t2"], &reply(status, pointed));
            assert_eq!(events[1], "rejected: Bad Request: No. (pointer /data/1/id)");
        }
        // A refusal may still say of one item that something failed.
        let failed = json!({ "errors": [error("500", "t1")] }).to_string();
        assert_eq!(outcome(kind, &["t1"], &reply(400, &failed)).0, ["in_doubt ServerError: Title: Detail. (id t1)"]);
    }
}

#[test]
fn a_conflict_is_an_earlier_attempt_or_a_matter_for_a_person() {
    let plain = r#"{"errors": [{"status": "409", "title": "Conflict", "detail": "Exists."}]}"#;
    let named = json!({ "errors": [error("409", "t1")] }).to_string();
    let earlier = "acknowledged Kard already has it (409): an earlier attempt had arrived";
    let short_of = |members: &[Standing], body: &str| -> Vec<String> {
        let judgement = judged(ProviderAudit, members, &reply(409, body));
        assert_eq!(judgement.next, Next::GoOn);
        judgement.events.iter().map(|(_, event)| short(event)).collect()
    };
    let (new, again) = (sent(ProviderAudit, "t1"), sent_again(ProviderAudit, "t1"));
    let other = sent(ProviderAudit, "t2");
    assert_eq!(short_of(from_ref(&new), plain), ["in_doubt Conflict: status 409: Conflict: Exists."]);
    assert_eq!(short_of(from_ref(&new), ""), ["in_doubt Conflict: status 409"]);
    assert_eq!(short_of(from_ref(&again), plain), [earlier]);
    let others = "not_sent alone: status 409: Title: Detail. (id t1)";
    assert_eq!(short_of(&[new.clone(), other.clone()], &named), ["in_doubt Conflict: Title: Detail. (id t1)", others]);
    assert_eq!(short_of(&[again.clone(), other.clone()], &named), [earlier, others]);
    let nobody = "not_sent alone: status 409: Conflict: Exists.";
    assert_eq!(short_of(&[again.clone(), other.clone()], plain), [nobody, nobody]);

    let item = judged(ProviderAudit, &[again, other], &multi(ProviderAudit, &["t2"], &json!([error("409", "t1")])));
    assert_eq!(
        item.events.iter().map(|(_, event)| short(event)).collect::<Vec<_>>(),
        [earlier, "acknowledged audit-t2"]
    );
    // Not published for markers: no attempt of ours explains it.
    for marker in [sent(FraudMarker, "t1"), sent_again(FraudMarker, "t1")] {
        let judgement = judged(FraudMarker, &[marker], &reply(409, plain));
        assert_eq!(short(&judgement.events[0].1), "in_doubt Conflict: status 409: Conflict: Exists.");
    }
}

#[test]
fn the_words_of_others_are_cut_and_hold_no_secret() {
    let long = "x ".repeat(1_000);
    let detail = format!("\u{1b}[2J Bearer abcdef 4111111111111111 {long}");
    let body = json!({ "errors": [{ "status": "400", "title": "T", "detail": detail, "id": "t1" }] }).to_string();
    let user = sent_for(ProviderAudit, &format!("4111111111111111{}", "u".repeat(500)), "t1");
    for status in [207, 400, 404, 409, 500] {
        let judgement = judged(ProviderAudit, from_ref(&user), &reply(status, &body));
        for text in [&short(&judgement.events[0].1), &judgement.words] {
            assert!(text.chars().count() <= 700, "{status}: {} characters", text.chars().count());
            for secret in ["abcdef", "4111111111111111", "\u{1b}"] {
                assert!(!text.contains(secret), "{status}: {text}");
            }
        }
    }
}

/// Bodies that are close to the published shapes, and some that are nothing at all.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let id = prop_oneof![Just("t1"), Just("t2"), Just("t3"), Just("x")];
    let status = prop_oneof![Just("400"), Just("404"), Just("409"), Just("429"), Just("500"), Just("200"), Just("?")];
    let done = (id.clone(), any::<bool>()).prop_map(|(id, audit)| {
        if audit {
            json!({ "type": "audit", "id": "a", "attributes": { "transactionId": id } })
        } else {
            json!({ "type": "fraudulentTransaction", "id": id, "attributes": { "userId": "u", "transactionId": id } })
        }
    });
    let place = prop_oneof![Just(None), (0..5_usize).prop_map(Some)];
    let error = (status, proptest::option::of(id), place).prop_map(|(status, id, place)| {
        let source = place.map(|index| json!({ "pointer": format!("/data/{index}") }));
        json!({ "status": status, "title": "T", "detail": "D", "id": id, "source": source })
    });
    let list = |item| proptest::option::of(proptest::collection::vec(item, 0..5));
    let shaped = (list(done.boxed()), list(error.boxed()), any::<bool>()).prop_map(|(data, errors, cut)| {
        let text = json!({ "data": data, "errors": errors }).to_string();
        text.as_bytes()[..if cut { text.len() / 2 } else { text.len() }].to_vec()
    });
    prop_oneof![4 => shaped, 1 => proptest::collection::vec(any::<u8>(), 0..64)]
}

/// Whether the reply itself says that the transaction was taken: told apart from the code that is tested.
fn names(body: &[u8], kind: EffectKind, transaction: &str) -> bool {
    let document: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let items = document["data"].as_array().cloned().unwrap_or_default();
    items.iter().any(|item| match kind {
        ProviderAudit => item["attributes"]["transactionId"] == transaction,
        FraudMarker => item["id"] == transaction,
        kind => panic!("{kind} has a table of its own"),
    })
}

proptest! {
    #[test]
    fn no_answer_is_taken_for_more_than_it_says(
        audit in any::<bool>(),
        again in any::<bool>(),
        count in 1..4_usize,
        status in prop_oneof![
            Just(200_u16), Just(201), Just(207), Just(400), Just(404), Just(409), Just(429), Just(500), 0..=u16::MAX
        ],
        web_page in any::<bool>(),
        body in bodies(),
    ) {
        let kind = if audit { ProviderAudit } else { FraudMarker };
        let make = if again { sent_again } else { sent };
        let members: Vec<Standing> = ["t1", "t2", "t3"][..count].iter().map(|id| make(kind, id)).collect();
        let answer = Answer::Reply { status, retry_after: None, body: body.clone(), web_page };
        let judgement = judged(kind, &members, &answer);
        for (member, (_, event)) in members.iter().zip(&judgement.events) {
            match event {
                Event::Acknowledged { note: None, .. } => {
                    prop_assert!(matches!(status, 200 | 201 | 207) && !web_page);
                    prop_assert!(names(&body, kind, member.effect.transaction()));
                }
                Event::Acknowledged { note: Some(_), .. } if status == 201 && members.iter().all(|member| {
                    !names(&body, kind, member.effect.transaction())
                }) => {
                    let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
                    prop_assert_eq!(document["data"].as_array().map(Vec::len), Some(count));
                }
                Event::Acknowledged { note: Some(_), .. } => {
                    prop_assert!(member.was_in_doubt && kind == ProviderAudit);
                    prop_assert!(status == 409 || String::from_utf8_lossy(&body).contains("409"));
                }
                Event::Rejected { .. } => {
                    prop_assert!((200..=201).contains(&status) || status == 207 || (400..500).contains(&status));
                    prop_assert!(!names(&body, kind, member.effect.transaction()) || status >= 400);
                }
                Event::NotSent { .. } => prop_assert!((300..500).contains(&status) && status != 408
                    || String::from_utf8_lossy(&body).contains("429")),
                Event::InDoubt { doubt, .. } => prop_assert!(*doubt != Doubt::NoReply && *doubt != Doubt::Interrupted),
                other => prop_assert!(false, "{other:?} is no outcome"),
            }
        }
    }
}
