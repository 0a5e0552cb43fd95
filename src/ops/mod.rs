//! For those who watch the process rather than the runs: probes, metrics, and the port that answers them.

pub mod metrics;
pub mod push;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use tokio::net::TcpListener;

use crate::job::{Grain, Job};
use crate::journal::Journal;

/// A scheduler looks at least every minute; one that has not for so long hangs.
pub const MOST_SINCE_LOOK: TimeDelta = TimeDelta::minutes(3);
/// A journal that takes longer to answer is not ready.
const READY_WITHIN: Duration = Duration::from_secs(5);
/// A scrape takes no longer.
const METRICS_WITHIN: Duration = Duration::from_secs(10);

/// What the scheduler lets others see of itself.
#[derive(Debug)]
pub struct Pulse {
    seen: Mutex<Seen>,
}

/// What the scheduler saw when it looked last.
#[derive(Debug, Clone)]
pub struct Seen {
    /// UTC.
    pub looked_at: DateTime<Utc>,
    pub is_stopping: bool,
    /// By the job's name.
    pub jobs: BTreeMap<String, Watched>,
}

/// One job, as the scheduler sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched {
    pub grain: Grain,
    pub zone: Tz,
    /// Periods that its schedule asks for and that are not finished.
    pub due: u64,
    /// Of these, those whose time is over.
    pub late: u64,
}

impl Watched {
    /// A job of which nothing is due.
    pub const fn of(job: &Job) -> Self {
        Self { grain: job.grain, zone: job.zone, due: 0, late: 0 }
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self { seen: Mutex::new(Seen { looked_at: Utc::now(), is_stopping: false, jobs: BTreeMap::new() }) }
    }
}

impl Pulse {
    /// The scheduler has looked.
    pub fn looked(&self, at: DateTime<Utc>, jobs: BTreeMap<String, Watched>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.looked_at, seen.jobs) = (at, jobs);
    }

    /// It looks no more: it waits for what is under way.
    pub fn stopping(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).is_stopping = true;
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The port for probes and metrics, bound.
#[derive(Debug)]
pub struct Port {
    listener: TcpListener,
    address: SocketAddr,
}

impl Port {
    /// Takes the address; port 0 is any free one.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` is over.
    ///
    /// # Errors
    /// When the port is lost.
    pub async fn serve(
        self,
        journal: Arc<Journal>,
        pulse: Arc<Pulse>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let router = Router::new()
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(Answers { journal, pulse });
        // A client that keeps its connection open keeps nobody from ending.
        tokio::select! {
            served = axum::serve(self.listener, router).into_future() => served,
            () = stop => Ok(()),
        }
    }
}

#[derive(Clone)]
struct Answers {
    journal: Arc<Journal>,
    pulse: Arc<Pulse>,
}

async fn healthz(State(answers): State<Answers>) -> Response {
    let seen = answers.pulse.seen();
    if seen.is_stopping {
        return (StatusCode::OK, "stopping\n").into_response();
    }
    let since = Utc::now() - seen.looked_at;
    if since > MOST_SINCE_LOOK {
        let words = format!("the scheduler has not looked for {} s\n", since.num_seconds());
        return (StatusCode::SERVICE_UNAVAILABLE, words).into_response();
    }
    (StatusCode::OK, "ok\n").into_response()
}

async fn readyz(State(answers): State<Answers>) -> Response {
    if answers.pulse.seen().is_stopping {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    match tokio::time::timeout(READY_WITHIN, answers.journal.ping()).await {
        Ok(Ok(())) => (StatusCode::OK, "ok\n").into_response(),
        Ok(Err(error)) => {
            tracing::warn!("not ready: {error}");
            (StatusCode::SERVICE_UNAVAILABLE, "the journal does not answer\n").into_response()
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the journal takes too long to answer\n").into_response(),
    }
}

async fn metrics(State(answers): State<Answers>) -> Response {
    let seen = answers.pulse.seen();
    let gathered = metrics::of_project(&answers.journal, &seen);
    match tokio::time::timeout(METRICS_WITHIN, gathered).await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Ok(Err(error)) => {
            tracing::warn!("no metrics: {error}");
            (StatusCode::SERVICE_UNAVAILABLE, "the journal cannot be read\n").into_response()
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the journal takes too long to answer\n").into_response(),
    }
}
