//! The sandbox of corporate card issuing against its document, rule by rule, asked by a plain client; and orders under an
//! idempotency key, sent by ours.

use serde_json::{Value, json};
use tieout::providers::Provider as _;
use tieout::providers::card_issuing::judge::{Judged, Sent, judge};
use tieout::providers::card_issuing::request::{Mutation, NewCard, TopUp, create, top_up};
use tieout::providers::card_issuing::{Client, Fields, OrderKind};

use crate::sandbox_contract::plain;
use crate::support::issuing::{answer, ask, client, config, envelope, now_micros, post, sandbox};

const LOOK: &str = "/orders/topup";
const ORDER: &str = "top-0319-001";

fn told(sentence: &str) -> Value {
    json!({ "plain": json!({ "detail": sentence }).to_string() })
}

fn sealed(text: &str) -> String {
    envelope().seal_body(text.as_bytes()).unwrap()
}

fn slug(body: &Value) -> &str {
    assert_eq!(body["success"], false, "{body}");
    assert!(body["error"].is_string(), "{body}");
    body["error_slug"].as_str().unwrap()
}

#[tokio::test]
async fn an_order_is_shown_in_an_envelope_and_its_number_as_it_was_written() {
    let sandbox = sandbox("").await;
    let (status, body) = ask(post(&sandbox, LOOK), json!({ "order_id": ORDER })).await;
    assert_eq!((status, &body["success"], &body["order_id"]), (200, &json!(true), &json!(ORDER)));
    let order = client(&sandbox).order(OrderKind::TopUp, "top-0319-011").await.unwrap().unwrap();
    assert!(order.get().contains("\"amount\":15.75,\"currency\":\"KWD\""), "{}", order.get());
    assert!(client(&sandbox).order(OrderKind::TopUp, "top-0319-015").await.unwrap().is_none());
}

#[tokio::test]
async fn keys_and_headers_are_looked_at_before_anything_else() {
    let sandbox = sandbox("").await;
    let url = format!("{}/card_issuing/api/v1{LOOK}", sandbox.base_url);
    let body = || sealed("{}");
    let json_type = ("Content-Type", "application/json");
    let no_key = plain().post(&url).header(json_type.0, json_type.1).body(body());
    assert_eq!(answer(no_key).await, (404, told("API key not found")));
    let unknown = plain().post(&url).header("API-KEY", "other").header(json_type.0, json_type.1).body(body());
    assert_eq!(answer(unknown).await, (404, told("API key not found")));
    let no_access = plain().post(&url).header("API-KEY", "sandbox-issuing-no-access").body(body());
    assert_eq!(answer(no_access).await, (403, told("You do not have access to this API.")));
    let as_text = plain().post(&url).header("API-KEY", "sandbox-issuing-key").header("Content-Type", "text/plain");
    assert_eq!(answer(as_text.body(body())).await.0, 415);
    assert_eq!(answer(post(&sandbox, "/orders/none").body(body())).await.0, 404);
}

#[tokio::test]
async fn an_envelope_is_all_that_a_body_holds() {
    let sandbox = sandbox("").await;
    let (missing, invalid) = ("Encrypted payload not found", "Invalid encrypted payload format");
    let other_key = tieout::providers::card_issuing::envelope::Envelope::new(&[9; 32]).seal_body(b"{}").unwrap();
    let with_more = sealed("{}").replace('}', ",\"more\":1}");
    let cases = [
        ("{}".to_owned(), missing),
        ("oops".to_owned(), invalid),
        ("{\"encrypted\":17}".to_owned(), invalid),
        ("{\"encrypted\":\"!\"}".to_owned(), invalid),
        ("{\"encrypted\":\"AAAA\"}".to_owned(), invalid),
        (other_key, invalid),
        (with_more, invalid),
        (sealed("no json"), invalid),
        (sealed("[]"), invalid),
    ];
    for (body, sentence) in cases {
        assert_eq!(answer(post(&sandbox, LOOK).body(body.clone())).await, (400, told(sentence)), "{body}");
    }
}

#[tokio::test]
async fn a_time_stamp_is_there_is_a_number_is_of_now_and_is_used_once() {
    let sandbox = sandbox("").await;
    let send = async |stamp: Value| {
        let text = json!({ "order_id": ORDER, "request_timestamp": stamp }).to_string();
        answer(post(&sandbox, LOOK).body(sealed(&text))).await
    };
    let without = answer(post(&sandbox, LOOK).body(sealed(&json!({ "order_id": ORDER }).to_string()))).await;
    assert_eq!(without, (400, told("Request timestamp not found in encrypted payload")));
    for wrong in [json!("soon"), json!(1.5), json!([]), json!(true)] {
        assert_eq!(send(wrong.clone()).await, (400, told("Invalid timestamp format")), "{wrong}");
    }
    for seconds in [-31, 31, -1_000_000_000] {
        let stamp = json!(now_micros() + seconds * 1_000_000);
        assert_eq!(send(stamp).await, (400, told("Request timestamp outside allowed window")), "{seconds}");
    }
    for seconds in [-28, 28] {
        assert_eq!(send(json!(now_micros() + seconds * 1_000_000)).await.0, 200, "{seconds}");
    }
    let stamp = now_micros();
    assert_eq!(send(json!(stamp.to_string())).await.0, 200, "a text is fine, too");
    assert_eq!(send(json!(stamp)).await, (400, told("Duplicate request detected")));
    // The same stamp at another address is another request.
    let text = json!({ "order_id": "ord-0319-001", "request_timestamp": stamp }).to_string();
    assert_eq!(answer(post(&sandbox, "/orders/card").body(sealed(&text))).await.0, 200);
}

#[tokio::test]
async fn fields_stand_at_the_root_and_errors_are_sealed() {
    let sandbox = sandbox("").await;
    for fields in [
        json!({}),
        json!({ "order_id": 17 }),
        json!({ "data": { "order_id": ORDER } }),
        json!({ "order_id": ORDER, "x": 1 }),
    ] {
        let (status, body) = ask(post(&sandbox, LOOK), fields).await;
        assert_eq!((status, slug(&body)), (400, "invalid_request"));
    }
    let (status, body) = ask(post(&sandbox, LOOK), json!({ "order_id": "top-none" })).await;
    assert_eq!((status, slug(&body)), (404, "order_not_found"));
}

#[tokio::test]
async fn every_published_slug_can_be_reached() {
    let sandbox = sandbox("").await;
    for known in tieout::providers::card_issuing::slugs::Slug::PUBLISHED {
        let (status, body) = ask(post(&sandbox, LOOK), json!({ "order_id": format!("slug-{known}") })).await;
        assert_eq!((Some(status), slug(&body)), (known.status(), known.name()));
    }
}

#[tokio::test]
async fn orders_are_checked_as_the_document_says() {
    let sandbox = sandbox("").await;
    let topup = |user: &str, card: &str, amount: Value| json!({ "external_user_id": user, "card_id": card, "amount": amount, "currency": "USD" });
    let keyless = ask(post(&sandbox, "/cards/topup"), topup("emp-002", "card-001", json!(1))).await;
    assert_eq!((keyless.0, slug(&keyless.1)), (400, "idempotency_key_required"));
    let cases = [
        ("emp-002", "card-001", json!(-1), 400, "invalid_amount"),
        ("emp-002", "card-001", json!("ten"), 400, "invalid_amount"),
        ("emp-002", "card-001", json!(100.01), 403, "insufficient_funds"),
        ("emp-555", "card-001", json!(1), 404, "user_not_found"),
        ("emp-002", "card-555", json!(1), 404, "card_not_found"),
        ("emp-003", "card-001", json!(1), 422, "card_user_mismatch"),
        ("emp-005", "card-012", json!(1), 422, "card_not_active"),
    ];
    for (at, (user, card, amount, status, name)) in cases.into_iter().enumerate() {
        let request = post(&sandbox, "/cards/topup").header("Idempotency-Key", format!("key-{at}"));
        let (found, body) = ask(request, topup(user, card, amount)).await;
        assert_eq!((found, slug(&body)), (status, name));
    }
    for (user, status, name) in [("emp-009", 404, "cardholder_not_found"), ("emp-555", 404, "user_not_found")] {
        let request = post(&sandbox, "/cards/create").header("Idempotency-Key", user);
        let (found, body) = ask(request, json!({ "external_user_id": user })).await;
        assert_eq!((found, slug(&body)), (status, name));
    }
}

fn ten(amount_minor: i64) -> Mutation {
    let order = TopUp { user: "emp-002", card: "card-001", amount_minor, currency: "USD" };
    top_up("/cards/topup", &Fields::default(), order).unwrap()
}

async fn sent(client: &Client, mutation: &Mutation, key: &str) -> Judged {
    judge(&client.send(mutation, key).await.unwrap(), "order_id")
}

fn done(order: &str) -> Judged {
    Judged::Done { order: Some(order.to_owned()) }
}

#[tokio::test]
async fn the_same_key_twice_gives_the_same_order_and_charges_once() {
    let sandbox = sandbox("").await;
    let client = client(&sandbox);
    assert_eq!(sent(&client, &ten(60_00), "effect-1").await, done("ord-topup-1"));
    assert_eq!(sent(&client, &ten(60_00), "effect-1").await, done("ord-topup-1"));
    let too_much = sent(&client, &ten(40_01), "effect-2").await;
    assert!(matches!(too_much, Judged::NotDone { ends_run: Some(_), .. }), "{too_much:?}");
    assert_eq!(sent(&client, &ten(40_00), "effect-3").await, done("ord-topup-2"), "100 less 60 are left");
    let card = create("/cards/create", &Fields::default(), NewCard { user: "emp-001" }).unwrap();
    assert_eq!(sent(&client, &card, "effect-4").await, done("ord-card-3"));
    assert_eq!(sent(&client, &card, "effect-4").await, done("ord-card-3"));
}

#[tokio::test]
async fn an_order_whose_reply_is_lost_is_the_first_one_when_it_is_sent_again() {
    for fault in [
        "reset_after",
        "{truncate: 20}",
        "wrong_bytes",
        "html_page",
        "{status: 502, applied: true}",
        "malformed_json",
        "delivered_twice",
    ] {
        let sandbox = sandbox(&format!("  - {{on: card_issuing.card_topup, nth: 1, do: {fault}}}")).await;
        let client = client(&sandbox);
        let first = sent(&client, &ten(60_00), "effect-1").await;
        assert!(matches!(first, Judged::Unclear { .. }), "{fault}: {first:?}");
        assert_eq!(sent(&client, &ten(60_00), "effect-1").await, done("ord-topup-1"), "{fault}");
        assert_eq!(sent(&client, &ten(40_00), "effect-2").await, done("ord-topup-2"), "{fault}: charged once");
    }
}

#[tokio::test]
async fn an_order_that_does_not_arrive_is_surely_not_done() {
    let sandbox = sandbox("  - {on: card_issuing.card_topup, nth: 1, do: clock_ahead}").await;
    let client = client(&sandbox);
    let Judged::NotDone { why, ends_run: Some(_) } = sent(&client, &ten(1), "effect-1").await else { panic!() };
    assert!(why.contains("this machine's clock is 9") && why.contains("behind the provider's"), "{why}");
    let nobody = Client::new(&config("http://127.0.0.1:9")).unwrap();
    let answer = nobody.send(&ten(1), "effect-1").await.unwrap();
    assert!(matches!(answer, Sent::NotSent { .. }), "{answer:?}");
}

#[tokio::test]
async fn an_order_that_was_made_moves_on_as_it_is_looked_at() {
    let sandbox = sandbox("").await;
    let client = client(&sandbox);
    assert_eq!(sent(&client, &ten(1_00), "effect-1").await, done("ord-topup-1"));
    let mut seen = Vec::new();
    for _ in 0..4 {
        let order = client.order(OrderKind::TopUp, "ord-topup-1").await.unwrap().unwrap();
        let order: Value = serde_json::from_str(order.get()).unwrap();
        seen.push(order["status"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen, ["pending", "processing", "completed", "completed"]);
}

#[tokio::test]
async fn a_probe_tells_how_the_clocks_differ_and_needs_no_order() {
    let sandbox = sandbox("").await;
    let probed = config(&sandbox.base_url).probe().await.unwrap();
    assert!(probed.clock_skew.unwrap().num_seconds().abs() <= 2);
}
