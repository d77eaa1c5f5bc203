use std::{fmt::Display, future::Future, time::Duration};

use tokio::time::{Instant, sleep};

/// How long anything may take to come about in a test.
const DEADLINE: Duration = Duration::from_mins(1);
/// How long one look is apart from the next.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `look` finds something, and panics with `what` if it does not in a minute.
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

/// Waits until `look` is true, and panics with `what` if it is not in a minute.
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
