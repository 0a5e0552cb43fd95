//! What corporate card issuing says when it says no, what that means for an order, and why a time stamp was refused.

use std::time::Duration;

use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::json;
use tieout::exit::ExitCode;
use tieout::providers::card_issuing::clock::{OutOfWindow, out_of_window};
use tieout::providers::card_issuing::judge::{Judged, Sent, judge, plain_in_words};
use tieout::providers::card_issuing::reply::{Said, read};
use tieout::providers::card_issuing::request::{NewCard, OrderError, TopUp, create, order, stamped, top_up};
use tieout::providers::card_issuing::slugs::{PlainError, Slug, Standing};
use tieout::providers::card_issuing::{Fields, Unit};
use tieout::providers::http::Redactor;

use crate::support::issuing::envelope;
use crate::support::utc;

/// "Common error slugs", as published: slug and status; and what each means for an order.
const PUBLISHED: [(&str, u16, Standing); 15] = [
    ("invalid_request", 400, Standing::Refused),
    ("invalid_amount", 400, Standing::Refused),
    ("idempotency_key_required", 400, Standing::NotDone),
    ("insufficient_funds", 403, Standing::NotDone),
    ("user_not_found", 404, Standing::Refused),
    ("card_not_found", 404, Standing::Refused),
    ("cardholder_not_found", 404, Standing::Refused),
    ("order_not_found", 404, Standing::Refused),
    ("external_user_id_exists", 409, Standing::Refused),
    ("cardholder_already_exists", 409, Standing::Refused),
    ("card_not_active", 422, Standing::Refused),
    ("card_user_mismatch", 422, Standing::Refused),
    ("internal_error", 500, Standing::Unclear),
    ("provider_error", 502, Standing::Unclear),
    ("topup_attempts_exceeded", 503, Standing::Unclear),
];

fn said(status: u16, text: &str) -> Said {
    let body = envelope().seal_body(text.as_bytes()).unwrap();
    read(status, body.as_bytes(), false, &envelope(), &Redactor::default()).unwrap()
}

fn judged(status: u16, text: &str) -> Judged {
    judge(&Sent::Reply { status, said: said(status, text), clock: None }, "order_id")
}

#[test]
fn every_published_slug_has_its_status_a_meaning_and_something_to_do() {
    assert_eq!(Slug::PUBLISHED.len(), PUBLISHED.len());
    for (slug, (name, status, standing)) in Slug::PUBLISHED.iter().zip(PUBLISHED) {
        assert_eq!((slug.name(), slug.status()), (name, Some(status)));
        assert_eq!(Slug::of(name), *slug);
        assert_eq!(slug.standing(status), standing, "{name}");
        assert_eq!(slug.standing(if status < 500 { 500 } else { 400 }), Standing::Unclear, "{name} from elsewhere");
        assert!(!slug.meaning().is_empty() && !slug.to_do().is_empty());
        let text = json!({ "success": false, "error": "words", "error_slug": name }).to_string();
        let found = judged(status, &text);
        let why = format!("status {status}: {name} \"words\": {}; {}", slug.meaning(), slug.to_do());
        match standing {
            Standing::Refused => assert_eq!(found, Judged::Refused { why }),
            Standing::Unclear => assert_eq!(found, Judged::Unclear { why }),
            Standing::NotDone => assert!(matches!(found, Judged::NotDone { why: told, .. } if told == why)),
        }
    }
}

#[test]
fn a_slug_that_is_not_published_is_carried_and_leaves_an_order_unclear() {
    let found = judged(400, r#"{"success":false,"error":"No.","error_slug":"card_on_fire"}"#);
    let why =
        "status 400: card_on_fire \"No.\": an error that the document does not list; ask the provider what it means";
    assert_eq!(found, Judged::Unclear { why: why.to_owned() });
}

#[test]
fn an_order_is_done_only_when_an_envelope_says_so() {
    let done = |order: Option<&str>| Judged::Done { order: order.map(str::to_owned) };
    assert_eq!(judged(200, r#"{"success":true,"order_id":"ord-1"}"#), done(Some("ord-1")));
    assert_eq!(judged(200, r#"{"data":{"order_id":17}}"#), done(Some("17")));
    assert_eq!(judged(200, "{}"), done(None));
    let strange = |status| judge(&Sent::Reply { status, said: Said::Strange, clock: None }, "order_id");
    assert!(matches!(strange(500), Judged::Unclear { .. }));
    assert!(matches!(strange(429), Judged::NotDone { ends_run: None, .. }));
    assert!(matches!(strange(404), Judged::NotDone { ends_run: Some(ExitCode::Configuration), .. }));
    let lost = judge(&Sent::Lost { why: "reset".into() }, "order_id");
    assert_eq!(lost, Judged::Unclear { why: "reset".into() });
    let not_sent = judge(&Sent::NotSent { why: "refused".into() }, "order_id");
    assert_eq!(not_sent, Judged::NotDone { why: "refused".into(), ends_run: None });
}

#[test]
fn a_plain_success_or_slug_is_not_believed() {
    let plain = |status, body: &str| read(status, body.as_bytes(), false, &envelope(), &Redactor::default());
    let unsealed = plain(200, r#"{"success":true,"order_id":"ord-1"}"#).unwrap_err().to_string();
    assert_eq!(unsealed, "the reply cannot be opened: it is not JSON with the one text `encrypted`");
    assert!(matches!(plain(400, r#"{"success":false,"error_slug":"invalid_amount"}"#), Ok(Said::Strange)));
    // A sentence counts with its status only.
    assert!(matches!(plain(500, r#"{"detail":"API key not found"}"#), Ok(Said::Strange)));
}

#[test]
fn replies_that_contradict_themselves_are_told() {
    let told = |status, text: &str| {
        let body = envelope().seal_body(text.as_bytes()).unwrap();
        read(status, body.as_bytes(), false, &envelope(), &Redactor::default()).unwrap_err().to_string()
    };
    assert_eq!(told(200, "[]"), "the reply was opened, and what it holds is no JSON object");
    assert_eq!(told(200, "oops"), "the reply was opened, and what it holds is no JSON");
    assert_eq!(
        told(200, r#"{"success":false}"#),
        "the reply was opened, and it says both that it succeeded and that it failed"
    );
    assert_eq!(
        told(400, r#"{"success":true}"#),
        "the reply was opened, and it has no `success: false` with an `error_slug`, which errors have"
    );
}

#[test]
fn every_plain_error_is_told_by_its_sentence_wherever_it_stands() {
    for error in PlainError::ALL {
        for body in [error.sentence().to_owned(), json!({ "detail": error.sentence() }).to_string()] {
            let found = read(error.status(), body.as_bytes(), false, &envelope(), &Redactor::default());
            assert!(matches!(found, Ok(Said::Plain(found)) if found == error), "{body}");
        }
        let sent = Sent::Reply { status: error.status(), said: Said::Plain(error), clock: None };
        match judge(&sent, "order_id") {
            // Something on the way may have sent the order twice, and the first one may have been done.
            Judged::Unclear { .. } => assert_eq!(error, PlainError::Duplicate),
            Judged::NotDone { .. } => assert_ne!(error, PlainError::Duplicate),
            other => panic!("{error:?}: {other:?}"),
        }
    }
}

#[test]
fn a_wrong_clock_is_told_apart_from_a_slow_request() {
    let now = utc("2025-03-19T12:00:00Z");
    let tolerance = Duration::from_secs(30);
    let seconds = TimeDelta::seconds;
    let of = |made: i64, theirs: i64| out_of_window(now - seconds(made), now, Some(now + seconds(theirs)), tolerance);
    assert_eq!(of(0, -95), OutOfWindow::Ahead(seconds(95)));
    assert_eq!(of(0, 95), OutOfWindow::Behind(seconds(95)));
    assert_eq!(of(40, 1), OutOfWindow::Slow(seconds(40)));
    assert_eq!(of(1, 1), OutOfWindow::Neither);
    assert_eq!(out_of_window(now, now, None, tolerance), OutOfWindow::Unknown);
    let words = [
        (of(0, -95), "this machine's clock is 95 s ahead of the provider's; set it by NTP"),
        (of(0, 95), "this machine's clock is 95 s behind the provider's; set it by NTP"),
        (of(40, 1), "the clocks agree, but the request took 40 s; look at the network and any proxy"),
        (
            OutOfWindow::Unknown,
            "this machine's clock differs from the provider's, which does not say its time; set it by NTP",
        ),
    ];
    for (found, told) in words {
        assert_eq!(found.words(), told);
        let whole = plain_in_words(PlainError::OutOfWindow, Some(found));
        assert_eq!(whole, format!("\"Request timestamp outside allowed window\": {told}"));
    }
}

#[test]
fn orders_are_made_into_the_same_bytes_every_time() {
    let fields = Fields::default();
    assert_eq!(order(&fields, "a\"b"), r#"{"order_id":"a\"b"}"#);
    assert_eq!(stamped(&order(&fields, "x"), 17), r#"{"request_timestamp":17,"order_id":"x"}"#);
    assert_eq!(stamped("{}", 17), r#"{"request_timestamp":17}"#);
    let card = create("/cards/create", &fields, NewCard { user: "emp-001" }).unwrap();
    assert_eq!((card.path.as_str(), card.body.as_str()), ("/cards/create", r#"{"external_user_id":"emp-001"}"#));
    let order = |amount_minor, currency| TopUp { user: "emp-001", card: "card-1", amount_minor, currency };
    let body = |amount, currency, fields: &Fields| top_up("/x", fields, order(amount, currency)).map(|made| made.body);
    let rest = |currency: &str| format!(r#""card_id":"card-1","currency":"{currency}","external_user_id":"emp-001"}}"#);
    // Beyond what f64 holds exactly.
    let exact = body(9_007_199_254_740_993, "USD", &fields).unwrap();
    assert_eq!(exact, format!("{{\"amount\":90071992547409.93,{}", rest("USD")));
    assert_eq!(body(1500, "JPY", &fields).unwrap(), format!("{{\"amount\":1500,{}", rest("JPY")));
    assert_eq!(body(12_345, "KWD", &fields).unwrap(), format!("{{\"amount\":12.345,{}", rest("KWD")));
    let minor = Fields { amounts: Unit::Minor, ..Fields::default() };
    assert_eq!(body(2500, "USD", &minor).unwrap(), format!("{{\"amount\":2500,{}", rest("USD")));
    let told = |made: Result<String, OrderError>| made.map_err(|error| error.to_string()).unwrap_err();
    assert_eq!(told(body(0, "USD", &fields)), "the amount is 0 minor units; expected more than zero");
    assert_eq!(told(body(1, "ZZZ", &fields)), "`ZZZ` is no currency of ISO 4217 that is known here");
    let nobody = create("/x", &fields, NewCard { user: " " }).unwrap_err();
    assert_eq!(nobody.to_string(), "the order states no user");
}

proptest! {
    #[test]
    fn no_reply_makes_reading_panic(status in 100_u16..600, body in proptest::collection::vec(any::<u8>(), 0..300), web in any::<bool>(), text in "\\PC{0,100}") {
        let _ = read(status, &body, web, &envelope(), &Redactor::default());
        let sealed = envelope().seal_body(text.as_bytes()).unwrap();
        let _ = read(status, sealed.as_bytes(), web, &envelope(), &Redactor::default());
        // An envelope that is cut anywhere never says that something was done.
        let cut = &sealed.as_bytes()[..sealed.len() * usize::from(status % 100) / 100];
        prop_assert!(!matches!(read(status, cut, web, &envelope(), &Redactor::default()), Ok(Said::Object(_))));
    }
}
