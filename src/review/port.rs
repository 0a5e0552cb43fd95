//! The port of the pages.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use axum::{Extension, Router, middleware};
use tokio::net::TcpListener;

use super::access::Visitor;
use super::desk::Desk;
use super::form::Form;
use super::refused::Refused;
use super::{actions, guard, pages};
use crate::receiver::connection::{Handle, Listener, Patience};

/// Connections at a time; more wait until one ends.
const CONNECTIONS: usize = 256;
const PATIENCE: Patience = Patience { head: Duration::from_secs(10), idle: Duration::from_secs(30) };

/// The port of the pages, bound.
#[derive(Debug)]
pub struct Port {
    listener: TcpListener,
    address: SocketAddr,
    connections: usize,
    patience: Patience,
}

/// Whoever has connected.
#[derive(Debug, Clone)]
pub struct Peer {
    pub address: SocketAddr,
    pub handle: Handle,
}

impl Connected<IncomingStream<'_, Listener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        Self { address: *stream.remote_addr(), handle: Handle::connect_info(stream) }
    }
}

impl Port {
    /// Takes the address; port 0 is any free one.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, connections: CONNECTIONS, patience: PATIENCE })
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// With other bounds than the usual.
    #[must_use]
    pub const fn bounded(mut self, connections: usize, patience: Patience) -> Self {
        (self.connections, self.patience) = (connections, patience);
        self
    }

    /// Answers until `stop` is over.
    ///
    /// # Errors
    /// When the port is lost.
    pub async fn serve(self, desk: Desk, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let service = router(desk).into_make_service_with_connect_info::<Peer>();
        let listener = Listener::new(self.listener, self.connections, self.patience);
        // A client that keeps its connection open keeps nobody from ending.
        tokio::select! {
            served = axum::serve(listener, service).into_future() => served,
            () = stop => Ok(()),
        }
    }
}

/// All pages and what can be done on them, behind the guard.
pub fn router(desk: Desk) -> Router {
    let guarded = middleware::from_fn_with_state(desk.clone(), guard::guard);
    pages::routes().merge(actions::routes()).fallback(lost).layer(guarded).with_state(desk)
}

async fn lost(Extension(visitor): Extension<Visitor>) -> Response {
    let refused = Refused::new(axum::http::StatusCode::NOT_FOUND, "There is no such page.");
    refused.page(&visitor, &Form::default()).into_response()
}
