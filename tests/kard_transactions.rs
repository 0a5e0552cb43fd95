//! What is asked and answered where transactions are sent, against the published examples, and every way in which a
//! reply may miss its shape.

use std::time::Duration;

use proptest::prelude::*;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tieout::providers::kard::reply::ShapeError;
use tieout::providers::kard::reply_effects::ItemError;
use tieout::providers::kard::reply_transactions::{
    Multi, Parts, Queued, UploadUrl, completed, is_expired_upload, multi, parts, queued, session, storage_error,
    upload_urls,
};
use tieout::providers::kard::request_transactions::{
    HISTORICAL_START_BODY, MAX_TRANSACTIONS, MAX_URLS, body_of_lines, historical_complete_body,
    historical_complete_path, historical_parts_path, historical_start_path, transactions_path, uploads_body,
    uploads_path,
};

use crate::support::chain;

const INCOMING: &str = "incomingTransactionsFile";

#[test]
fn paths_are_the_published_ones_with_their_segments_encoded() {
    let table = [
        (uploads_path("organization-123"), "/v2/issuers/organization-123/transactions/uploads"),
        (transactions_path("organization-123"), "/v2/issuers/organization-123/transactions"),
        (historical_start_path("o", "user-123"), "/v2/issuers/o/users/user-123/uploads"),
        (historical_parts_path("o", "u", "upload-123"), "/v2/issuers/o/users/u/uploads/upload-123/parts"),
        (historical_complete_path("o", "u", "upload-123"), "/v2/issuers/o/users/u/uploads/upload-123"),
        (historical_parts_path("a/b", "c d?", "é#"), "/v2/issuers/a%2Fb/users/c%20d%3F/uploads/%C3%A9%23/parts"),
    ];
    for (path, published) in table {
        assert_eq!(path.as_deref(), Some(published));
    }
    for odd in ["", ".", ".."] {
        assert_eq!((uploads_path(odd), transactions_path(odd), historical_start_path("o", odd)), (None, None, None));
        assert_eq!((historical_parts_path("o", "u", odd), historical_complete_path("o", "u", odd)), (None, None));
    }
}

#[test]
fn bodies_are_the_published_examples_byte_for_byte() {
    let body = uploads_body(INCOMING, &["transaction_12345.jsonl", "transaction_67890.jsonl"]).unwrap();
    let published = r#"{"data":[{"type":"incomingTransactionsFile","attributes":{"filename":"transaction_12345.jsonl"}},{"type":"incomingTransactionsFile","attributes":{"filename":"transaction_67890.jsonl"}}]}"#;
    assert_eq!(String::from_utf8(body).unwrap(), published);
    assert_eq!(HISTORICAL_START_BODY, br#"{"data":{"type":"historicalTransactionStart","attributes":{}}}"#);
    let published = r#"{"data":{"type":"historicalTransactionComplete","attributes":{},"id":"7e382223-b9a5-4825-91fb-436c8957a2e7"}}"#;
    let body = historical_complete_body("7e382223-b9a5-4825-91fb-436c8957a2e7");
    assert_eq!(String::from_utf8(body).unwrap(), published);
}

#[test]
fn a_body_holds_at_least_one_item_and_at_most_as_many_as_are_published() {
    let names = vec!["a.jsonl.gz"; MAX_URLS + 1];
    assert!(uploads_body(INCOMING, &names[..MAX_URLS]).is_some());
    assert_eq!((uploads_body(INCOMING, &names), uploads_body(INCOMING, &[])), (None, None));
    let lines = vec![&b"{}"[..]; MAX_TRANSACTIONS + 1];
    let body: Value = serde_json::from_slice(&body_of_lines(&lines[..MAX_TRANSACTIONS]).unwrap()).unwrap();
    assert_eq!(body["data"].as_array().unwrap().len(), 500);
    assert_eq!((body_of_lines(&lines), body_of_lines(&[])), (None, None));
    for nothing in [&b""[..], b"\n", b" \r\n"] {
        assert_eq!(body_of_lines(&[b"{}\n", nothing]), None);
    }
}

proptest! {
    #[test]
    fn lines_become_items_in_their_order_each_byte_kept(texts in prop::collection::vec("\\PC*", 1..40), end in "\r?\n?") {
        let lines: Vec<String> = texts.iter().map(|text| format!("{}{end}", json!({ "id": text }))).collect();
        let raw: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        let body = body_of_lines(&raw).unwrap();
        let inner: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        prop_assert_eq!(std::str::from_utf8(&body).unwrap(), format!("{{\"data\":[{}]}}", inner.join(",")));
        let read: Value = serde_json::from_slice(&body).unwrap();
        let ids: Vec<&str> = read["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
        prop_assert_eq!(ids, texts);
    }

    #[test]
    fn no_reply_makes_a_reader_panic(body in "[\\[\\]{}<>/\",:a-zCM0-9 ]{0,80}|\\PC*", bytes: Vec<u8>) {
        for body in [body.as_bytes(), &bytes] {
            let _ = (upload_urls(body, INCOMING, 1), queued(body), multi(body), parts(body, false), parts(body, true));
            let _ = (session(body), completed(body), storage_error(body), is_expired_upload(403, body));
        }
    }

    #[test]
    fn no_text_of_a_storage_makes_its_reader_panic(inside in "(<|</|Code>|Message>|Error>|&amp;|x| ){0,20}") {
        let _ = storage_error(format!("<Error>{inside}").as_bytes());
    }
}

/// One `FileUploadUrlData`.
fn file(kind: &str, id: &str, url: &str) -> Value {
    json!({ "type": kind, "id": id, "attributes": { "url": url, "expiresIn": 900 } })
}

fn urls(files: &[Value], asked: usize) -> Result<Vec<UploadUrl>, ShapeError> {
    upload_urls(json!({ "data": files }).to_string().as_bytes(), INCOMING, asked)
}

#[test]
fn upload_urls_are_read_in_order_and_never_shown() {
    let mut first = file(INCOMING, "u-1", "https://storage.example/a?X-Amz-Signature=canary1");
    first["new"] = json!(1);
    first["attributes"]["new"] = json!({});
    let read = urls(&[first, file(INCOMING, "u-2", "http://127.0.0.1:1/b?s=canary2")], 2).unwrap();
    assert_eq!(read.iter().map(|url| url.id.as_str()).collect::<Vec<_>>(), ["u-1", "u-2"]);
    assert_eq!(read[0].expires_in, Duration::from_mins(15));
    assert_eq!(read[1].url.expose_secret(), "http://127.0.0.1:1/b?s=canary2");
    assert!(!format!("{read:?}").contains("canary"), "{read:?}");
}

#[test]
fn upload_urls_that_do_not_fit_the_question_are_refused() {
    let good = |id: &str| file(INCOMING, id, &format!("https://storage.example/{id}?s=canary"));
    let other = file("historicalTransactionsFile", "b", "https://storage.example/b?s=canary");
    let same = file(INCOMING, "b", "https://storage.example/a?s=canary");
    let clear = file(INCOMING, "b", "http://storage.example/b?s=canary");
    let negative = json!({ "type": INCOMING, "id": "b", "attributes": { "url": "canary", "expiresIn": -1 } });
    let table = [
        (vec![], "2 upload URLs were asked for and 0 came"),
        (vec![good("a")], "2 upload URLs were asked for and 1 came"),
        (vec![good("a"), good("b"), good("c")], "2 upload URLs were asked for and 3 came"),
        (
            vec![good("a"), other],
            r#"data[1]: its type is "historicalTransactionsFile", and "incomingTransactionsFile" was asked for"#,
        ),
        (vec![good("a"), same], "data[1]: its url is that of another file of the same reply"),
        (
            vec![good("a"), file(INCOMING, "a", "https://storage.example/b?s=canary")],
            "data[1]: its id is that of another file of the same reply",
        ),
        (vec![file(INCOMING, "", "https://storage.example/b?s=canary"), good("a")], "data[0]: its id is empty"),
        (
            vec![good("a"), clear],
            "data[1]: its url cannot be used: it is not https, and the transactions would travel in the clear \
             (http:// is for this machine only)",
        ),
    ];
    for (files, told) in table {
        let error = urls(&files, 2).unwrap_err();
        assert_eq!(chain(&error), told);
        assert!(!format!("{error:?}").contains("canary"));
    }
    for odd in [
        json!([{}]),
        json!({}),
        json!(null),
        json!([negative]),
        json!([{ "type": INCOMING, "id": "x", "attributes": { "url": ["canary"], "expiresIn": 900 } }]),
    ] {
        let error = upload_urls(json!({ "data": odd }).to_string().as_bytes(), INCOMING, 1).unwrap_err();
        assert!(chain(&error).starts_with("the reply is not the published JSON: "), "{}", chain(&error));
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

fn job() -> Value {
    json!({ "type": "job", "id": "request-1", "attributes": { "status": "queued", "message": "queued 2\u{7} items" } })
}

fn job_read() -> Queued {
    Queued { id: "request-1".into(), status: "queued".into(), message: "queued 2 items".into() }
}

#[test]
fn a_call_that_is_queued_is_read_with_its_job() {
    assert_eq!(queued(json!({ "data": job(), "links": {} }).to_string().as_bytes()).unwrap(), job_read());
    for odd in [json!({}), json!({ "data": [job()] }), json!({ "data": { "id": "x" } }), json!({ "data": null })] {
        let error = queued(odd.to_string().as_bytes()).unwrap_err();
        assert!(chain(&error).starts_with("the reply is not the published JSON: a required field is missing"), "{odd}");
    }
}

fn error(pointer: Option<&str>, id: Option<&str>) -> Value {
    let mut error = json!({ "status": "400", "title": "Bad Request", "detail": "amount" });
    if let Some(pointer) = pointer {
        error["source"] = json!({ "pointer": pointer });
    }
    if let Some(id) = id {
        error["id"] = json!(id);
    }
    error
}

fn by_id(id: &str) -> ItemError {
    let words = format!("Bad Request: amount (id {id})");
    ItemError { id: Some(id.into()), pointer: None, status: Some(400), words }
}

#[test]
fn a_call_that_is_taken_in_part_names_what_was_not() {
    let errors = [error(None, Some("event-1")), error(Some("/data/3/attributes/amount"), None)];
    let read = multi(json!({ "errors": errors, "data": job() }).to_string().as_bytes()).unwrap();
    assert_eq!((read.queued, &read.errors[0]), (Some(job_read()), &by_id("event-1")));
    assert_eq!((read.errors.len(), read.errors[1].index()), (2, Some(3)));
    let read = multi(json!({ "errors": [error(None, Some("event-1"))] }).to_string().as_bytes()).unwrap();
    assert_eq!(read, Multi { queued: None, errors: vec![by_id("event-1")] });
    let nothing = "the reply is a success and names nothing: neither `data` nor `errors` has an item";
    assert_eq!(chain(&multi(b"{\"errors\":[]}").unwrap_err()), nothing);
    let no_errors = multi(json!({ "data": job() }).to_string().as_bytes()).unwrap_err();
    assert_eq!(chain(&no_errors), "the reply has no list \"errors\"");
    // Of an object is published, not of a list.
    assert!(multi(json!({ "errors": [], "data": [job()] }).to_string().as_bytes()).is_err());
}

#[test]
fn a_part_is_read_in_full_and_in_part() {
    let item = json!({ "type": "historicalTransaction", "id": "upload-1", "attributes": {} });
    let full = json!({ "data": [item, item] }).to_string();
    let both = Parts { ids: vec!["upload-1".into(), "upload-1".into()], errors: Vec::new() };
    assert_eq!(parts(full.as_bytes(), false).unwrap(), both);
    let partly = json!({ "errors": [error(None, Some("event-1"))], "data": [item] }).to_string();
    let read = parts(partly.as_bytes(), true).unwrap();
    assert_eq!((read.ids.len(), read.errors), (1, vec![by_id("event-1")]));
    let none = json!({ "errors": [error(None, Some("event-1"))] }).to_string();
    assert_eq!(parts(none.as_bytes(), true).unwrap().ids, Vec::<String>::new());
    let told = |body: &str, multi| chain(&parts(body.as_bytes(), multi).unwrap_err());
    assert_eq!(told(&none, false), "the reply has no list \"data\"");
    assert_eq!(told(&full, true), "the reply has no list \"errors\"");
    let nothing = "the reply is a success and names nothing: neither `data` nor `errors` has an item";
    assert_eq!(told("{\"data\":[]}", false), nothing);
}

#[test]
fn a_session_is_read_if_its_id_can_stand_in_a_path() {
    let reply = |kind: &str, id: &str| json!({ "data": { "type": kind, "id": id, "attributes": {} } }).to_string();
    assert_eq!(session(reply("historicalTransactionStart", "upload 1").as_bytes()).unwrap(), "upload 1");
    assert_eq!(completed(reply("historicalTransactionComplete", "upload-1").as_bytes()).unwrap(), "upload-1");
    for odd in ["", ".."] {
        let error = session(reply("historicalTransactionStart", odd).as_bytes()).unwrap_err();
        assert_eq!(chain(&error), format!("the id of the upload session is {odd:?}, which cannot stand in a path"));
    }
    for odd in ["{}", "[]", "", "{\"data\":[]}", "{\"data\":{\"id\":1}}"] {
        assert!(session(odd.as_bytes()).is_err() && completed(odd.as_bytes()).is_err(), "{odd}");
    }
}

#[test]
fn a_storages_refusal_is_read_with_code_and_message() {
    let long = "x ".repeat(400);
    let table: Vec<(String, Option<(&str, String)>)> = vec![
        (
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Request has \
             expired</Message><X-Amz-Expires>900</X-Amz-Expires></Error>"
                .into(),
            Some(("AccessDenied", "Request has expired".into())),
        ),
        (
            "\u{feff}<Error xmlns=\"x\">\n <Message>a &lt;b&gt; &amp;lt; &quot;c&apos;</Message><Code> C </Code></Error>"
                .into(),
            Some(("C", "a <b> &lt; \"c'".into())),
        ),
        ("<Error><Code>C</Code></Error>".into(), Some(("C", String::new()))),
        ("<Error><Code>C</Code><Message>a\u{1b}[2J\nb</Message>".into(), Some(("C", "a[2Jb".into()))),
        (
            "<Error><Code>C</Code><Message>see https://s.example/k?X-Amz-Signature=1</Message></Error>".into(),
            Some(("C", "see https://s.example/k?[redacted]".into())),
        ),
        ("<Error><Code></Code><Message>x</Message></Error>".into(), None),
        ("<Error><Code>C<!-- --></Code></Error>".into(), None),
        ("<Error><Code>C".into(), None),
        ("<Errors><Code>C</Code></Errors>".into(), None),
        ("<html><Error><Code>C</Code></Error></html>".into(), None),
        ("<?xml <Error><Code>C</Code></Error>".into(), None),
        (r#"{"errors":[]}"#.into(), None),
        (String::new(), None),
    ];
    for (body, told) in table {
        let told = told.map(|(code, message)| (code.to_owned(), message));
        assert_eq!(storage_error(body.as_bytes()), told, "{body}");
    }
    let (_, message) = storage_error(format!("<Error><Code>C</Code><Message>{long}</Message>").as_bytes()).unwrap();
    assert!(message.chars().count() <= 301, "{message}");
    assert_eq!(storage_error(b"<Error><Code>\xff</Code></Error>"), None);
}

#[test]
fn only_a_url_that_is_too_old_is_called_expired() {
    let body = |code: &str, message: &str| format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    let table = [
        (403, body("AccessDenied", "Request has expired"), true),
        (400, body("ExpiredToken", "The provided token has expired."), true),
        (403, body("ExpiredToken", ""), true),
        (403, body("AccessDenied", "Access Denied"), false),
        (403, body("SignatureDoesNotMatch", "expired"), false),
        (500, body("AccessDenied", "Request has expired"), false),
        (403, "Request has expired".to_owned(), false),
    ];
    for (status, body, expired) in table {
        assert_eq!(is_expired_upload(status, body.as_bytes()), expired, "{status} {body}");
    }
}
