//! Calls with transactions over the wire: the method, the path and the bytes as they were given, once.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method as Seen, StatusCode, Uri};
use tieout::providers::http::Answer;
use tieout::providers::kard::Client;
use tieout::providers::kard::KardConfig;
use tieout::providers::kard::request_transactions::{
    HISTORICAL_START_BODY, Method, body_of_lines, historical_complete_body, historical_complete_path,
    historical_parts_path, historical_start_path, transactions_path,
};

use crate::support::{Rig, fast_http};

type Calls = Arc<Mutex<Vec<(Seen, String, HeaderMap, Vec<u8>)>>>;

/// A server that answers each call with the next of these statuses, and a client whose tokens come from the sandbox.
async fn server(rig: &Rig, statuses: &'static [u16]) -> (Client, Calls) {
    let calls = Calls::default();
    let notes = Arc::clone(&calls);
    let router = Router::new().fallback(move |method: Seen, uri: Uri, headers: HeaderMap, body: Bytes| {
        let mut notes = notes.lock().unwrap();
        let status = statuses[notes.len().min(statuses.len() - 1)];
        notes.push((method, uri.to_string(), headers, body.to_vec()));
        async move { (StatusCode::from_u16(status).unwrap(), "{}") }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (Client::new(&KardConfig { base_url, ..rig.sandbox.provider(fast_http()) }).unwrap(), calls)
}

#[tokio::test]
async fn each_call_goes_out_once_with_its_method_path_token_and_bytes() {
    let rig = Rig::start(&[], "").await;
    let (client, calls) = server(&rig, &[202, 200, 207, 503]).await;
    let lines = body_of_lines(&[b"{\"id\":\"a\"}\n", b"{ \"id\": \"b\" }"]).unwrap();
    let table = [
        (Method::Post, transactions_path("org 1").unwrap(), lines.clone(), 202),
        (Method::Post, historical_start_path("o", "u").unwrap(), HISTORICAL_START_BODY.to_vec(), 200),
        (Method::Put, historical_parts_path("o", "u", "s/1").unwrap(), lines, 207),
        (Method::Put, historical_complete_path("o", "u", "s/1").unwrap(), historical_complete_body("s/1"), 503),
    ];
    for (at, (method, path, body, expected)) in table.into_iter().enumerate() {
        let answer = client.send_once(method, &path, &body).await.unwrap();
        assert!(matches!(answer, Answer::Reply { status, .. } if status == expected), "{answer:?}");
        let calls = calls.lock().unwrap();
        assert_eq!(calls.len(), at + 1, "never twice");
        let (seen, uri, headers, bytes) = &calls[at];
        assert_eq!(seen.as_str(), if method == Method::Post { "POST" } else { "PUT" });
        assert_eq!((uri, bytes), (&path, &body));
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["content-length"], body.len().to_string());
        assert!(headers["authorization"].to_str().unwrap().starts_with("Bearer "));
    }
}

#[tokio::test]
async fn a_token_that_is_refused_for_a_put_is_not_used_again() {
    let rig = Rig::start(&[], "").await;
    let (client, calls) = server(&rig, &[401, 200]).await;
    let path = historical_complete_path("o", "u", "s").unwrap();
    for _ in 0..2 {
        client.send_once(Method::Put, &path, b"{}").await.unwrap();
    }
    let calls = calls.lock().unwrap();
    assert_eq!(calls.len(), 2);
    assert_ne!(calls[0].2["authorization"], calls[1].2["authorization"]);
}
