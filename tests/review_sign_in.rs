//! Signing in to the pages and out again: cookies, sessions, and what is kept of those who are not let in.

use std::time::Duration;

use tieout::project::ReviewConfig;
use tieout::project::review::{SessionLimits, UsersConfig};
use tieout::review::access::Role;
use tieout::review::limits::Pace;

use crate::support::house::{House, PASSWORD, PEOPLE, config, users};
use crate::support::journal::plain;

#[tokio::test]
async fn whoever_signs_in_is_let_in_and_out_again_and_the_journal_says_so() {
    let house = House::open(&config()).await;
    let mut browser = house.browser();
    let turned_away = browser.get("/runs/a/b?c=d").await;
    assert_eq!((turned_away.status, turned_away.location()), (303, "/sign-in?next=%2Fruns%2Fa%2Fb%3Fc%3Dd"));
    let reply = browser.sign_in("Rosa", PASSWORD, "/effects?x=1").await;
    assert_eq!((reply.status, reply.location()), (303, "/effects?x=1"));
    let page = browser.get("/").await;
    assert!(page.status == 200 && page.text.contains("<bdi>rosa</bdi> (reviewer)"), "{}", page.text);
    let again = browser.get("/sign-in").await;
    assert_eq!((again.status, again.location()), (303, "/"));

    let kept = browser.cookies.clone();
    let left = browser.post("/sign-out", &[]).await;
    assert_eq!((left.status, left.location()), (303, "/sign-in"));
    assert!(!browser.cookies.contains_key("tieout"), "{:?}", browser.cookies);
    // The token is worth nothing any more, whoever has kept it.
    browser.cookies = kept;
    assert_eq!(browser.get("/").await.status, 303);

    let entries = house.entries().await;
    let told: Vec<_> = entries.iter().map(|entry| (&entry["access"], &entry["event"]["event"])).collect();
    assert_eq!(
        format!("{told:?}"),
        "[(String(\"rosa\"), String(\"signed_in\")), (String(\"rosa\"), String(\"signed_out\"))]"
    );
    assert_eq!(entries[0]["event"]["session"], entries[1]["event"]["session"]);
    assert_eq!((&*entries[0]["event"]["from"].to_string(), entries[0]["run"].is_null()), ("\"127.0.0.1\"", true));
    house.is_whole().await;
}

#[tokio::test]
async fn cookies_are_strict_and_over_tls_of_this_host_alone() {
    let house = House::open(&config()).await;
    let mut browser = house.browser();
    let page = browser.get("/sign-in").await;
    let [before] = page.cookies()[..] else { panic!("one cookie") };
    assert!(
        before.starts_with("tieout-sign-in=") && before.ends_with("; Path=/; HttpOnly; SameSite=Strict"),
        "{before}"
    );
    let reply = browser.sign_in("vera", PASSWORD, "/").await;
    let [session, gone] = reply.cookies()[..] else { panic!("two cookies") };
    assert!(session.starts_with("tieout=") && session.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{session}");
    assert_eq!(session.len(), "tieout=; Path=/; HttpOnly; SameSite=Strict".len() + 64);
    assert_eq!(gone, "tieout-sign-in=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict");

    let review = ReviewConfig { url: Some("https://tieout.acme.example".to_owned()), ..config() };
    let house = House::open(&review).await;
    let mut browser = house.browser();
    let page = browser.get("/sign-in").await;
    assert_eq!(page.header("strict-transport-security"), "max-age=31536000");
    let reply = browser.sign_in("vera", PASSWORD, "/").await;
    let session = reply.cookies()[0];
    assert!(
        session.starts_with("__Host-tieout=") && session.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"),
        "{session}"
    );
}

#[tokio::test]
async fn a_cookie_that_somebody_has_planted_is_never_adopted() {
    let house = House::open(&config()).await;
    let mut browser = house.browser();
    let planted = "ab".repeat(32);
    browser.cookies.insert("tieout".to_owned(), planted.clone());
    assert_eq!(browser.get("/").await.status, 303);
    assert_eq!(browser.sign_in("rosa", PASSWORD, "/").await.status, 303);
    assert_ne!(browser.cookies["tieout"], planted);
    let mut thief = house.browser();
    thief.cookies.insert("tieout".to_owned(), planted.clone());
    assert_eq!(thief.get("/").await.status, 303);

    // One beside the real one makes it unclear which is meant: none counts.
    let both = format!("{}; tieout={planted}", browser.cookies["tieout"]);
    browser.cookies.insert("tieout".to_owned(), both);
    assert_eq!(browser.get("/").await.status, 303);
}

#[tokio::test]
async fn each_sign_in_has_a_token_of_its_own_and_ends_the_one_before_in_this_browser() {
    let house = House::open(&ReviewConfig { anonymous: true, ..config() }).await;
    let mut browser = house.signed_in("rosa").await;
    let first = browser.cookies["tieout"].clone();
    let first_form = browser.get("/").await.token().to_owned();
    // The form of an earlier tab.
    let mut fresh = house.browser();
    let token = fresh.get("/sign-in").await.token().to_owned();
    browser.cookies.extend(fresh.cookies);
    let fields = [("name", "ada"), ("password", PASSWORD), ("next", "/"), ("token", token.as_str())];
    assert_eq!(browser.post_plain("/sign-in", &fields).await.status, 303);
    assert_ne!(browser.cookies["tieout"], first);
    assert_ne!(browser.get("/").await.token(), first_form);
    let mut old = house.browser();
    old.cookies.insert("tieout".to_owned(), first);
    assert!(!old.is_known().await);
    assert_eq!(house.events().await, ["signed_in", "signed_out", "signed_in"]);
    house.is_whole().await;
}

#[tokio::test]
async fn sessions_end_when_nobody_asks_and_in_any_case() {
    let short = |idle, most| SessionLimits { idle: Duration::from_millis(idle), most: Duration::from_millis(most) };
    let house = House::open(&ReviewConfig { session: short(1_500, 60_000), ..config() }).await;
    let mut browser = house.signed_in("rosa").await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert!(browser.is_known().await, "a request keeps it alive");
    }
    tokio::time::sleep(Duration::from_millis(1_700)).await;
    assert!(!browser.is_known().await);

    let house = House::open(&ReviewConfig { session: short(60_000, 1_500), ..config() }).await;
    let mut browser = house.signed_in("rosa").await;
    assert!(browser.is_known().await);
    tokio::time::sleep(Duration::from_millis(1_600)).await;
    assert!(!browser.is_known().await);
}

#[tokio::test]
async fn a_role_is_that_of_the_settings_now_and_who_is_taken_out_is_out_at_once() {
    let mut house = House::open(&config()).await;
    let mut browser = house.signed_in("rosa").await;
    house.again(&ReviewConfig { users: users(&[("rosa", Role::Viewer)]), ..config() }).await;
    browser.address = house.address;
    assert!(browser.get("/").await.text.contains("<bdi>rosa</bdi> (viewer)"));
    let refused = browser.post("/breaks/0000000000000001/comment", &[("text", "x")]).await;
    assert_eq!(refused.status, 403);
    house.again(&ReviewConfig { users: users(&PEOPLE[..2]), ..config() }).await;
    browser.address = house.address;
    assert!(!browser.is_known().await);
}

#[tokio::test]
async fn another_password_ends_the_sessions_of_the_one_before() {
    let mut house = House::open(&config()).await;
    let mut browser = house.signed_in("rosa").await;
    let mut review = config();
    let UsersConfig::Listed(listed) = &mut review.users else { panic!("listed") };
    let other = tieout::review::passwords::PasswordHash::of("rosa", "another-password").unwrap();
    listed.get_mut("rosa").unwrap().password = tieout::project::review::Password::Hash(other);
    house.again(&review).await;
    browser.address = house.address;
    assert!(!browser.is_known().await);
}

#[tokio::test]
async fn who_guesses_is_told_to_wait_and_keeps_nobody_else_out() {
    let pace = Pace { free: 3, wait: Duration::from_secs(2), entries: 2, ..Pace::default() };
    let house = House::with(&config(), pace, None).await;
    let mut guesser = house.browser();
    for _ in 0..3 {
        let reply = guesser.sign_in("rosa", "not-her-password", "/").await;
        assert!(reply.status == 403 && reply.text.contains("Name and password do not fit together."), "{}", reply.text);
    }
    // Not even the right one is looked at.
    let reply = guesser.sign_in("rosa", PASSWORD, "/").await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, "2"), "{}", reply.text);
    assert!(reply.text.contains("There were too many tries."), "{}", reply.text);
    house.signed_in("paul").await;
    // A name that nobody has is told the very same.
    for expected in [403, 403, 403, 429] {
        assert_eq!(guesser.sign_in("nobody", "not-a-password", "/").await.status, expected);
    }
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(guesser.sign_in("rosa", PASSWORD, "/").await.status, 303);
    // Six failures, of which a minute has two entries.
    assert_eq!(house.events().await, ["sign_in_failed", "sign_in_failed", "signed_in", "signed_in"]);
    house.is_whole().await;
}

#[tokio::test]
async fn a_strange_name_is_escaped_on_the_page_and_cut_in_the_journal() {
    let house = House::open(&config()).await;
    let mut browser = house.browser();
    let name = format!("\"><script>alert(1)</script>\u{202e} 4111111111111111 {}", "x".repeat(100));
    let reply = browser.sign_in(&name, "whatever-it-is", "/").await;
    assert!(reply.status == 403 && !reply.text.contains("<script>alert"), "{}", reply.text);
    assert!(reply.text.contains("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", reply.text);
    let entries = house.entries().await;
    let kept = entries[0]["access"].as_str().unwrap();
    assert_eq!(kept, "\"><script>alert(1)</script>\u{fffd} ************1111 xxxxxxxxxxxxxxxxx…");
    assert_eq!(entries[0]["event"]["more"], 0);
    house.is_whole().await;
    let empty = browser.sign_in("  ", "whatever-it-is", "/").await;
    let long = browser.sign_in(&"y".repeat(201), "whatever-it-is", "/").await;
    let dear = browser.sign_in("rosa", &"y".repeat(5_000), "/").await;
    assert_eq!([empty.status, long.status, dear.status], [400, 400, 400]);
    assert_eq!(house.entries().await.len(), 1);
}

#[tokio::test]
async fn nobody_is_led_elsewhere_after_signing_in() {
    let house = House::open(&config()).await;
    let table = [
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("/a\\b", "/"),
        ("javascript:alert(1)", "/"),
        ("/effects\r\nset-cookie: a=b", "/"),
        ("/sign-out", "/"),
        ("", "/"),
        ("/runs/rewards/2025-03-19/1?sort=amount", "/runs/rewards/2025-03-19/1?sort=amount"),
    ];
    for (next, expected) in table {
        let mut browser = house.browser();
        let reply = browser.sign_in("vera", PASSWORD, next).await;
        assert_eq!((reply.status, reply.location()), (303, expected), "{next:?}");
        let mut path = reqwest::Url::parse("http://x/sign-in").unwrap();
        path.query_pairs_mut().append_pair("next", next);
        let page = house.browser().get(&format!("/sign-in?{}", path.query().unwrap())).await;
        assert!(page.text.contains(&format!("name=\"next\" value=\"{expected}\"")), "{}", page.text);
    }
}

#[tokio::test]
async fn nothing_of_a_password_or_a_token_is_kept_anywhere() {
    let house = House::open(&config()).await;
    let mut browser = house.browser();
    let page = browser.sign_in("rosa", "wrong-canary-guess", "/").await;
    assert!(!page.text.contains("wrong-canary-guess"));
    let mut browser = house.signed_in("rosa").await;
    let (token, form) = (browser.cookies["tieout"].clone(), browser.get("/").await.token().to_owned());
    let refused = browser.post_plain("/sign-out", &[("token", "wrong-canary-token"), ("password", PASSWORD)]).await;
    assert!(refused.status == 403 && !refused.text.contains("canary"), "{}", refused.text);
    browser.post("/sign-out", &[]).await;
    let state = house.workspace.root().join("state.db");
    sqlx::Connection::close(plain(&state).await).await.unwrap();
    for entry in std::fs::read_dir(house.workspace.root()).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        for secret in [PASSWORD, "canary", &token, &form, "argon2"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} in {}", entry.path().display());
        }
    }
    let gate = tieout::review::gate::Gate::open(house.workspace.root(), &config()).unwrap();
    let told = format!("{gate:?} {:?}", config());
    assert!(!told.contains("argon2") && !told.contains("$v="), "{told}");
}

#[tokio::test]
async fn a_session_that_nobody_has_begun_is_found_by_verifying() {
    let house = House::open(&config()).await;
    let browser = house.signed_in("rosa").await;
    drop(browser);
    house.is_whole().await;
    let state = house.workspace.root().join("state.db");
    let planted =
        "INSERT INTO sessions (id, name, credential, begun_at, seen_at) VALUES ('0123456789abcdef99', 'ada', 'x', \
                   '2025-01-01T00:00:00.000000Z', '2025-01-01T00:00:00.000000Z');
                   UPDATE sessions SET name = 'vera' WHERE name = 'rosa'";
    sqlx::raw_sql(planted).execute(&mut plain(&state).await).await.unwrap();
    let findings = house.journal.verify(&[]).await.unwrap().findings;
    let mut told: Vec<String> = findings.iter().map(ToString::to_string).collect();
    told.sort();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().any(|told| told == "session 0123456789abcdef: no entry speaks of it"), "{told:?}");
    assert!(told.iter().any(|told| told.ends_with(": `name` is `vera`; expected `rosa`")), "{told:?}");
}
