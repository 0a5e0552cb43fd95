//! The sandbox's subscriptions against what Kard publishes: statuses, shapes, and what it remembers.

use reqwest::Method;
use serde_json::{Value, json};

use crate::sandbox_contract::{assert_error, call, plain, token};
use crate::support::Rig;

const PATH: &str = "/v2/issuers/org-sandbox/subscriptions";
const URL: &str = "https://hooks.example/kard";

fn item(event: &str, url: &str) -> Value {
    json!({ "type": "subscription", "attributes": { "eventName": event, "webhookUrl": url, "enabled": true } })
}

async fn ask(rig: &Rig, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
    let request = plain().request(method, format!("{}{path}", rig.sandbox.base_url)).bearer_auth(token(rig).await);
    let request = match body {
        Some(body) => request.header("Content-Type", "application/json").body(body.to_string()),
        None => request,
    };
    call(request).await
}

/// The pointers of a refusal.
fn pointers(body: &Value) -> Vec<&str> {
    body["errors"].as_array().unwrap().iter().map(|error| error["source"]["pointer"].as_str().unwrap_or("-")).collect()
}

#[tokio::test]
async fn subscriptions_are_created_listed_and_changed() {
    let rig = Rig::start(&[], "").await;
    let both = json!({ "data": [item("clawback", URL), item("auditUpdate", URL)] });
    let (status, body) = ask(&rig, Method::POST, PATH, Some(&both)).await;
    assert_eq!(status, 201);
    let mut first = item("clawback", URL);
    first["id"] = "subscription-1".into();
    assert_eq!(body["data"][0], first);
    assert_eq!(ask(&rig, Method::GET, PATH, None).await, (200, body.clone()));
    let (status, found) = ask(&rig, Method::GET, &format!("{PATH}?filter[eventName]=auditUpdate"), None).await;
    assert_eq!((status, &found["data"]), (200, &json!([body["data"][1]])));

    let change = json!({ "data": { "type": "subscription", "attributes": { "enabled": false } } });
    let (status, changed) = ask(&rig, Method::PATCH, &format!("{PATH}/subscription-1"), Some(&change)).await;
    first["attributes"]["enabled"] = false.into();
    assert_eq!((status, &changed["data"]), (200, &first));
    assert_eq!(
        rig.sandbox.subscriptions().iter().map(|one| (one.enabled, one.writes)).collect::<Vec<_>>(),
        [(false, 2), (true, 1)]
    );
}

#[tokio::test]
async fn what_is_not_as_published_is_refused_with_its_place() {
    let rig = Rig::start(&[], "").await;
    let odd = json!({ "type": "x", "attributes": { "eventName": "birthday", "webhookUrl": "no url" } });
    let (status, body) = ask(&rig, Method::POST, PATH, Some(&json!({ "data": [item("clawback", URL), odd] }))).await;
    assert_eq!(status, 400);
    assert_error(&body, 400);
    let at = "/data/1/attributes";
    let places =
        [format!("/data/1/{}", "type"), format!("{at}/eventName"), format!("{at}/webhookUrl"), format!("{at}/enabled")];
    assert_eq!(pointers(&body), places);
    assert!(rig.sandbox.subscriptions().is_empty(), "all or none");

    let one = json!({ "data": [item("clawback", URL)] });
    assert_eq!(ask(&rig, Method::POST, PATH, Some(&one)).await.0, 201);
    let (status, body) = ask(&rig, Method::POST, PATH, Some(&one)).await;
    assert_eq!((status, pointers(&body)), (409, vec!["/data/0"]));
    assert_error(&body, 409);

    let (status, body) = ask(&rig, Method::GET, &format!("{PATH}?filter[eventName]=birthday"), None).await;
    assert_eq!((status, body["errors"][0]["source"]["parameter"].as_str()), (400, Some("filter[eventName]")));
    let change = |attributes: Value| json!({ "data": { "type": "subscription", "attributes": attributes } });
    let place = format!("{PATH}/subscription-1");
    let (status, body) = ask(&rig, Method::PATCH, &place, Some(&change(json!({ "enabled": "no" })))).await;
    assert_eq!((status, pointers(&body)), (400, vec!["/data/attributes/enabled"]));
    let unknown = format!("{PATH}/subscription-9");
    let (status, body) = ask(&rig, Method::PATCH, &unknown, Some(&change(json!({ "enabled": true })))).await;
    assert_eq!(status, 404);
    assert_error(&body, 404);
    for (method, path) in [(Method::GET, PATH), (Method::POST, PATH), (Method::PATCH, place.as_str())] {
        let path = path.replace("org-sandbox", "org-other");
        assert_eq!(ask(&rig, method.clone(), &path, Some(&one)).await.0, 403, "{method}");
        let bare = plain().request(method.clone(), format!("{}{path}", rig.sandbox.base_url));
        assert_eq!(call(bare.header("Content-Type", "application/json").body("{}")).await.0, 401, "{method}");
    }
}
