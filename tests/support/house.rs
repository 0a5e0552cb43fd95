//! The pages for review over a port of loopback, with a journal of their own, and a browser for one person.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use reqwest::header::{HeaderMap, HeaderValue, LOCATION, SET_COOKIE};
use serde_json::Value;
use tieout::journal::Journal;
use tieout::project::ReviewConfig;
use tieout::project::review::{Password, User, UsersConfig};
use tieout::receiver::connection::Patience;
use tieout::review::access::Role;
use tieout::review::desk::Desk;
use tieout::review::gate::Gate;
use tieout::review::limits::Pace;
use tieout::review::passwords::PasswordHash;
use tieout::review::port::Port;

use crate::project_files::{PROJECT, Workspace};

/// Everybody's password.
pub(crate) const PASSWORD: &str = "four-canary-words-in-a-row";
/// One for each role.
pub(crate) const PEOPLE: [(&str, Role); 4] =
    [("vera", Role::Viewer), ("paul", Role::Preparer), ("rosa", Role::Reviewer), ("ada", Role::Admin)];

/// A hash that is as cheap as is allowed: tests sign in often.
pub(crate) fn hash() -> PasswordHash {
    static HASH: OnceLock<String> = OnceLock::new();
    let text = HASH.get_or_init(|| {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(7 * 1024, 1, 1, None).unwrap());
        argon2.hash_password_with_salt(PASSWORD.as_bytes(), b"salt of the tests").unwrap().to_string()
    });
    PasswordHash::parse(text).unwrap()
}

pub(crate) fn users(people: &[(&str, Role)]) -> UsersConfig {
    let user = |role| User { role, password: Password::Hash(hash()) };
    UsersConfig::Listed(people.iter().map(|(name, role)| ((*name).to_owned(), user(*role))).collect())
}

/// Where [`PEOPLE`] can sign in, and nobody else looks.
pub(crate) fn config() -> ReviewConfig {
    ReviewConfig { users: users(&PEOPLE), anonymous: false, ..ReviewConfig::default() }
}

/// The pages, as long as this is kept.
pub(crate) struct House {
    pub(crate) workspace: Workspace,
    pub(crate) journal: Arc<Journal>,
    pub(crate) address: SocketAddr,
    served: tokio::task::JoinHandle<()>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.served.abort();
    }
}

impl House {
    pub(crate) async fn open(review: &ReviewConfig) -> Self {
        Self::with(review, Pace::default(), None).await
    }

    pub(crate) async fn with(review: &ReviewConfig, pace: Pace, bounds: Option<(usize, Patience)>) -> Self {
        let workspace = Workspace::new(PROJECT);
        let journal = Arc::new(Journal::open(&workspace.root().join("state.db")).await.unwrap());
        let (address, served) = serve(&workspace, &journal, review, pace, bounds).await;
        Self { workspace, journal, address, served }
    }

    /// The same journal behind other settings, as after a new start.
    pub(crate) async fn again(&mut self, review: &ReviewConfig) {
        self.served.abort();
        (self.address, self.served) = serve(&self.workspace, &self.journal, review, Pace::default(), None).await;
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.address)
    }

    /// Somebody who has signed in.
    pub(crate) async fn signed_in(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        let reply = browser.sign_in(name, PASSWORD, "/").await;
        assert_eq!((reply.status, reply.location()), (303, "/"), "{}", reply.text);
        browser
    }

    /// Every entry of the journal, from the first.
    pub(crate) async fn entries(&self) -> Vec<Value> {
        let mut lines = Vec::new();
        let keep = |bytes: &[u8]| {
            lines.extend_from_slice(bytes);
            Ok(())
        };
        self.journal.export(keep).await.unwrap();
        let entry = |line: &str| serde_json::from_str::<Value>(line).unwrap()["entry"].clone();
        String::from_utf8(lines).unwrap().lines().map(entry).collect()
    }

    /// The names of the events, in order.
    pub(crate) async fn events(&self) -> Vec<String> {
        self.entries().await.iter().map(|entry| entry["event"]["event"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn is_whole(&self) {
        let verdict = self.journal.verify(&[]).await.unwrap();
        assert!(verdict.is_whole(), "{:?}", verdict.findings);
    }
}

async fn serve(
    workspace: &Workspace,
    journal: &Arc<Journal>,
    review: &ReviewConfig,
    pace: Pace,
    bounds: Option<(usize, Patience)>,
) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let project = workspace.project();
    let gate = Gate::open(&project.root, review).unwrap().with_pace(pace);
    let mut port = Port::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    if let Some((connections, patience)) = bounds {
        port = port.bounded(connections, patience);
    }
    let address = port.address();
    let desk = Desk::new(project, journal.clone()).with_gate(gate);
    let served = tokio::spawn(async move { port.serve(desk, std::future::pending()).await.unwrap() });
    (address, served)
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    pub(crate) fn cookies(&self) -> Vec<&str> {
        self.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// What the forms of the page bring back.
    pub(crate) fn token(&self) -> &str {
        let from = self.text.find("name=\"token\" value=\"").expect("a form with a token") + 20;
        &self.text[from..from + 64]
    }
}

/// Keeps cookies as a browser does, and follows no redirect.
pub(crate) struct Browser {
    client: reqwest::Client,
    pub(crate) address: SocketAddr,
    pub(crate) cookies: BTreeMap<String, String>,
    /// Sent with every request, in place of what is usual.
    pub(crate) headers: HeaderMap,
}

impl Browser {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = client.timeout(Duration::from_mins(1)).build().unwrap();
        Self { client, address, cookies: BTreeMap::new(), headers: HeaderMap::new() }
    }

    pub(crate) fn says(&mut self, header: &'static str, value: &str) {
        self.headers.insert(header, HeaderValue::from_str(value).unwrap());
    }

    pub(crate) async fn send(&mut self, request: reqwest::RequestBuilder) -> Reply {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = request.headers(self.headers.clone());
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let reply = request.send().await.unwrap();
        let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
        let reply = Reply { status, headers, text: reply.text().await.unwrap() };
        for cookie in reply.cookies() {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.send(self.request(reqwest::Method::GET, path)).await
    }

    /// These fields and no others.
    pub(crate) async fn post_plain(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let url = reqwest::Url::parse_with_params("http://form/", fields).unwrap();
        let request = self.request(reqwest::Method::POST, path).body(url.query().unwrap_or_default().to_owned());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.send(request).await
    }

    /// The fields and the token, from a page of ours.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let token = self.get("/").await.token().to_owned();
        self.says("origin", &format!("http://{}", self.address));
        let fields: Vec<_> = fields.iter().copied().chain([("token", token.as_str())]).collect();
        self.post_plain(path, &fields).await
    }

    pub(crate) async fn sign_in(&mut self, name: &str, password: &str, next: &str) -> Reply {
        let page = self.get("/sign-in").await;
        let token = page.token().to_owned();
        let fields = [("name", name), ("password", password), ("next", next), ("token", &token)];
        self.post_plain("/sign-in", &fields).await
    }

    /// Whether the first page knows them.
    pub(crate) async fn is_known(&mut self) -> bool {
        let page = self.get("/").await;
        page.status == 200 && page.text.contains("Sign out")
    }
}
