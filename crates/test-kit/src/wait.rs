use std::{fmt::Display, future::Future, time::Duration};

use tokio::time::{Instant, sleep};

/// How long a test waits for anything to happen.
const DEADLINE: Duration = Duration::from_mins(1);
/// The time between two checks.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `check` returns a value, and panics with `what` after a minute.
pub async fn eventually_some<T, F>(what: impl Display, mut check: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = check().await {
            return value;
        }
        assert!(Instant::now() < deadline, "not within {DEADLINE:?}: {what}");
        sleep(PAUSE).await;
    }
}

/// Waits until `check` returns true, and panics with `what` after a minute.
pub async fn eventually<F>(what: impl Display, mut check: impl FnMut() -> F)
where
    F: Future<Output = bool>,
{
    eventually_some(what, || {
        let is_met = check();
        async { is_met.await.then_some(()) }
    })
    .await;
}
