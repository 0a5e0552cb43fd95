//! The block `review:` of the project file: where the pages are, and who may do what there.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Secret;
use super::database::AddressAt;
use super::load::joined;
use super::spec_review::{Anonymous, PasswordSpec, ProxySpec, ReviewSpec, SessionSpec, UserSpec, UsersFileSpec};
use crate::config::http::waits;
use crate::config::problem::Excerpts;
use crate::config::secret::secret;
use crate::config::{self, Checker, Problems};
use crate::decisions::person::is_same;
use crate::review::access::Role;
use crate::review::passwords::PasswordHash;
use crate::review::peers::Network;

/// Where the pages are, unless the file says otherwise.
const BIND: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8722);
/// The most characters of a name: pages and the journal show it.
pub const MOST_NAME_CHARS: usize = 100;
/// A shorter session ends while somebody reads.
const LEAST_SESSION: Duration = Duration::from_mins(1);
/// An absolute end further away is none.
const MOST_SESSION: Duration = Duration::from_hours(30 * 24);
/// Hashes stand in the file of users: an excerpt shows the keys alone.
const SHOWN: Excerpts = Excerpts::Guarded { values: &["role"], keys: &["users", "password", "env", "file"] };

/// How periods are reviewed on pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewConfig {
    /// Loopback unless the file says otherwise; port 0 is any free one.
    pub bind: SocketAddr,
    /// How people reach the pages, without a slash at the end; none: nothing links to them.
    pub url: Option<String>,
    pub users: UsersConfig,
    pub proxy: Option<ProxyConfig>,
    pub session: SessionLimits,
    /// Whether those may look who are not signed in.
    pub anonymous: bool,
}

/// Who may sign in with a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsersConfig {
    Nobody,
    /// By name.
    Listed(BTreeMap<String, User>),
    /// Read when the pages begin: see [`users_file`].
    File(PathBuf),
}

impl UsersConfig {
    /// Where hashes of passwords stand beside the project file: the file of users is as secret as they are. Paths are
    /// absolute.
    pub fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::Nobody => Vec::new(),
            Self::Listed(users) => {
                let at = |user: &User| match &user.password {
                    Password::At(secret) => Some(secret.clone()),
                    Password::Hash(_) => None,
                };
                users.values().filter_map(at).collect()
            }
            Self::File(path) => vec![Secret::File(path.clone())],
        }
    }
}

/// One who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub role: Role,
    pub password: Password,
}

/// The hash of a password, or where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Password {
    Hash(PasswordHash),
    At(Secret),
}

/// A reverse proxy that says who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyConfig {
    /// In small letters.
    pub header: String,
    /// At least one.
    pub from: Vec<Network>,
    pub roles: BTreeMap<String, Role>,
    pub default_role: Option<Role>,
}

/// How long somebody stays signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    pub idle: Duration,
    pub most: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { idle: Duration::from_mins(30), most: Duration::from_hours(12) }
    }
}

impl Default for ReviewConfig {
    fn default() -> Self {
        let (users, session) = (UsersConfig::Nobody, SessionLimits::default());
        Self { bind: BIND, url: None, users, proxy: None, session, anonymous: true }
    }
}

impl ReviewConfig {
    /// Whether anybody can be known on the pages.
    pub fn has_sign_in(&self) -> bool {
        self.users != UsersConfig::Nobody || self.proxy.is_some()
    }

    /// Whether browsers reach the pages over TLS.
    pub fn is_https(&self) -> bool {
        self.url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }
}

/// The block as checked; every problem is told.
pub(super) fn review(root: &Path, written: &ReviewSpec, checker: &mut Checker<'_>) -> Option<ReviewConfig> {
    let bind = match written.bind.as_deref() {
        None => Some(BIND),
        Some(text) => text.parse().ok().or_else(|| {
            let message = format!("`bind` is `{text}`; expected an address and a port such as 127.0.0.1:8722");
            checker.problem("review/bind", message);
            None
        }),
    };
    let url = written.url.as_deref().map(|text| url(text, checker));
    let good_url = url.as_ref().is_none_or(Option::is_some);
    let users = users(root, written, checker);
    let proxy = match &written.proxy {
        None => Some(None),
        Some(proxy) => self::proxy(proxy, checker).map(Some),
    };
    let session = session(written.session.as_ref(), checker);
    let (users, proxy) = (users?, proxy?);
    let nobody = users == UsersConfig::Nobody && proxy.is_none();
    let anonymous = written.anonymous.map_or(nobody, |anonymous| anonymous == Anonymous::Viewer);
    if nobody && !anonymous {
        checker.problem_with_help(
            "review/anonymous",
            "nobody can sign in, and `anonymous: none` lets nobody look: the pages are of no use",
            "name `users`, `users_file` or `proxy`, or leave `anonymous` out",
        );
        return None;
    }
    let url = url.flatten();
    Some(ReviewConfig { bind: bind?, url, users, proxy, session: session?, anonymous }).filter(|_| good_url)
}

fn url(text: &str, checker: &mut Checker<'_>) -> Option<String> {
    if is_plain_address(text) {
        return Some(text.trim_end_matches('/').to_owned());
    }
    let message =
        format!("`url` is `{text}`; expected how people reach the pages, such as https://tieout.acme.example");
    checker.problem("review/url", message);
    None
}

/// `http` or `https`, a host, perhaps a path; nothing behind it.
fn is_plain_address(text: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(text) else { return false };
    matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none() && url.fragment().is_none()
}

fn users(root: &Path, written: &ReviewSpec, checker: &mut Checker<'_>) -> Option<UsersConfig> {
    match (&written.users, written.users_file.as_deref()) {
        (None, None) => Some(UsersConfig::Nobody),
        (Some(_), Some(_)) => {
            checker.problem("review/users_file", "there are `users` and a `users_file`; expected one of them");
            None
        }
        (Some(listed), None) => listed_users(root, "review/users", listed, checker).map(UsersConfig::Listed),
        (None, Some(path)) if path.trim().is_empty() => {
            checker.problem("review/users_file", "`users_file` is empty; expected the path of a file");
            None
        }
        (None, Some(path)) => Some(UsersConfig::File(joined(root, path))),
    }
}

fn listed_users(
    root: &Path,
    at: &str,
    written: &BTreeMap<String, UserSpec>,
    checker: &mut Checker<'_>,
) -> Option<BTreeMap<String, User>> {
    let mut complete = names(at, written.keys(), checker);
    if written.is_empty() {
        checker.problem_with_help(at, "there are no users", "`tieout review user NAME --role reviewer` writes one");
        complete = false;
    }
    let mut users = BTreeMap::new();
    for (name, user) in written {
        match password(root, &format!("{at}/{name}/password"), &user.password, checker) {
            Some(password) => {
                users.insert(name.clone(), User { role: user.role, password });
            }
            None => complete = false,
        }
    }
    complete.then_some(users)
}

/// Names that the journal can keep, no two of them one person's. A name with a slash has no place in the file by which a
/// problem could be told, and none in an address.
fn names<'n>(at: &str, names: impl Iterator<Item = &'n String>, checker: &mut Checker<'_>) -> bool {
    let mut good = true;
    let mut known: Vec<&str> = Vec::new();
    for name in names {
        if !is_name(name) {
            let message = format!(
                "a name is not fit for the journal; expected 1 to {MOST_NAME_CHARS} characters that can be seen, \
                 without a slash and without blanks at its ends"
            );
            checker.problem(at, message);
            good = false;
        } else if let Some(other) = known.iter().find(|other| is_same(other, name)) {
            checker.problem(at, format!("`{other}` and `{name}` are one name; expected one of them"));
            good = false;
        }
        known.push(name);
    }
    good
}

/// Whether a name can stand beside a decision.
pub fn is_name(name: &str) -> bool {
    let chars = name.chars().count();
    let odd = |c: char| crate::text::is_hidden(c) || c == '/';
    (1..=MOST_NAME_CHARS).contains(&chars) && name.trim() == name && !name.contains(odd)
}

fn password(root: &Path, path: &str, written: &PasswordSpec, checker: &mut Checker<'_>) -> Option<Password> {
    match written {
        // Whatever is wrong with it is told without it: it may be the password itself.
        PasswordSpec::Hash(text) => match PasswordHash::parse(text) {
            Ok(hash) => Some(Password::Hash(hash)),
            Err(error) => {
                let help = "`tieout review hash-password` makes one";
                checker.problem_with_help(path, format!("`password` {error}"), help);
                None
            }
        },
        PasswordSpec::At(at) => {
            let at = match at {
                AddressAt::Env(name) => Secret::Env(name.clone()),
                AddressAt::File(file) => Secret::File(file.clone()),
            };
            secret(root, path, &at, checker).map(Password::At)
        }
    }
}

fn proxy(written: &ProxySpec, checker: &mut Checker<'_>) -> Option<ProxyConfig> {
    let header = axum::http::HeaderName::from_bytes(written.header.as_bytes()).ok();
    let header = header.map(|name| name.as_str().to_owned());
    // What means something to servers and browsers names nobody.
    let taken = ["host", "cookie", "origin", "content-length", "content-type", "transfer-encoding", "connection"];
    let header = header.filter(|name| !taken.contains(&name.as_str()));
    if header.is_none() {
        let message =
            format!("`header` is `{}`; expected a header of the proxy's own such as X-Forwarded-User", written.header);
        checker.problem("review/proxy/header", message);
    }
    let mut from = Vec::new();
    let mut complete = names("review/proxy/roles", written.roles.keys(), checker);
    for (place, text) in written.from.iter().enumerate() {
        if let Some(network) = Network::parse(text) {
            from.push(network);
        } else {
            let message = format!("`{text}` is no address; expected one such as 10.1.2.3, or 10.1.0.0/16 for many");
            checker.problem(&format!("review/proxy/from/{place}"), message);
            complete = false;
        }
    }
    if written.from.is_empty() {
        checker.problem("review/proxy/from", "`from` is empty; expected the address of the proxy");
        complete = false;
    }
    if written.roles.is_empty() && written.default_role.is_none() {
        let help = "list people under `roles`, or name a `default_role`";
        checker.problem_with_help("review/proxy", "nobody whom the proxy names may do anything", help);
        complete = false;
    }
    let (roles, default_role) = (written.roles.clone(), written.default_role);
    Some(ProxyConfig { header: header?, from, roles, default_role }).filter(|_| complete)
}

fn session(written: Option<&SessionSpec>, checker: &mut Checker<'_>) -> Option<SessionLimits> {
    let mut limits = SessionLimits::default();
    let Some(written) = written else { return Some(limits) };
    let slots = [("idle", &written.idle, &mut limits.idle), ("most", &written.most, &mut limits.most)];
    if !waits("review/session", slots, checker) {
        return None;
    }
    if limits.idle < LEAST_SESSION || limits.most > MOST_SESSION || limits.idle > limits.most {
        let message = "expected `idle` to be 1m at least, and `most` no shorter than that and 30d at most";
        checker.problem("review/session", message);
        return None;
    }
    Some(limits)
}

/// Reads and checks the file of users.
///
/// # Errors
/// Everything that is wrong with it, without a hash.
pub fn users_file(root: &Path, path: &Path) -> Result<BTreeMap<String, User>, Problems> {
    let shown = path.strip_prefix(root).unwrap_or(path).to_owned();
    let bytes = config::read_file(path).map_err(|finding| Problems::one(&shown, finding))?;
    let document = config::parse::<UsersFileSpec>(&bytes, &super::spec_review::users_schema())
        .map_err(|(text, findings)| Problems::of(&shown, &text, findings, SHOWN))?;
    let mut checker = Checker::new(&document);
    let users = listed_users(root, "users", &document.spec.users, &mut checker);
    let findings = checker.finish();
    match users {
        Some(users) if findings.is_empty() => Ok(users),
        _ => Err(Problems::of(&shown, &document.text, findings, SHOWN)),
    }
}
