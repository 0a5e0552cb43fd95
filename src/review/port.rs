//! The port of the pages.

use std::net::SocketAddr;

use axum::{Router, middleware};
use tokio::net::TcpListener;

use super::desk::Desk;
use super::{actions, guard, pages};

/// The port of the pages, bound.
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
    pub async fn serve(self, desk: Desk, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let service = router(desk).into_make_service_with_connect_info::<SocketAddr>();
        // A client that keeps its connection open keeps nobody from ending.
        tokio::select! {
            served = axum::serve(self.listener, service).into_future() => served,
            () = stop => Ok(()),
        }
    }
}

/// All pages and what can be done on them, behind the guard.
pub fn router(desk: Desk) -> Router {
    pages::routes().merge(actions::routes()).layer(middleware::from_fn(guard::guard)).with_state(desk)
}
