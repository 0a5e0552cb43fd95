//! Subscriptions as Kard publishes them: what is asked, what is answered, and what each way of going wrong means.

use serde_json::{Value, json};
use tieout::providers::http::{Answer, Redactor};
use tieout::providers::kard::subscriptions::{
    EVENTS, Subscription, create_body, created, list, subscription_path, subscriptions_path, update_body, updated,
};
use tieout::providers::kard::{Change, judge};

use crate::support::Rig;

const ORGANIZATION: &str = "org-sandbox";
const URL: &str = "https://webhookUrl.com/post";

fn written(id: &str, event: &str, enabled: bool) -> Value {
    let attributes = json!({ "eventName": event, "webhookUrl": URL, "enabled": enabled, "added": 1 });
    json!({ "type": "subscription", "id": id, "attributes": attributes, "added": {} })
}

fn subscription(id: &str, event: &str, enabled: bool) -> Subscription {
    Subscription { id: id.to_owned(), event: event.to_owned(), url: URL.to_owned(), enabled }
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

#[test]
fn the_calls_are_the_published_ones() {
    let published = r#"{"data":[{"type":"subscription","attributes":{"eventName":"earnedRewardApproved","webhookUrl":"https://webhookUrl.com/post","enabled":true}}]}"#;
    assert_eq!(String::from_utf8(create_body("earnedRewardApproved", URL, true)).unwrap(), published);
    let turned = r#"{"data":{"type":"subscription","attributes":{"enabled":false}}}"#;
    assert_eq!(String::from_utf8(update_body(false)).unwrap(), turned);
    assert_eq!(subscriptions_path("org-1").unwrap(), "/v2/issuers/org-1/subscriptions");
    assert_eq!(subscription_path("org-1", "a/b").unwrap(), "/v2/issuers/org-1/subscriptions/a%2Fb");
    for odd in ["", ".", ".."] {
        assert_eq!((subscriptions_path(odd), subscription_path("org-1", odd)), (None, None));
    }
}

#[test]
fn replies_are_read_in_order_and_unknown_words_are_carried() {
    let body = json!({ "data": [written("b", "later", false), written("c", "clawback", true), written("a", "clawback", true)] });
    let expected =
        [subscription("a", "clawback", true), subscription("c", "clawback", true), subscription("b", "later", false)];
    assert_eq!(list(&bytes(&body)).unwrap(), expected);
    assert_eq!(list(br#"{"data":[]}"#).unwrap(), []);
    let one = json!({ "data": [written("a", "clawback", true)] });
    assert_eq!(created(&bytes(&one), "clawback").unwrap(), expected[0]);
    let one = json!({ "data": written("a", "clawback", true) });
    assert_eq!(updated(&bytes(&one), "a").unwrap(), expected[0]);
}

#[test]
fn replies_of_another_shape_are_told() {
    let missing = "a required field is missing or of another type";
    let two = json!({ "data": [written("a", "clawback", true), written("b", "clawback", true)] });
    let cases = [
        (list(br#"{"data":{}}"#).unwrap_err(), missing),
        (list(br#"{"data":[{"id":"a","attributes":{"eventName":"x","webhookUrl":"y"}}]}"#).unwrap_err(), missing),
        (
            created(&bytes(&two), "clawback").unwrap_err(),
            "\"clawback\" was asked for and the reply is about \"2 of them\"",
        ),
        (created(br#"{"data":[]}"#, "clawback").unwrap_err(), "\"0 of them\""),
        (
            created(&bytes(&json!({ "data": [written("a", "clawback", true)] })), "auditUpdate").unwrap_err(),
            "\"auditUpdate\" was asked for and the reply is about \"clawback\"",
        ),
        (updated(&bytes(&json!({ "data": written("a", "clawback", true) })), "b").unwrap_err(), "is about \"a\""),
    ];
    for (error, told) in cases {
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[test]
fn an_answer_means_made_not_made_not_sent_or_unknown() {
    let reply = |status, body: &str, web_page| Answer::Reply {
        status,
        retry_after: None,
        body: body.as_bytes().to_vec(),
        web_page,
    };
    let good = json!({ "data": [written("a", "clawback", true)] }).to_string();
    let refusal = r#"{"errors":[{"status":"409","title":"Conflict","detail":"It exists."}]}"#;
    let cases = [
        (reply(201, &good, false), "made"),
        (reply(201, &good, true), "unknown: status 201 with a web page; a proxy or a maintenance page may answer"),
        (reply(200, &good, false), "unknown: status 200"),
        (reply(201, "{}", false), "unknown: status 201, but the reply is not the published JSON: a required field is"),
        (reply(409, refusal, false), "not made: status 409: Conflict: It exists."),
        (reply(400, "no", false), "not made: status 400"),
        (reply(302, "", false), "not made: status 302"),
        (reply(401, "", false), "credentials: status 401"),
        (reply(403, "", false), "credentials: status 403"),
        (reply(429, "", false), "not sent: status 429"),
        (reply(500, "", false), "unknown: status 500"),
        (reply(408, "", false), "unknown: status 408"),
        (Answer::NotSent { why: "no way".to_owned() }, "not sent: no way"),
        (Answer::Lost { why: "gone".to_owned() }, "unknown: gone"),
    ];
    for (answer, meaning) in cases {
        let told = match judge(&answer, 201, &Redactor::default(), |body| created(body, "clawback")) {
            Change::Made(_) => "made".to_owned(),
            Change::NotMade { credentials: false, why } => format!("not made: {why}"),
            Change::NotMade { credentials: true, why } => format!("credentials: {why}"),
            Change::NotSent { why } => format!("not sent: {why}"),
            Change::Unknown { why } => format!("unknown: {why}"),
        };
        assert!(told.starts_with(meaning), "{told}; {meaning}");
    }
}

#[tokio::test]
async fn a_subscription_is_made_listed_and_turned() {
    let rig = Rig::start(&[], "  - {on: subscriptions, nth: 1, do: revoke_token}\n").await;
    assert_eq!(rig.client.subscriptions(ORGANIZATION).await.unwrap(), [], "a refused token is replaced");
    for (number, event) in EVENTS.iter().enumerate() {
        let expected = subscription(&format!("subscription-{}", number + 1), event, number != 0);
        let made = rig.client.subscribe(ORGANIZATION, event, URL, number != 0).await.unwrap();
        assert_eq!(made, Change::Made(expected));
    }
    let again = rig.client.subscribe(ORGANIZATION, EVENTS[0], URL, true).await.unwrap();
    assert!(matches!(again, Change::NotMade { credentials: false, .. }), "{again:?}");
    let turned = rig.client.turn_subscription(ORGANIZATION, "subscription-1", true).await.unwrap();
    assert_eq!(turned, Change::Made(subscription("subscription-1", EVENTS[0], true)));
    let unknown = rig.client.turn_subscription(ORGANIZATION, "subscription-9", true).await.unwrap();
    let why = "status 404: Not Found: Subscription not found.".to_owned();
    assert_eq!(unknown, Change::NotMade { credentials: false, why });
    let listed = rig.client.subscriptions(ORGANIZATION).await.unwrap();
    assert_eq!(listed.len(), EVENTS.len());
    assert!(listed.iter().all(|one| one.enabled && one.url == URL));
}

#[tokio::test]
async fn a_change_is_sent_once_whatever_becomes_of_its_reply() {
    for (fault, made, standing) in [
        ("reset_before", "unknown", 0),
        ("reset_after", "unknown", 1),
        ("{status: 503}", "unknown", 0),
        ("{status: 503, applied: true}", "unknown", 1),
        ("malformed_json", "unknown", 1),
        ("html_page", "unknown", 1),
        ("{status: 429}", "not sent", 0),
        ("{status: 401}", "refused", 0),
    ] {
        let rig = Rig::start(&[], &format!("  - {{on: subscriptions, nth: every, do: {fault}}}\n")).await;
        let told = rig.client.subscribe(ORGANIZATION, "clawback", URL, true).await.unwrap();
        let word = match told {
            Change::Made(_) => "made",
            Change::NotMade { .. } => "refused",
            Change::NotSent { .. } => "not sent",
            Change::Unknown { .. } => "unknown",
        };
        assert_eq!((word, rig.sandbox.subscriptions().len()), (made, standing), "{fault}");
        let posts = rig.requests().iter().filter(|line| line.contains("/subscriptions")).count();
        assert_eq!(posts, 1, "{fault}");
    }
}
