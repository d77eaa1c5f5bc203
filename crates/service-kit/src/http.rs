//! The HTTP server of every service: HTTP/1.1 and h2c, limits on the size, duration and number of requests, and
//! graceful shutdown.
//!
//! Every response carries `X-Request-Id`, and every error of the platform is a problem document. The only exception is
//! a request with a malformed request line or headers: hyper responds with an empty 400.

mod connection;
mod layers;
mod limits;
mod observe;
mod request_metrics;
mod write_timeout;

pub use layers::{WholeBody, platform};
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

/// How long to wait after a failed accept. The usual cause is a lack of file descriptors, which takes a moment to
/// clear.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// Binds an address that was read from a variable. The error names both.
pub(crate) async fn listen(variable: &str, address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        io::Error::new(error.kind(), format!("{variable}: cannot listen on {address}: {error}"))
    })
}

/// Serves until `shutdown`, then finishes the requests in flight, for at most the drain timeout.
///
/// While the maximum number of connections is open, further connections wait in the backlog of the operating system.
pub async fn serve(router: Router, listener: TcpListener, limits: &Limits, shutdown: CancellationToken) {
    let router = platform(router, limits);
    let slots = Arc::new(Semaphore::new(limits.max_connections.get() as usize));
    let graceful = GracefulShutdown::new();
    let abort = CancellationToken::new();
    while let Some((stream, slot)) = shutdown.run_until_cancelled(accept(&listener, &slots)).await {
        let connection = connection::serve(stream, router.clone(), limits.clone(), graceful.watcher());
        let abort = abort.clone();
        tokio::spawn(async move {
            abort.run_until_cancelled(connection).await;
            drop(slot);
        });
    }
    drop(listener);
    shutdown::within(limits.drain_timeout, "requests in flight", graceful.shutdown()).await;
    abort.cancel();
}

/// Waits for a free slot, then for the next connection.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the slots are never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
}
