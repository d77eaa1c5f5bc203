//! Parked events, and the operator's actions on them.

use aggregate::AggregateId;
use event_log::Position;
use projection::{
    Projection as _,
    parked_events::{self, DropError, Selection},
};
use test_kit::{TestEnvironment, eventually};

use crate::{accounts::Accounts, environment::connect};

/// A parked event: aggregate, version, cause and reason.
pub(crate) type Parked = (String, Option<i64>, Option<String>, Option<String>);

/// The parked events of a generation, in the order of the log.
pub(crate) async fn parked_by(environment: &TestEnvironment, generation: i32) -> Vec<Parked> {
    sqlx::query_as(
        "SELECT aggregate, version, cause, reason FROM parked_event
          WHERE generation = $1 ORDER BY partition, log_offset",
    )
    .bind(generation)
    .fetch_all(&mut connect(environment).await)
    .await
    .unwrap()
}

/// The parked events of the first generation.
pub(crate) async fn parked(environment: &TestEnvironment) -> Vec<Parked> {
    parked_by(environment, 1).await
}

/// Waits until this many events are parked.
pub(crate) async fn until_parked(environment: &TestEnvironment, events: usize) {
    eventually(format!("{events} events are parked"), || async { parked(environment).await.len() == events })
        .await;
}

/// The position of a parked version of an account.
pub(crate) async fn position_of(environment: &TestEnvironment, id: &AggregateId, version: i64) -> Position {
    let (topic, partition, offset) = sqlx::query_as(
        "SELECT topic, partition, log_offset FROM parked_event WHERE aggregate = $1 AND version = $2",
    )
    .bind(id.as_str())
    .bind(version)
    .fetch_one(&mut connect(environment).await)
    .await
    .unwrap();
    Position { topic, partition, offset }
}

/// Marks all parked events for a retry. Returns the number of their aggregates.
pub(crate) async fn retry_all(environment: &TestEnvironment) -> i64 {
    parked_events::retry(&mut connect(environment).await, &Selection::default()).await.unwrap()
}

/// The number of events marked for a retry.
pub(crate) async fn marked(environment: &TestEnvironment) -> i64 {
    let marked = sqlx::query_scalar("SELECT count(*) FROM parked_event WHERE retry");
    marked.fetch_one(&mut connect(environment).await).await.unwrap()
}

pub(crate) async fn drop_event(environment: &TestEnvironment, position: &Position) -> Result<(), DropError> {
    let connection = &mut connect(environment).await;
    parked_events::drop(connection, Accounts::NAME, position, "ada", "written by mistake").await
}
