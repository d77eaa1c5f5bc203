use std::{fmt::Display, future::Future, time::Duration};

use tokio::time::{Instant, sleep};

/// How long a test waits for anything to happen.
const DEADLINE: Duration = Duration::from_mins(1);
/// The time between two checks.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `look` finds something, and panics with `what` after a minute.
pub async fn eventually_some<T, F>(what: impl Display, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {DEADLINE:?}: {what}");
        sleep(PAUSE).await;
    }
}

/// Waits until `look` returns true, and panics with `what` after a minute.
pub async fn eventually<F>(what: impl Display, mut look: impl FnMut() -> F)
where
    F: Future<Output = bool>,
{
    eventually_some(what, || {
        let seen = look();
        async { seen.await.then_some(()) }
    })
    .await;
}
