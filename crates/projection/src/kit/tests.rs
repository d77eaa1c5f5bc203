//! Tests of the kit with a correct projection, and with the same projection with planted bugs.

use aggregate::{Message, Payload};
use serde::{Deserialize, Serialize};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use test_kit::TestEnvironment;
use time::OffsetDateTime;

use super::{Fact, fact, given, happened_at};
use crate::{History, Projection, ProjectionError};

/// An event of the context, with more fields than the projection reads.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum BellEvent {
    Rang { times: i64, whose: String },
    Polished {},
}

/// The event as the projection reads it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Rang {
    times: i64,
}

/// One row for all bells: how often they rang, and when they last rang.
struct Ringing(PlantedBug);

/// A bug that the kit must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlantedBug {
    None,
    /// Counts once for each bell in a batch.
    CountsHistories,
    /// Assumes that the last event applied is the latest one.
    LastIsLatest,
    /// Reads a row and writes it back without a lock.
    ReadsThenWrites,
    /// Loads no rows in a rebuild.
    LoadsNothing,
}

impl Message for BellEvent {
    fn message_type(&self) -> &'static str {
        match self {
            Self::Rang { .. } => "Rang",
            Self::Polished {} => "Polished",
        }
    }

    fn decode<P: Payload>(_: &str, _: P) -> Result<Option<Self>, P::Error> {
        Ok(None)
    }
}

impl Message for Rang {
    fn message_type(&self) -> &'static str {
        "Rang"
    }

    fn decode<P: Payload>(event_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        if event_type == "Rang" { payload.read().map(Some) } else { Ok(None) }
    }
}

impl Projection for Ringing {
    const NAME: &str = "ringing";
    const VERSION: i32 = 1;
    const TABLES: &[&str] = &["ringing"];
    type Event = Rang;

    fn wants(event_type: &str) -> bool {
        event_type == "Rang"
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Rang>],
    ) -> Result<(), ProjectionError> {
        let events: Vec<_> = batch.iter().flat_map(|history| history.events()).collect();
        if let Some(silent) = events.iter().find(|happened| happened.event.times == 0) {
            return Err(silent.unfit("nothing rang"));
        }
        let times = match self.0 {
            PlantedBug::CountsHistories => i64::try_from(batch.len()).unwrap(),
            _ => events.iter().map(|happened| happened.event.times).sum(),
        };
        let Some(latest) = events.iter().map(|happened| happened.envelope.time).max() else { return Ok(()) };
        self.add(transaction, times, latest).await
    }

    async fn load(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Rang>],
    ) -> Result<(), ProjectionError> {
        if self.0 == PlantedBug::LoadsNothing { Ok(()) } else { self.apply(transaction, batch).await }
    }
}

impl Ringing {
    async fn add(
        &self,
        transaction: &mut PgConnection,
        times: i64,
        latest: OffsetDateTime,
    ) -> Result<(), ProjectionError> {
        let mut times = times;
        let change = match self.0 {
            PlantedBug::ReadsThenWrites => {
                let read =
                    sqlx::query_scalar::<_, i64>("SELECT coalesce(sum(times), 0)::bigint FROM ringing");
                times += read.fetch_one(&mut *transaction).await?;
                "times = excluded.times, latest = greatest(ringing.latest, excluded.latest)"
            }
            PlantedBug::LastIsLatest => "times = ringing.times + excluded.times, latest = excluded.latest",
            PlantedBug::None | PlantedBug::CountsHistories | PlantedBug::LoadsNothing => {
                "times = ringing.times + excluded.times, latest = greatest(ringing.latest, excluded.latest)"
            }
        };
        let statement =
            format!("INSERT INTO ringing VALUES ('all', $1, $2) ON CONFLICT (bell) DO UPDATE SET {change}");
        sqlx::query(&statement).bind(times).bind(latest).execute(transaction).await?;
        Ok(())
    }
}

async fn database() -> PgConnectOptions {
    let environment = TestEnvironment::empty();
    environment.platform_databases();
    let options: PgConnectOptions = environment.database_url("platform_read").parse().unwrap();
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    sqlx::query(
        "CREATE TABLE ringing (bell text PRIMARY KEY, times bigint NOT NULL, latest timestamptz NOT NULL)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    options
}

fn rang(bell: usize, times: i64) -> Fact {
    fact(format!("bell-{bell}").as_str(), &BellEvent::Rang { times, whose: "the town's".to_owned() })
}

fn polished(bell: usize) -> Fact {
    fact(format!("bell-{bell}").as_str(), &BellEvent::Polished {})
}

/// Bells in several partitions ring, and are polished now and then.
fn history(facts: usize) -> impl Iterator<Item = Fact> {
    (0..facts).map(|number| if number % 5 == 3 { polished(number % 4) } else { rang(number % 4, 2) })
}

const ALL: &str = "SELECT times, latest FROM ringing";

#[tokio::test]
async fn a_query_returns_the_rows_that_the_facts_lead_to() {
    given(Ringing(PlantedBug::None), &database().await, [rang(1, 2), polished(1), rang(1, 3)])
        .when([rang(2, 4)])
        .then(ALL, [(9_i64, happened_at(4))])
        .await;
}

#[tokio::test]
#[should_panic(expected = "left == right")]
async fn wrong_rows_fail_the_test() {
    given(Ringing(PlantedBug::None), &database().await, [])
        .when([rang(1, 2)])
        .then(ALL, [(3_i64, happened_at(1))])
        .await;
}

#[tokio::test]
async fn a_scenario_starts_with_empty_tables() {
    let database = database().await;
    for _ in 0..2 {
        given(Ringing(PlantedBug::None), &database, [])
            .when([rang(1, 2)])
            .then(ALL, [(2_i64, happened_at(1))])
            .await;
    }
}

#[tokio::test]
async fn refused_facts_are_reported_and_change_no_rows() {
    let database = database().await;
    given(Ringing(PlantedBug::None), &database, [rang(1, 2)])
        .when([rang(2, 1), rang(1, 0)])
        .then_refused("nothing rang")
        .await;
}

#[tokio::test]
#[should_panic(expected = "must be refused")]
async fn facts_that_are_not_refused_fail_the_test() {
    given(Ringing(PlantedBug::None), &database().await, [])
        .when([rang(1, 1)])
        .then_refused("nothing rang")
        .await;
}

#[tokio::test]
async fn every_cut_agrees_for_a_correct_projection() {
    let database = database().await;
    for facts in [0, 6, 40] {
        given(Ringing(PlantedBug::None), &database, history(facts)).then_every_cut_agrees().await;
    }
}

#[tokio::test]
#[should_panic(expected = "batches of [5], partitions in log order, lead to different rows")]
async fn rows_that_depend_on_the_cut_of_a_short_history_fail_the_test() {
    let facts = [rang(1, 1), polished(1), rang(1, 1), rang(2, 1), rang(3, 1)];
    given(Ringing(PlantedBug::CountsHistories), &database().await, facts).then_every_cut_agrees().await;
}

#[tokio::test]
#[should_panic(expected = "interleaved with seed 0, lead to different rows")]
async fn rows_that_depend_on_the_cut_of_a_long_history_fail_the_test() {
    given(Ringing(PlantedBug::CountsHistories), &database().await, history(40)).then_every_cut_agrees().await;
}

#[tokio::test]
#[should_panic(expected = "partitions interleaved with seed")]
async fn rows_that_depend_on_the_order_of_partitions_fail_the_test() {
    let facts = [rang(1, 1), rang(2, 1), rang(3, 1)];
    given(Ringing(PlantedBug::LastIsLatest), &database().await, facts).then_every_cut_agrees().await;
}

#[tokio::test]
#[should_panic(expected = "concurrent projectors, one per partition, lead to different rows")]
async fn rows_that_concurrent_projectors_overwrite_fail_the_test() {
    given(Ringing(PlantedBug::ReadsThenWrites), &database().await, history(100))
        .then_every_cut_agrees()
        .await;
}

#[tokio::test]
#[should_panic(expected = "Building, partitions interleaved with seed 1, lead to different rows")]
async fn rows_that_differ_after_a_rebuild_fail_the_test() {
    given(Ringing(PlantedBug::LoadsNothing), &database().await, history(10)).then_every_cut_agrees().await;
}
