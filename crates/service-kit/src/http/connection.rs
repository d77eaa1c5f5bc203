use std::{convert::Infallible, future::pending, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request, response::Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::Watcher},
};
use tokio::{net::TcpStream, sync::Notify, time::timeout};
use tower::ServiceExt;

use super::{Limits, write_timeout::WriteTimeout};

/// hyper responds with an empty 431 when its buffer is full. The buffer is larger than the limit, so that most requests
/// above the limit still get a problem document.
const BUFFER_PER_HEADER_LIMIT: usize = 4;

/// The smallest buffer that hyper accepts.
const MIN_BUFFER: usize = 8 * 1024;

/// The interval between pings to an HTTP/2 peer, and how long to wait for the acknowledgement.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Serves one connection until it is closed.
pub(super) async fn serve(stream: TcpStream, router: Router, limits: Limits, watcher: Watcher) {
    // Responses are small and written as a whole, so Nagle's algorithm would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was closed before it was served");
        return;
    }
    let first_request = Arc::new(Notify::new());
    let service = service_fn({
        let first_request = Arc::clone(&first_request);
        move |request| {
            first_request.notify_one();
            respond(router.clone(), request)
        }
    });
    let stream = TokioIo::new(WriteTimeout::new(stream, limits.write_timeout));
    let connection = builder(&limits).serve_connection(stream, service).into_owned();
    tokio::select! {
        result = watcher.watch(connection) => if let Err(error) = result {
            tracing::debug!(error, "a connection ended early");
        },
        () = no_request_within(limits.header_timeout, &first_request) => {
            tracing::debug!("a connection without a request was closed");
        }
    }
}

async fn respond(router: Router, request: Request<Incoming>) -> Result<Response, Infallible> {
    router.oneshot(request.map(Body::new)).await
}

/// Completes if no request arrives in time. hyper's timeout starts only once it has detected the protocol, so a client
/// that sends nothing, or only `PR`, would keep its connection forever.
async fn no_request_within(limit: Duration, first_request: &Notify) {
    if timeout(limit, first_request.notified()).await.is_ok() {
        pending::<()>().await;
    }
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let max_header_bytes = limits.max_header_bytes.get();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(max_header_bytes.saturating_mul(BUFFER_PER_HEADER_LIMIT).max(MIN_BUFFER));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL)
        .max_concurrent_streams(limits.max_streams.get())
        .max_header_list_size(u32::try_from(max_header_bytes).unwrap_or(u32::MAX));
    builder
}
