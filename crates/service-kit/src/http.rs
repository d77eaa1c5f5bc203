//! The HTTP server of every service: HTTP/1.1 and h2c, with a limit on everything that a client can make large or slow,
//! and a graceful shutdown.
//!
//! Every response carries `X-Request-Id`, and every error of the platform is a problem document. The only exception is a
//! request whose first line or headers are malformed: hyper answers it with an empty 400.

mod connection;
mod layers;
mod limits;
mod observe;
mod write_timeout;

pub use layers::platform;
pub use limits::{HttpSettings, Limits};

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;

use crate::shutdown;

/// The pause after a failed accept. The usual cause is a lack of file descriptors, which takes a moment to clear.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Binds the address that a variable holds. The error names both.
pub(crate) async fn listen(variable: &str, address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        io::Error::new(error.kind(), format!("{variable}: cannot listen on {address}: {error}"))
    })
}

/// Serves until `shutdown`, then finishes the requests in flight, for at most the drain timeout.
///
/// While the maximum number of connections is open, further ones wait in the backlog of the operating system.
pub async fn serve(router: Router, listener: TcpListener, limits: &Limits, shutdown: CancellationToken) {
    let router = platform(router, limits);
    let slots = Arc::new(Semaphore::new(limits.max_connections.get() as usize));
    let graceful = GracefulShutdown::new();
    let cut_off = CancellationToken::new();
    while let Some((stream, slot)) = shutdown.run_until_cancelled(accept(&listener, &slots)).await {
        let connection = connection::serve(stream, router.clone(), limits.clone(), graceful.watcher());
        let cut_off = cut_off.clone();
        tokio::spawn(async move {
            cut_off.run_until_cancelled(connection).await;
            drop(slot);
        });
    }
    drop(listener);
    shutdown::within(limits.drain_timeout, "requests in flight", graceful.shutdown()).await;
    cut_off.cancel();
}

/// The next connection, once a slot is free for it.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the slots are never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
