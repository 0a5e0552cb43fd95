//! Calls: which effects travel together, where to, and the exact bytes, as Kard publishes them.

use reqwest::Url;
use tieout::effects::call::calls;
use tieout::effects::draft::Draft;
use tieout::effects::{Body, Call, EffectKind, Event, Method, State, Target};
use tieout::job::AuditCode;
use tieout::providers::kard::request::{AuditItem, MarkerItem, audits_body, audits_path, fraud_body, fraud_path};

use crate::support::plans::{Book, audit, free, here, marker};

fn planned(drafts: &[Draft]) -> Book {
    let mut book = Book::default();
    book.plan(&free(), &here(), drafts);
    book
}

/// Path and number of members.
fn shapes(calls: &[Call]) -> Vec<(&str, usize)> {
    calls.iter().map(|call| (path(call), call.members.len())).collect()
}

fn path(call: &Call) -> &str {
    match &call.target {
        Target::Api { method: Method::Post, path } => path,
        other => panic!("{other:?} is no POST"),
    }
}

fn body_of(call: &Call) -> String {
    match &call.body {
        Body::Bytes(bytes) => text(bytes.clone()),
        file @ Body::File { .. } => panic!("{file:?} is no body of a call"),
    }
}

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).unwrap()
}

#[test]
fn the_body_of_an_audit_is_the_published_example() {
    // "Create Audits", JavaScript example.
    let published = r#"{"data":[{"type":"audit","attributes":{"auditCode":8001,"merchantName":"Caribbean Goodness","auditDescription":"duplicate transaction","transactionId":"issuerTransaction123"}}]}"#;
    let item = AuditItem {
        code: AuditCode::Other,
        merchant: "Caribbean Goodness",
        description: "duplicate transaction",
        transaction: "issuerTransaction123",
    };
    assert_eq!(text(audits_body(&[item])), published);
    assert_eq!(
        audits_path("organization-123", "user-123").unwrap(),
        "/v2/issuers/organization-123/users/user-123/audits"
    );
}

#[test]
fn the_body_of_a_marker_is_the_published_example() {
    // "Flag Fraudulent Transactions", JavaScript example.
    let published =
        r#"{"data":[{"id":"myTxnId12345","type":"fraudulentTransaction","attributes":{"userId":"userId123"}}]}"#;
    let item = MarkerItem { transaction: "myTxnId12345", user: "userId123" };
    assert_eq!(text(fraud_body(&[item])), published);
    assert_eq!(fraud_path("organization-123").unwrap(), "/v2/issuers/organization-123/fraud");
}

#[test]
fn text_of_any_kind_arrives_as_it_is() {
    for odd in ["a\"b\\c", "Café 東京", "line\nbreak\u{0}", "</script>", "\u{202e}"] {
        let body = fraud_body(&[MarkerItem { transaction: odd, user: odd }]);
        let read: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&read["data"][0]["id"], &read["data"][0]["attributes"]["userId"]), (&odd.into(), &odd.into()));
    }
}

#[test]
fn no_user_id_changes_the_path() {
    let base = "https://kard.example/base";
    for (user, segment) in [
        ("user-1_2.3~4", "user-1_2.3~4"),
        ("a/b", "a%2Fb"),
        ("a\\b", "a%5Cb"),
        ("../..", "..%2F.."),
        ("%2e%2e", "%252e%252e"),
        ("...", "..."),
        ("a?b#c", "a%3Fb%23c"),
        ("a b+c", "a%20b%2Bc"),
        ("Zoë", "Zo%C3%AB"),
        ("\t\r\n", "%09%0D%0A"),
        (" ", "%20"),
    ] {
        let path = audits_path("org-1", user).unwrap();
        assert_eq!(path, format!("/v2/issuers/org-1/users/{segment}/audits"));
        let url = Url::parse(&format!("{base}{path}")).unwrap();
        assert_eq!(url.path(), format!("/base{path}"), "{user:?} after a URL parser");
        assert_eq!((url.query(), url.fragment()), (None, None));
    }
    for impossible in ["", ".", ".."] {
        assert_eq!(audits_path("org-1", impossible), None, "{impossible:?}");
        assert_eq!(audits_path(impossible, "user"), None, "{impossible:?}");
        assert_eq!(fraud_path(impossible), None, "{impossible:?}");
    }
}

#[test]
fn audits_of_one_user_travel_together_and_markers_of_all() {
    let drafts = [audit("c", "u2"), marker("x", "u2"), audit("b", "u1"), audit("a", "u2"), marker("w", "u1")];
    let calls = calls(&planned(&drafts).0);
    let users = |user: &str| format!("/v2/issuers/org-1/users/{user}/audits");
    let (one, two) = (users("u1"), users("u2"));
    assert_eq!(shapes(&calls), [(one.as_str(), 1), (two.as_str(), 2), ("/v2/issuers/org-1/fraud", 2)]);
    let members = [&drafts[3], &drafts[0]].map(|draft| draft.key.effect_id(1));
    assert_eq!(calls[1].members, members);
    let body = r#"{"data":[{"type":"audit","attributes":{"auditCode":3006,"merchantName":"Caribbean Goodness","auditDescription":"no cashback for a","transactionId":"a"}},{"type":"audit","attributes":{"auditCode":3006,"merchantName":"Caribbean Goodness","auditDescription":"no cashback for c","transactionId":"c"}}]}"#;
    assert_eq!(body_of(&calls[1]), body);
    let body = r#"{"data":[{"id":"w","type":"fraudulentTransaction","attributes":{"userId":"u1"}},{"id":"x","type":"fraudulentTransaction","attributes":{"userId":"u2"}}]}"#;
    assert_eq!(body_of(&calls[2]), body);
    assert_eq!(calls.iter().map(|call| call.kind).collect::<Vec<_>>()[2], EffectKind::FraudMarker);
}

#[test]
fn a_call_holds_at_most_500_markers_or_100_audits() {
    let many = |count: usize, draft: fn(&str, &str) -> Draft| -> Vec<Draft> {
        (0..count).map(|number| draft(&format!("t{number:04}"), "u")).collect()
    };
    for (count, expected) in [(500, vec![500]), (501, vec![500, 1]), (1_001, vec![500, 500, 1])] {
        let calls = calls(&planned(&many(count, marker)).0);
        assert_eq!(calls.iter().map(|call| call.members.len()).collect::<Vec<_>>(), expected);
    }
    for (count, expected) in [(100, vec![100]), (101, vec![100, 1])] {
        let calls = calls(&planned(&many(count, audit)).0);
        assert_eq!(calls.iter().map(|call| call.members.len()).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn what_must_go_alone_goes_alone() {
    let mut book = planned(&[audit("a", "u"), audit("b", "u"), audit("c", "u"), audit("d", "u")]);
    for transaction in ["b", "c"] {
        book.happens(transaction, Event::InFlight { call: "x".to_owned(), body_sha256: "y".to_owned(), session: None });
        book.happens(transaction, Event::NotSent { why: "400".to_owned(), alone: true });
    }
    let calls = calls(&book.0);
    let ids = |transactions: &[&str]| transactions.iter().map(|t| audit(t, "u").key.effect_id(1)).collect::<Vec<_>>();
    let members: Vec<Vec<String>> = calls.into_iter().map(|call| call.members).collect();
    assert_eq!(members, [ids(&["a", "d"]), ids(&["b"]), ids(&["c"])]);
}

#[test]
fn only_what_is_approved_is_sent() {
    for state in State::ALL {
        let mut book = Book::default();
        book.plan(&crate::support::plans::asking(), &here(), &[audit("a", "u")]);
        book.bring("a", state);
        assert_eq!(calls(&book.0).len(), usize::from(state == State::Approved), "{state}");
    }
}

#[test]
fn the_order_in_which_standings_come_changes_no_byte() {
    let mut book = planned(&[audit("a", "u"), audit("b", "u"), marker("m", "u"), marker("n", "v"), audit("c", "v")]);
    let first = calls(&book.0);
    book.0.reverse();
    assert_eq!(calls(&book.0), first);
    book.0.extend(book.0.clone());
    assert_eq!(calls(&book.0), first, "twice the same standing is one effect");
}
