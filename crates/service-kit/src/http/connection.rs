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

/// hyper answers with an empty 431 when its buffer is full. The buffer is larger than the limit, so that most requests
/// beyond the limit still get a problem document.
const BUFFER_PER_HEADER_LIMIT: usize = 4;

/// The smallest buffer that hyper accepts.
const MIN_BUFFER: usize = 8 * 1024;

/// The interval between pings to an HTTP/2 peer, and how long an answer may take.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Serves one connection to its end.
pub(super) async fn serve(stream: TcpStream, router: Router, limits: Limits, watcher: Watcher) {
    // A response is small and complete: waiting for more data would only delay it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was closed before it was served");
        return;
    }
    let first_request = Arc::new(Notify::new());
    let service = service_fn({
        let first_request = Arc::clone(&first_request);
        move |request| {
            first_request.notify_one();
            answer(router.clone(), request)
        }
    });
    let stream = TokioIo::new(WriteTimeout::new(stream, limits.write_timeout));
    let connection = builder(&limits).serve_connection(stream, service).into_owned();
    tokio::select! {
        result = watcher.watch(connection) => if let Err(error) = result {
            tracing::debug!(error, "a connection ended early");
        },
        () = silence(&first_request, limits.header_timeout) => {
            tracing::debug!("a connection without a request was closed");
        }
    }
}

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response, Infallible> {
    router.oneshot(request.map(Body::new)).await
}

/// Ends if no request arrives in time. The timeout of hyper starts only once it knows the protocol, so a client that sends
/// nothing, or `PR`, would hold its connection for ever.
async fn silence(first_request: &Notify, limit: Duration) {
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
