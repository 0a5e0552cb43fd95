//! What stands before the pages: forged forms, other names, headers of proxies that are none, what is too big or too
//! slow, and bugs.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use tieout::journal::Journal;
use tieout::project::ReviewConfig;
use tieout::project::review::ProxyConfig;
use tieout::receiver::connection::Patience;
use tieout::review::access::Role;
use tieout::review::desk::Desk;
use tieout::review::guard::guard;
use tieout::review::limits::Pace;
use tieout::review::peers::Network;

use crate::project_files::{PROJECT, Workspace};
use crate::support::house::{Browser, House, config};

const COMMENT: &str = "/breaks/0000000000000001/comment";

#[tokio::test]
async fn a_form_of_somebody_elses_page_is_refused() {
    let house = House::open(&config()).await;
    let mut browser = house.signed_in("rosa").await;
    let own = browser.get("/").await.token().to_owned();
    let other = house.signed_in("paul").await.get("/").await.token().to_owned();
    let second = house.signed_in("rosa").await.get("/").await.token().to_owned();
    let before = house.entries().await.len();
    let tokens: [&[(&str, &str)]; 6] = [
        &[],
        &[("token", "")],
        &[("token", &"0".repeat(64))],
        &[("token", &other)],
        &[("token", &second)],
        &[("token", &own), ("token", &own)],
    ];
    for fields in tokens {
        let fields: Vec<_> = fields.iter().copied().chain([("text", "hello there")]).collect();
        let reply = browser.post_plain(COMMENT, &fields).await;
        assert!(reply.status == 403 && reply.text.contains("This form is not of this visit"), "{}", reply.text);
        assert!(reply.text.contains("hello there"), "what was written can be copied: {}", reply.text);
    }
    // With the right token, from a page of somebody else.
    let table = [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
    ];
    for (header, value) in table {
        browser.headers.clear();
        browser.says(header, value);
        let reply = browser.post_plain(COMMENT, &[("token", &own), ("text", "hello there")]).await;
        assert!(reply.status == 403 && reply.text.contains("does not come from a page of ours"), "{header}: {value}");
        // Nor is it shown what they have written.
        assert!(!reply.text.contains("hello there"), "{}", reply.text);
    }
    // To sign somebody in as somebody else is as bad.
    let mut stranger = house.browser();
    let fields = [("name", "rosa"), ("password", crate::support::house::PASSWORD), ("next", "/")];
    assert_eq!(stranger.post_plain("/sign-in", &fields).await.status, 403);
    assert_eq!(house.entries().await.len(), before);
    browser.headers.clear();
    browser.says("sec-fetch-site", "same-origin");
    assert_eq!(browser.post(COMMENT, &[("text", "hello there")]).await.status, 404, "this one is looked at");
}

#[tokio::test]
async fn nobody_decides_without_being_signed_in() {
    let house = House::open(&ReviewConfig { anonymous: true, ..config() }).await;
    let mut browser = house.browser();
    let page = browser.get("/").await;
    assert!(page.status == 200 && page.text.contains("href=\"/sign-in\""), "{}", page.text);
    let reply = browser.post_plain(COMMENT, &[("text", "typed for an hour"), ("token", &"0".repeat(64))]).await;
    assert!(reply.status == 403 && reply.text.contains("Nobody is signed in here, or no longer."), "{}", reply.text);
    assert!(reply.text.contains("typed for an hour"), "{}", reply.text);
    assert_eq!(house.entries().await.len(), 0);
    // Where nobody can sign in there is nothing to sign in to.
    let house = House::open(&ReviewConfig::default()).await;
    let mut browser = house.browser();
    let page = browser.get("/").await;
    assert!(page.text.contains("Read only") && !page.text.contains("/sign-in"), "{}", page.text);
    assert_eq!(browser.get("/sign-in").await.status, 404);
    assert_eq!(browser.post_plain("/sign-in", &[]).await.status, 403);
    assert_eq!(browser.post_plain(COMMENT, &[("text", "x")]).await.status, 403);
}

#[tokio::test]
async fn what_is_no_form_or_too_big_is_refused() {
    let house = House::open(&config()).await;
    let mut browser = house.signed_in("rosa").await;
    let token = browser.get("/").await.token().to_owned();
    let before = house.entries().await.len();
    for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x", ""] {
        let request = browser.request(reqwest::Method::POST, COMMENT).body(format!("token={token}&text=x"));
        let reply = browser.send(request.header("content-type", kind)).await;
        assert_eq!(reply.status, 415, "{kind}");
    }
    let long = "x".repeat(300 << 10);
    assert_eq!(browser.post(COMMENT, &[("text", &long)]).await.status, 413);
    let many: Vec<_> = (0..5_000).map(|_| ("text", "x")).collect();
    assert_eq!(browser.post(COMMENT, &many).await.status, 400);
    let deep = format!("text{}", "[a]".repeat(20_000));
    assert_eq!(browser.post(COMMENT, &[(deep.as_str(), "x")]).await.status, 404, "a name like others, of no field");
    let path = format!("/?{}", "x".repeat(9_000));
    assert_eq!(browser.get(&path).await.status, 414);
    // Without a length, in pieces.
    let mut stream = TcpStream::connect(house.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "POST {COMMENT} HTTP/1.1\r\nHost: {}\r\nCookie: tieout={}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        house.address, browser.cookies["tieout"]
    );
    stream.write_all(head.as_bytes()).unwrap();
    let piece = format!("8000\r\n{}\r\n", "a".repeat(0x8000));
    for _ in 0..12 {
        if stream.write_all(piece.as_bytes()).is_err() {
            break;
        }
    }
    let _ = stream.write_all(b"0\r\n\r\n");
    let reply = tokio::task::spawn_blocking(move || read_head(&mut stream)).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 413"), "{reply}");
    assert_eq!(house.entries().await.len(), before);
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4_096];
    let read = stream.read(&mut bytes).unwrap_or(0);
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

#[tokio::test]
async fn who_is_slow_is_cut_off_and_holds_no_place() {
    let patience = Patience { head: Duration::from_millis(700), idle: Duration::from_millis(700) };
    let house = House::with(&config(), Pace::default(), Some((2, patience))).await;
    let address = house.address;
    let slow = move |text: &'static str| {
        move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let begun = Instant::now();
            for byte in text.bytes() {
                if stream.write_all(&[byte]).is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
            begun.elapsed()
        }
    };
    let first = tokio::task::spawn_blocking(slow("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "));
    let second = tokio::task::spawn_blocking(slow(""));
    tokio::time::sleep(Duration::from_millis(200)).await;
    // Both places are taken, but not for long.
    assert_eq!(house.browser().get("/sign-in").await.status, 200);
    assert!(first.await.unwrap() < Duration::from_secs(10));
    assert!(second.await.unwrap() < Duration::from_secs(10));
}

#[tokio::test]
async fn pages_are_known_by_their_own_names_alone() {
    let review = ReviewConfig { url: Some("http://tieout.acme.example:8080".to_owned()), ..config() };
    let house = House::open(&review).await;
    let port = house.address.port();
    let table = [
        (format!("127.0.0.1:{port}"), 200),
        (format!("localhost:{port}"), 200),
        ("[::1]".to_owned(), 200),
        ("10.1.2.3:8722".to_owned(), 200),
        ("tieout.acme.example".to_owned(), 200),
        ("TIEOUT.acme.example:8080".to_owned(), 200),
        ("rebound.evil.example".to_owned(), 421),
        ("tieout.acme.example.evil.example".to_owned(), 421),
        ("localhost@evil.example".to_owned(), 421),
        ("evil.example:8722".to_owned(), 421),
        (String::new(), 400),
    ];
    for (host, status) in table {
        let mut browser = house.browser();
        browser.says("host", &host);
        assert_eq!(browser.get("/sign-in").await.status, status, "{host}");
    }
    let absolute = "GET http://evil.example/sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let twice = "GET /sign-in HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    for (request, expected) in [(absolute, "HTTP/1.1 421"), (twice, "HTTP/1.1 400")] {
        let mut stream = TcpStream::connect(house.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let reply = tokio::task::spawn_blocking(move || read_head(&mut stream)).await.unwrap();
        assert!(reply.starts_with(expected), "{reply}");
    }
}

#[tokio::test]
async fn methods_that_pages_do_not_know_are_refused_and_every_reply_says_what_browsers_shall_refuse() {
    let house = House::open(&config()).await;
    let mut browser = house.signed_in("vera").await;
    for method in [reqwest::Method::OPTIONS, reqwest::Method::PUT, reqwest::Method::DELETE, reqwest::Method::TRACE] {
        let reply = browser.send(browser.request(method.clone(), "/")).await;
        assert_eq!((reply.status, reply.header("allow")), (405, "GET, HEAD, POST"), "{method}");
    }
    let head = browser.send(browser.request(reqwest::Method::HEAD, "/")).await;
    assert!(head.status == 200 && head.text.is_empty());
    assert_eq!(browser.post("/", &[]).await.status, 405);
    let lost = browser.get("/no/such/page").await;
    assert!(lost.status == 404 && lost.text.contains("There is no such page."), "{}", lost.text);
    for path in ["/", "/no/such/page", "/style.css", "/sign-in"] {
        let reply = browser.get(path).await;
        assert!(reply.header("content-security-policy").starts_with("default-src 'none';"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("referrer-policy"), "same-origin");
        assert_eq!(reply.header("cross-origin-opener-policy"), "same-origin");
        assert!(reply.header("permissions-policy").contains("camera=()"));
        assert_eq!(reply.header("strict-transport-security"), "", "{path}: not over plain http");
    }
    assert_eq!(house.browser().get("/style.css").await.status, 200, "the sign-in page has its style");
    assert_eq!(house.browser().get("/icon.svg").await.status, 200, "and its tab an icon");
    assert_eq!(house.browser().get("/favicon.ico").await.status, 204);
}

#[tokio::test]
async fn who_follows_a_link_from_elsewhere_takes_one_step_more_with_their_cookie() {
    let house = House::open(&config()).await;
    let mut browser = house.browser();
    browser.says("sec-fetch-site", "cross-site");
    browser.says("sec-fetch-mode", "navigate");
    let page = browser.get("/runs/a/b/1?x=\"<y>").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("content=\"0; url=/runs/a/b/1?x=%22%3Cy%3E\""), "{}", page.text);
    browser.headers.clear();
    assert_eq!(browser.get("/runs/a/b/1").await.status, 303);
}

fn behind_a_proxy(from: &str) -> ReviewConfig {
    let proxy = ProxyConfig {
        header: "x-forwarded-user".to_owned(),
        from: vec![Network::parse(from).unwrap()],
        roles: [("rosa".to_owned(), Role::Reviewer)].into(),
        default_role: None,
    };
    ReviewConfig { proxy: Some(proxy), anonymous: false, ..ReviewConfig::default() }
}

#[tokio::test]
async fn a_proxy_is_believed_and_nobody_else() {
    let house = House::open(&behind_a_proxy("127.0.0.0/8")).await;
    let mut browser = house.browser();
    browser.says("x-forwarded-user", "rosa");
    let page = browser.get("/").await;
    assert!(page.text.contains("<bdi>rosa</bdi> (reviewer)"), "{}", page.text);
    assert_eq!(browser.post(COMMENT, &[("text", "x")]).await.status, 404, "known, and the form is theirs");
    assert_eq!(browser.post_plain(COMMENT, &[("text", "x"), ("token", &"0".repeat(64))]).await.status, 403);
    browser.says("x-forwarded-user", "stranger");
    let page = browser.get("/").await;
    assert!(page.status == 403 && page.text.contains("have no role here"), "{}", page.text);
    browser.says("x-forwarded-user", "rosa/../ada");
    assert_eq!(browser.get("/").await.status, 400);
    let mut twice = house.browser();
    twice.headers.append("x-forwarded-user", "rosa".parse().unwrap());
    twice.headers.append("x-forwarded-user", "ada".parse().unwrap());
    assert_eq!(twice.get("/").await.status, 400);
    let mut nobody = house.browser();
    assert_eq!(nobody.get("/").await.status, 303);
    assert!(nobody.get("/sign-in").await.text.contains("the proxy before these pages says who asks"));

    // From another address the header is refused, also beside a cookie that would be good.
    let both = ReviewConfig { users: config().users, ..behind_a_proxy("10.0.0.0/8") };
    let house = House::open(&both).await;
    let mut browser = house.signed_in("vera").await;
    browser.says("x-forwarded-user", "rosa");
    let page = browser.get("/").await;
    assert!(page.status == 403 && page.text.contains("for the proxy alone to say"), "{}", page.text);
    browser.says("x-forwarded-user", "");
    assert_eq!(browser.get("/").await.status, 403);
    browser.headers.clear();
    assert!(browser.is_known().await);
}

#[tokio::test]
async fn a_bug_in_a_page_is_told_and_ends_nobody_elses() {
    async fn boom() -> &'static str {
        panic!("a bug")
    }
    let workspace = Workspace::new(PROJECT);
    let journal = Arc::new(Journal::open(&workspace.root().join("state.db")).await.unwrap());
    let desk = Desk::new(workspace.project(), journal);
    let guarded = axum::middleware::from_fn_with_state(desk, guard);
    let router = Router::new().route("/boom", get(boom)).route("/fine", get(async || "fine")).layer(guarded);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut browser = Browser::new(listener.local_addr().unwrap());
    let served = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let page = browser.get("/boom").await;
    assert!(page.status == 500 && page.text.contains("because of a bug in tieout"), "{}", page.text);
    assert!(page.header("content-security-policy").starts_with("default-src 'none'") && !page.text.contains("a bug\""));
    assert_eq!(browser.get("/fine").await.text, "fine");
    served.abort();
}
