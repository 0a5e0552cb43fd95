//! The providers on this machine: for newcomers, for tests, and for trying a set-up.
//!
//! It plays Kard from `samples/kard/` strictly as Kard publishes its API, over loopback HTTP, and does
//! wrong on request ([`FaultPlan`]). One file per endpoint of Kard; what every endpoint shares is here. Every other
//! provider is one file and a path of its own (`mounts`).
//!
//! What Kard takes is remembered: audits and fraud markers ([`Sandbox::audits`], [`Sandbox::markers`]), transaction
//! events ([`Sandbox::ingested`]), subscriptions ([`Sandbox::subscriptions`]), bulk files ([`Sandbox::uploads`]) and users' historical uploads
//! ([`Sandbox::sessions`]). Two conventions make it refuse: a user whose id begins with `unknown-` is not known,
//! and an item whose transaction id begins with `refuse-` is refused by itself.

mod access;
mod applied;
mod audits;
mod bongloy;
pub mod card_issuing;
mod card_issuing_world;
mod connection;
mod core_api;
mod core_api_world;
mod downloads;
mod errors;
mod faults;
mod files;
mod fraud;
mod historical;
mod http_api;
mod ingest;
mod items;
mod kuggar;
mod lines;
mod middleware;
mod mounts;
mod notification;
mod plan;
mod processing;
mod received;
mod samples;
mod schema;
pub mod sigv4;
mod state;
mod storage;
mod subscriptions;
mod token;
mod transactions;
mod uploads;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, patch, post, put};
use chrono::{DateTime, Utc};
use reqwest::Url;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use applied::{AppliedAudit, AppliedMarker};
pub use faults::{Fault, FaultPlan, FaultRule, Nth, On};
pub use historical::HistoricalSession;
pub use ingest::{Ingested, IngestedEvent};
pub use received::Received;
pub use samples::SamplesError;
pub use subscriptions::StandingSubscription;
pub use uploads::{FileResult, ObjectStorage, StoredObject, UploadSession};

use crate::project::{HttpConfig, Secret};
use crate::providers::kard::KardConfig;
use mounts::MOUNTS;
use state::State;

/// Good for every sandbox; they protect nothing.
pub const CLIENT_ID: &str = "sandbox-client";
pub const CLIENT_SECRET: &str = "sandbox-secret";
pub const WEBHOOK_KEY: &str = "sandbox-webhook-key";
/// The one issuer that the sandbox knows.
pub const ORGANIZATION: &str = "org-sandbox";
/// Below this path the sandbox plays any JSON API; its samples stand in a folder of this name.
pub const HTTP_API: &str = "http_api";
/// The bearer token and the key of that API.
pub const HTTP_API_KEY: &str = "sandbox-api-key";
/// How every bearer token of a sandbox begins, so that nobody takes it for a real one.
pub const TOKEN_PREFIX: &str = "sandbox-token-";
/// A user whose id begins so is not known.
const UNKNOWN_USER: &str = "unknown-";
/// The parameter of a download URL that holds its signature.
pub const SIGNATURE: &str = "X-Sandbox-Signature";

/// "up to 5GB each"
const OBJECT_BYTES: u64 = 5_000_000_000;

/// Where the sandbox at this address (`http://127.0.0.1:PORT`) grants Kard's tokens.
pub fn token_url(base_url: &str) -> String {
    format!("{base_url}{}", token::PATH)
}

/// Requests that are still going when the sandbox stops get this long.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a sandbox serves, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that holds `files.json`: `samples/kard`.
    pub samples: PathBuf,
    pub faults: FaultPlan,
    /// 0: any free one.
    pub port: u16,
    /// What was received is also appended here, one JSON object a line.
    pub log: Option<PathBuf>,
    /// What counts as now for the default of `filter[dateFrom]` and `filter[dateTo]`;
    /// none: the time of the latest sample. Tokens and URLs expire by the true clock.
    pub now: Option<DateTime<Utc>>,
    /// `expires_in` of a token.
    pub token_life: Duration,
    /// The webhook log that the results of uploaded files are appended to, one signed notification a line.
    pub notifications: Option<PathBuf>,
    /// Where the same notifications are posted to.
    pub notify_url: Option<Url>,
    /// The storage takes no larger object, in bytes.
    pub object_limit: u64,
    /// Bulk files go to this storage and not to the sandbox's own; nobody processes them there. For tests.
    pub storage: Option<ObjectStorage>,
}

impl Options {
    /// No faults, any free port, tokens of an hour, objects of 5 GB; notifications go nowhere.
    pub fn new(samples: impl Into<PathBuf>) -> Self {
        Self {
            samples: samples.into(),
            faults: FaultPlan::default(),
            port: 0,
            log: None,
            now: None,
            token_life: Duration::from_hours(1),
            notifications: None,
            notify_url: None,
            object_limit: OBJECT_BYTES,
            storage: None,
        }
    }
}

/// A sandbox that runs. Dropping it stops it, too, without waiting.
#[derive(Debug)]
pub struct Sandbox {
    /// `http://127.0.0.1:PORT`
    pub base_url: String,
    /// `http://127.0.0.1:PORT/v2/auth/token`
    pub token_url: String,
    state: Arc<State>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

/// A sandbox that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("cannot serve the samples")]
    Samples(#[from] SamplesError),
    #[error("cannot listen on 127.0.0.1:{port}; is another sandbox running there?")]
    Listen { port: u16, source: std::io::Error },
    #[error("cannot write the log {path}")]
    Log { path: PathBuf, source: std::io::Error },
    #[error("cannot write the notifications {path}")]
    Notifications { path: PathBuf, source: std::io::Error },
    #[error("cannot make the HTTP client for notifications")]
    NotifyClient { source: reqwest::Error },
    #[error("cannot make a temporary folder for the storage")]
    Storage { source: std::io::Error },
}

impl Sandbox {
    /// Reads the samples and listens on loopback. Prints nothing.
    ///
    /// # Errors
    /// When the samples cannot be read, the port is taken, or the log cannot be written.
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        let port = options.port;
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .await
            .map_err(|source| SandboxError::Listen { port, source })?;
        let address = listener.local_addr().map_err(|source| SandboxError::Listen { port, source })?;
        let base_url = format!("http://{address}");
        let world = options.samples.parent().unwrap_or(&options.samples).to_owned();
        let state = Arc::new(State::new(options, base_url.clone())?);
        let service = router(&state, &world)?.into_make_service_with_connect_info::<connection::Handle>();
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(
            axum::serve(connection::Listener(listener), service)
                .with_graceful_shutdown(async {
                    // A sender that is gone means the same as one that speaks.
                    let _ = stopped.await;
                })
                .into_future(),
        );
        Ok(Self { token_url: token_url(&base_url), base_url, state, stop, server })
    }

    /// What each of the other providers wants in `tieout.yaml` and the environment: name, key, value.
    pub fn settings(&self) -> Vec<(&'static str, &'static str, String)> {
        let of = |mount: &'static mounts::Mount| {
            let base = ("base_url", format!("{}/{}", self.base_url, mount.name));
            let more = mount.settings.iter().map(|(key, value)| (*key, (*value).to_owned()));
            std::iter::once(base).chain(more).map(|(key, value)| (mount.name, key, value))
        };
        MOUNTS.iter().flat_map(of).collect()
    }

    /// This sandbox as a provider of `tieout.yaml`.
    pub fn provider(&self, http: HttpConfig) -> KardConfig {
        let secret = |value: &str| Secret::Sandbox(value.to_owned());
        KardConfig {
            base_url: self.base_url.clone(),
            token_url: self.token_url.clone(),
            organization: ORGANIZATION.to_owned(),
            target_issuer: None,
            client_id: secret(CLIENT_ID),
            client_secret: secret(CLIENT_SECRET),
            webhook_key: Some(secret(WEBHOOK_KEY)),
            webhook_key_previous: None,
            http,
        }
    }

    /// Every request so far, in the order in which they were done with.
    pub fn received(&self) -> Vec<Received> {
        self.state.received.all()
    }

    /// Every audit that stands, in order of arrival.
    pub fn audits(&self) -> Vec<AppliedAudit> {
        self.state.applied.audits()
    }

    /// Every transaction that is flagged, in order of arrival.
    pub fn markers(&self) -> Vec<AppliedMarker> {
        self.state.applied.markers()
    }

    /// Every subscription, in order of creation.
    pub fn subscriptions(&self) -> Vec<StandingSubscription> {
        self.state.subscriptions.all()
    }

    /// A copy of what was ingested: every transaction event that was taken from files and calls.
    pub fn ingested(&self) -> Ingested {
        self.state.ledger.ingested()
    }

    /// Every session of a bulk upload, in order of arrival.
    pub fn uploads(&self) -> Vec<UploadSession> {
        self.state.uploads.sessions()
    }

    /// Every user's upload of historical transactions, in order of arrival.
    pub fn sessions(&self) -> Vec<HistoricalSession> {
        self.state.sessions.all()
    }

    /// Returns once no request for effects is worked on any more, also none whose client has gone, every object
    /// is processed, and its notification told.
    pub async fn idle(&self) {
        // The sender lives in the state, which lives as long as this.
        let _ = self.state.at_work.subscribe().wait_for(|requests| *requests == 0).await;
    }

    /// Stops listening and waits at most a second for requests that are still going.
    pub async fn shutdown(self) {
        let _ = self.stop.send(());
        let abort = self.server.abort_handle();
        if tokio::time::timeout(PATIENCE, self.server).await.is_err() {
            abort.abort();
        }
    }
}

/// `world` is the folder that holds the samples of every provider.
fn router(state: &Arc<State>, world: &Path) -> Result<Router, SamplesError> {
    let mut router = Router::new();
    for mount in MOUNTS {
        let below = (mount.router)(state, &world.join(mount.name))?;
        router = router.nest_service(&format!("/{}", mount.name), below);
    }
    Ok(router
        .route(token::PATH, post(token::grant))
        .route(files::PATH, get(files::list))
        .route(downloads::PATH, get(downloads::serve))
        .route(fraud::PATH, post(fraud::mark))
        .route(audits::PATH, post(audits::create))
        .route(uploads::PATH, post(uploads::create))
        .route(storage::PATH, put(storage::put).get(storage::get))
        .route(transactions::PATH, post(transactions::create))
        .route(historical::START, post(historical::start))
        .route(historical::PART, put(historical::part))
        .route(historical::COMPLETE, put(historical::complete))
        .route(subscriptions::PATH, get(subscriptions::list).post(subscriptions::create))
        .route(subscriptions::ONE, patch(subscriptions::update))
        .fallback(errors::unknown_path)
        .method_not_allowed_fallback(errors::wrong_method)
        .layer(axum::extract::DefaultBodyLimit::max(middleware::BODY_BYTES))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(state), middleware::handle))
        .with_state(Arc::clone(state)))
}
