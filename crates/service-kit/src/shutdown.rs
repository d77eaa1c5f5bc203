//! Shutdown: requested by a signal, and bounded by a deadline.

use std::{io, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled when the process receives SIGTERM or SIGINT.
pub fn on_signal() -> io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "{name}: shutting down");
        cancelled.cancel();
    });
    Ok(token)
}

/// Waits at most `limit` for some work to end, and logs a warning if it does not end in time.
pub async fn within<T>(limit: Duration, work: &str, end: impl Future<Output = T>) -> Option<T> {
    let ended = timeout(limit, end).await.ok();
    if ended.is_none() {
        tracing::warn!(?limit, "not finished within {limit:?}, abandoned: {work}");
    }
    ended
}
