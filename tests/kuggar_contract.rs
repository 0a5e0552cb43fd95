//! The sandbox's Kuggar against the published guide, with a plain client; and our own client against the sandbox.

use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tieout::digest::sha256;
use tieout::providers::kuggar::reply::{self, Judged, Next};
use tieout::providers::kuggar::request::{self, Doing, Limit, LimitError, Seen, Terms};
use tieout::providers::{Asked, RowWriter};
use tieout::sources::Origin;

use crate::sandbox_contract::{call, plain};
use crate::support::kuggar::{CARD, DELETED, FAILED, FOREIGN, KuggarRig, NOBODYS, NUMBER, creation};

const CARDS: &str = "/kuggar/api/v2/virtual_card";

fn login(rig: &KuggarRig) -> reqwest::RequestBuilder {
    plain()
        .post(format!("{}/kuggar/api/v2/identity/auth", rig.sandbox.base_url))
        .header("Content-Type", "application/json")
}

async fn token(rig: &KuggarRig) -> String {
    let body = json!({ "clientId": "sandbox-kuggar@tieout.example", "clientSecret": "sandbox-kuggar-secret" });
    let (status, token) = call(login(rig).body(body.to_string())).await;
    assert_eq!(status, 200);
    token.as_str().unwrap().to_owned()
}

/// One call with a good token.
async fn ask(rig: &KuggarRig, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
    let request = plain().request(method, format!("{}{path}", rig.sandbox.base_url));
    let request = request.header("Authorization", token(rig).await);
    call(match body {
        Some(body) => request.header("Content-Type", "application/json").body(body.to_string()),
        None => request,
    })
    .await
}

fn assert_error(found: &(u16, Value), status: u16, detail: &str) {
    let title = StatusCode::from_u16(status).unwrap().canonical_reason().unwrap();
    assert_eq!(found, &(status, json!({ "title": title, "status": status, "detail": detail })));
}

#[tokio::test]
async fn a_login_wants_both_texts_and_answers_a_json_web_token() {
    let rig = KuggarRig::start("").await;
    let token = token(&rig).await;
    assert_eq!(token.split('.').count(), 3, "{token}");
    let left = (reply::expiry(&token).unwrap() - chrono::Utc::now()).num_minutes();
    assert!((58..=60).contains(&left), "{left}");

    let required = "clientId and clientSecret are required, and are texts.";
    for (body, status, detail) in [
        (json!({ "clientId": "a", "clientSecret": "b" }), 401, "The credentials are not known."),
        (json!({ "clientId": "a" }), 400, required),
        (json!({ "clientId": "", "clientSecret": "b" }), 400, required),
        (json!({ "clientId": 1, "clientSecret": "b" }), 400, required),
        (json!({ "clientId": "a", "clientSecret": "b", "grant": "c" }), 400, "grant: no such field."),
        (json!([]), 400, "Request was malformed: expected a JSON object."),
    ] {
        assert_error(&call(login(&rig).body(body.to_string())).await, status, detail);
    }
    let form = plain().post(format!("{}/kuggar/api/v2/identity/auth", rig.sandbox.base_url)).body("clientId=a");
    assert_error(&call(form).await, 400, "Content-Type must be application/json.");
}

#[tokio::test]
async fn a_card_is_viewed_with_the_bare_token_only() {
    let rig = KuggarRig::start("").await;
    let url = format!("{}{CARDS}/{CARD}", rig.sandbox.base_url);
    let token = token(&rig).await;
    let (status, card) = call(plain().get(&url).header("Authorization", &token)).await;
    assert_eq!((status, &card["kuggarId"], &card["cardNumber"]), (200, &json!(CARD), &json!(NUMBER)));
    let published = [
        "cardExpiry",
        "cardHolderName",
        "cardLimit",
        "cardNumber",
        "cardSecurityCode",
        "currencyCode",
        "enhancedDataFields",
        "failureReason",
        "fundingCurrencyCode",
        "kuggarId",
        "provider",
        "providerId",
        "state",
        "validFromDate",
        "validToDate",
    ];
    assert_eq!(card.as_object().unwrap().keys().collect::<Vec<_>>(), published);

    assert_error(&call(plain().get(&url)).await, 401, "Authentication token not provided.");
    for wrong in ["nonsense".to_owned(), format!("Bearer {token}")] {
        let refused = call(plain().get(&url).header("Authorization", wrong)).await;
        assert_error(&refused, 401, "Authentication token is invalid.");
    }
}

#[tokio::test]
async fn cards_of_others_and_cards_that_are_not_there_are_refused_everywhere() {
    let rig = KuggarRig::start("").await;
    let mut change = creation();
    change.as_object_mut().unwrap().remove("currencyCode");
    for (method, body) in [(Method::GET, None), (Method::PUT, Some(&change)), (Method::DELETE, None)] {
        let of = |id: &str| format!("{CARDS}/{id}");
        let foreign = ask(&rig, method.clone(), &of(FOREIGN), body).await;
        assert_error(&foreign, 403, "Not authorised for this object.");
        let nobodys = ask(&rig, method, &of(NOBODYS), body).await;
        assert_error(&nobodys, 404, "URL is invalid: there is no such card.");
    }
    assert_error(&ask(&rig, Method::GET, "/kuggar/api/v2/virtual_cards", None).await, 404, "URL is invalid.");
    assert_error(&ask(&rig, Method::GET, CARDS, None).await, 405, "No such method here.");
}

#[tokio::test]
async fn a_creation_that_is_not_as_published_is_refused() {
    let rig = KuggarRig::start("").await;
    let with = |name: &str, value: Value| {
        let mut body = creation();
        body[name] = value;
        body
    };
    let without = |name: &str| {
        let mut body = creation();
        body.as_object_mut().unwrap().remove(name);
        body
    };
    let day = |name: &str| format!("{name}: is required, and is a date such as 2023-01-31.");
    let limit = "cardLimit: is required, and is a number such as 123.45.";
    let no_limit = "cardLimit: is no amount above zero with the currency's decimals.";
    let currency = "currencyCode: is required, and is a code of ISO 4217 such as AUD.";
    let data = "enhancedDataFields: is a list of {name, value}, both texts.";
    let cases = [
        (without("validFromDate"), day("validFromDate")),
        (with("validFromDate", json!("2023-02-30")), day("validFromDate")),
        (with("validToDate", json!("2023-01-31T00:00:00Z")), day("validToDate")),
        (with("validToDate", json!("2022-12-31")), "validToDate: is before validFromDate.".to_owned()),
        (without("cardLimit"), limit.to_owned()),
        (with("cardLimit", json!("123.45")), limit.to_owned()),
        (with("cardLimit", json!(0)), no_limit.to_owned()),
        (with("cardLimit", json!(-1.5)), no_limit.to_owned()),
        (with("cardLimit", json!(1.234)), no_limit.to_owned()),
        (without("currencyCode"), currency.to_owned()),
        (with("currencyCode", json!("aud")), currency.to_owned()),
        (with("maxAuthorisationCount", json!(0)), "maxAuthorisationCount: is a whole number above zero.".to_owned()),
        (with("useCache", json!("no")), "useCache: is true or false.".to_owned()),
        (with("enhancedDataFields", json!([{ "name": "a" }])), data.to_owned()),
        (with("enhancedDataFields", json!({ "a": "b" })), data.to_owned()),
        (with("cardNumber", json!("x")), "cardNumber: no such field.".to_owned()),
    ];
    for (body, detail) in cases {
        assert_error(&ask(&rig, Method::POST, CARDS, Some(&body)).await, 400, &detail);
    }
    let modified = ask(&rig, Method::PUT, &format!("{CARDS}/{CARD}"), Some(&creation())).await;
    assert_error(&modified, 400, "currencyCode: no such field.");
}

#[tokio::test]
async fn a_card_from_the_cache_is_brought_up_to_date_and_a_new_one_is_made() {
    let rig = KuggarRig::start("").await;
    let mut body = creation();
    for (use_cache, states) in
        [(None, ["Created", "Updated"]), (Some(true), ["Created", "Updated"]), (Some(false), ["Created", "Created"])]
    {
        if let Some(use_cache) = use_cache {
            body["useCache"] = use_cache.into();
        }
        let (status, created) = ask(&rig, Method::POST, CARDS, Some(&body)).await;
        assert_eq!((status, &created["state"]), (201, &json!(states[0])));
        assert_eq!(created["validFromDate"], "2023-01-01T00:00:00Z");
        let path = format!("{CARDS}/{}", created["kuggarId"].as_str().unwrap());
        assert_eq!(ask(&rig, Method::GET, &path, None).await.1["state"], states[1], "{use_cache:?}");
    }
}

fn terms(minor: i64) -> Terms {
    Terms {
        valid_from: "2023-02-01".parse().unwrap(),
        valid_to: "2023-02-28".parse().unwrap(),
        limit: Limit::of_minor(minor, "AUD").unwrap(),
        max_authorisation_count: Some(1),
        enhanced_data: vec![("EnhancedDataField1".to_owned(), "Value \"1\"".to_owned())],
    }
}

#[test]
fn bodies_are_exact_to_the_byte() {
    let create = request::create("AUD", &terms(1_234_567_890_123), Some(false));
    assert_eq!(
        String::from_utf8(create.body.clone()).unwrap(),
        concat!(
            r#"{"validFromDate":"2023-02-01","validToDate":"2023-02-28","cardLimit":12345678901.23,"#,
            r#""currencyCode":"AUD","useCache":false,"maxAuthorisationCount":1,"#,
            r#""enhancedDataFields":[{"name":"EnhancedDataField1","value":"Value \"1\""}]}"#
        )
    );
    assert_eq!((create.method.as_str(), create.segments().join("/")), ("POST", "api/v2/virtual_card".to_owned()));
    let bare = Terms { max_authorisation_count: None, enhanced_data: Vec::new(), ..terms(5) };
    let modify = request::modify(CARD, &bare);
    assert_eq!(
        String::from_utf8(modify.body.clone()).unwrap(),
        r#"{"validFromDate":"2023-02-01","validToDate":"2023-02-28","cardLimit":0.05}"#
    );
    assert_eq!((modify.method.as_str(), modify.segments().join("/")), ("PUT", format!("api/v2/virtual_card/{CARD}")));
    let delete = request::delete(CARD);
    assert_eq!((delete.method.as_str(), delete.body.len()), ("DELETE", 0));

    assert_eq!(Limit::of_minor(5_000, "JPY").unwrap().as_decimal(), "5000");
    assert_eq!(Limit::of_minor(0, "USD").unwrap_err(), LimitError::NotPositive { minor: 0 });
    let unknown = Limit::of_minor(1, "usd").unwrap_err().to_string();
    assert_eq!(unknown, "the limit's currency is `usd`; expected a code of ISO 4217 such as USD");
}

#[tokio::test]
async fn cards_are_created_modified_and_deleted_by_calls_that_are_sent_once() {
    let rig = KuggarRig::start("").await;
    let done = |judged| match judged {
        Judged::Done(card) => card,
        other => panic!("{other:?}"),
    };
    let created = done(rig.client.send(&request::create("AUD", &terms(12_345), None)).await.unwrap());
    assert_eq!((created.state.as_str(), created.limit.as_deref()), ("Created", Some("123.45")));
    assert_eq!(created.first_six.as_deref(), Some("541333"));
    let modified = done(rig.client.send(&request::modify(&created.kuggar_id, &terms(20_050))).await.unwrap());
    assert_eq!((modified.state.as_str(), modified.limit.as_deref()), ("Updated", Some("200.50")));
    let failed = done(rig.client.send(&request::modify(&created.kuggar_id, &terms(100_000_000))).await.unwrap());
    assert!(failed.has_failed());
    assert_eq!(failed.failure_reason.as_deref(), Some("The issuer takes no such limit."));
    let deleted = done(rig.client.send(&request::delete(&created.kuggar_id)).await.unwrap());
    assert!(deleted.is_deleted());
    assert_eq!(rig.client.card(&created.kuggar_id).await.unwrap().unwrap().state, "Deleted", "it can still be viewed");

    let cases = [
        (request::delete(&created.kuggar_id), Next::Refused, "status 400: The card is deleted already."),
        (request::modify(&created.kuggar_id, &terms(1)), Next::Refused, "status 400: The card is deleted."),
        (request::delete(FOREIGN), Next::NotOurs, "status 403: Not authorised for this object."),
        (request::delete(NOBODYS), Next::NoSuchCard, "status 404: URL is invalid: there is no such card."),
    ];
    for (call, wanted, told) in cases {
        match rig.client.send(&call).await.unwrap() {
            Judged::NotDone { why, next } => assert_eq!((next, why.as_str()), (wanted, told)),
            other => panic!("{other:?}"),
        }
    }
    let sent = rig.requests().iter().filter(|request| !request.starts_with("GET")).count();
    assert_eq!(sent, 1 + 4 + 4, "one login, and each call once");
}

#[tokio::test]
async fn a_look_at_the_card_says_what_became_of_a_call_without_a_reply() {
    let rig = KuggarRig::start("").await;
    let card = rig.client.card(CARD).await.unwrap().unwrap();
    let as_it_is = Terms {
        valid_from: "2022-04-19".parse().unwrap(),
        valid_to: "2022-05-19".parse().unwrap(),
        limit: Limit::of_minor(12_345, "USD").unwrap(),
        ..terms(1)
    };
    let other_limit = Terms { limit: Limit::of_minor(12_346, "USD").unwrap(), ..as_it_is.clone() };
    let other_end = Terms { valid_to: "2022-05-20".parse().unwrap(), ..as_it_is.clone() };
    let modify = request::modify(CARD, &as_it_is);
    assert_eq!(modify.seen(Some(&as_it_is), Some(&card)), Seen::Done, "123.450 is 123.45");
    assert_eq!(modify.seen(Some(&other_limit), Some(&card)), Seen::NotDone);
    assert_eq!(modify.seen(Some(&other_end), Some(&card)), Seen::NotDone);
    assert_eq!(modify.seen(Some(&as_it_is), None), Seen::NotDone);
    assert_eq!(modify.seen(None, Some(&card)), Seen::Unknown);
    let deleted = rig.client.card(DELETED).await.unwrap().unwrap();
    let delete = request::delete(CARD);
    assert_eq!(delete.seen(None, Some(&card)), Seen::NotDone);
    assert_eq!(delete.seen(None, Some(&deleted)), Seen::Done);
    assert_eq!(delete.seen(None, None), Seen::Done);
    let create = request::create("USD", &as_it_is, None);
    assert_eq!(create.doing, Doing::Create);
    assert_eq!(create.seen(Some(&as_it_is), None), Seen::Unknown, "nobody knows its id");
}

#[tokio::test]
async fn rows_stand_in_the_order_of_the_ids_whatever_answers_first() {
    let slow = "  - {on: kuggar.card, nth: 1, do: {slow: 150ms}}\n";
    let rig = KuggarRig::start(slow).await;
    let id = |id: &str| Asked { id: id.to_owned(), with: vec![("ref".to_owned(), format!("ref {}", &id[..1]))] };
    let ids = [id(CARD), id(NOBODYS), id(DELETED), id(FAILED)];
    let mut rows = RowWriter::new(rig.store.begin().unwrap());
    let fetched = rig.client.cards(&ids, &mut rows).await.unwrap();
    assert_eq!((fetched.not_found, rows.rows()), (1, 3));
    let file = rows.into_file().finish("cards".to_owned(), Origin::Path { path: "cards".to_owned() }).unwrap();
    let text = std::fs::read_to_string(&file.stored).unwrap();
    let starts: Vec<&str> = text.lines().map(|line| &line[..line.find(",\"row\"").unwrap()]).collect();
    let wanted = |id: &str| format!(r#"{{"asked":{{"id":"{id}","ref":"ref {}"}}"#, &id[..1]);
    assert_eq!(starts, [wanted(CARD), wanted(DELETED), wanted(FAILED)]);
    assert!(text.contains(r#""cardLimit":123.450,"#), "{text}");
    assert!(text.lines().next_back().unwrap().contains(r#""cardFirstSix":null,"cardLastFour":null"#), "{text}");
    assert!(!text.contains(NUMBER) && !text.contains("ecurityCode"), "{text}");
    assert_eq!(sha256(text.as_bytes()), file.sha256);
    assert_eq!(rig.requests().iter().filter(|line| line.contains("/auth ")).count(), 1, "one login for all");
}

#[tokio::test]
async fn an_id_that_is_a_card_number_is_never_sent() {
    let rig = KuggarRig::start("").await;
    for id in [NUMBER, "5413 3302 6742 2872", "5413-3302-6742-2872"] {
        let error = rig.client.card(id).await.unwrap_err().to_string();
        let last = if id.contains('-') {
            "****-****-****-2872"
        } else if id == NUMBER {
            "************2872"
        } else {
            "**** **** **** 2872"
        };
        assert_eq!(
            error,
            format!(
                "asking for card {last}: the id is as long as a card number, and none is sent; expected the kuggarId of the card"
            )
        );
    }
    let error = rig.client.card("..").await.unwrap_err().to_string();
    assert_eq!(error, "base_url is no address: `..` cannot stand in a path");
    assert!(rig.requests().is_empty());
    assert!(rig.client.card("a/b?c#d%2e").await.unwrap().is_none());
    assert_eq!(rig.requests().last().unwrap(), "GET /kuggar/api/v2/virtual_card/a%2Fb%3Fc%23d%252e 404");
}

#[test]
fn the_token_is_found_in_every_likely_reply() {
    let found = |body: &str, path: Option<&str>| {
        reply::token(body.as_bytes(), path).map(|token| token.expose_secret().to_owned())
    };
    for body in [
        r#""a.b.c""#,
        r#"{"token":"a.b.c"}"#,
        r#"{"accessToken":"a.b.c","token":null}"#,
        r#"{"jwt":"a.b.c"}"#,
        "a.b.c\n",
    ] {
        assert_eq!(found(body, None), Ok("a.b.c".to_owned()), "{body}");
    }
    assert_eq!(found(r#"{"data":{"t":"a.b.c"}}"#, Some("data.t")), Ok("a.b.c".to_owned()));
    let none = "the reply of the login holds no token; expected a JSON text or an object with `token`, `accessToken` or \
                `jwt`; set token_path";
    for body in ["", "{}", "[]", r#""""#, r#""a b""#, r#"{"token":5}"#, "not a token", "\u{e9}"] {
        assert_eq!(found(body, None), Err(none.to_owned()), "{body}");
    }
    assert_eq!(
        found(r#"{"token":"a.b.c"}"#, Some("data.t")),
        Err("the reply of the login holds no token at `data.t`, where token_path says that it is".to_owned())
    );
}

#[test]
fn the_claim_of_a_token_says_when_it_goes_stale_if_there_is_one() {
    use base64::Engine as _;
    let token = |claims: &str| format!("e30.{}.x", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims));
    let at = |claims: &str| reply::expiry(&token(claims)).map(|at| at.to_rfc3339());
    assert_eq!(at(r#"{"exp":1742342400}"#).as_deref(), Some("2025-03-19T00:00:00+00:00"));
    assert_eq!(at(r#"{"exp":1742342400.9,"sub":"x"}"#).as_deref(), Some("2025-03-19T00:00:00+00:00"));
    for claims in ["{}", r#"{"exp":"soon"}"#, r#"{"exp":1e300}"#, "no JSON"] {
        assert_eq!(at(claims), None, "{claims}");
    }
    assert_eq!(reply::expiry("opaque"), None);
    assert_eq!(reply::expiry("a.%%%.c"), None);
}
