//! Tests of batches, fences, generations and waiting queries, on a real Postgres.

mod batches;
mod fence;
mod generations;
mod shared_transactions;
mod waiting;
mod write_locks;

use aggregate::{AggregateId, Message, Metadata, Payload, Version};
use event_log::{Envelope, Position, Recorded, now};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, postgres::PgConnectOptions};
use test_kit::TestEnvironment;
use uuid::Uuid;

use crate::projector::{generation, target::Target};
use crate::{GenerationState, History, Projection, ProjectionError, Source};

/// An event without fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Ticked {}

impl Message for Ticked {
    fn message_type(&self) -> &'static str {
        "Ticked"
    }

    fn decode<P: Payload>(_: &str, payload: P) -> Result<Option<Self>, P::Error> {
        payload.read().map(Some)
    }
}

/// A projection that inserts a row for each event.
struct Ticks;

impl Projection for Ticks {
    const NAME: &str = "ticks";
    const VERSION: i32 = 1;
    const TABLES: &[&str] = &["ticks"];
    type Event = Ticked;

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Ticked>],
    ) -> Result<(), ProjectionError> {
        insert_offsets(transaction, "INSERT INTO ticks (log_offset) VALUES ($1)", batch).await
    }
}

/// Inserts a row for each event.
async fn insert_offsets(
    transaction: &mut PgConnection,
    statement: &'static str,
    batch: &[&History<Ticked>],
) -> Result<(), ProjectionError> {
    for happened in batch.iter().flat_map(|history| history.events()) {
        sqlx::query(statement).bind(happened.position.offset).execute(&mut *transaction).await?;
    }
    Ok(())
}

fn source() -> Source {
    Source { projection: "ticks".to_owned(), topic: "clock.events".to_owned() }
}

/// A database with the platform's tables and the table `ticks`.
async fn database() -> PgConnectOptions {
    let environment = TestEnvironment::empty();
    environment.platform_databases();
    let options: PgConnectOptions = environment.database_url("platform_read").parse().unwrap();
    let mut connection = connect(&options).await;
    let table = "CREATE TABLE ticks (log_offset bigint PRIMARY KEY,
                                     planning text NOT NULL DEFAULT current_setting('plan_cache_mode'))";
    sqlx::query(table).execute(&mut connection).await.unwrap();
    generation::register::<Ticks>(&mut connection, &source().topic).await.unwrap();
    options
}

/// The live generation of ticks.
fn target() -> Target {
    let state = GenerationState::Live;
    Target { projection: Ticks::NAME, generation: 1, state, topic: source().topic }
}

async fn connect(options: &PgConnectOptions) -> PgConnection {
    sqlx::Connection::connect_with(options).await.unwrap()
}

/// The `sequence`-th event of partition 0, as an event of `aggregate`.
pub(crate) fn tick(aggregate: &str, version: u64, sequence: u64) -> Recorded {
    let envelope = Envelope {
        aggregate_id: AggregateId::try_from(aggregate).unwrap(),
        event_id: Uuid::from_u128(sequence.into()),
        event_type: "clock.Ticked".to_owned(),
        source: "/clock".to_owned(),
        time: now(),
        version: Version(version),
        request_hash: 0,
        owner_epoch: 1,
        partition_sequence: sequence,
        metadata: Metadata {
            command_id: Uuid::from_u128(sequence.into()),
            correlation_id: "".into(),
            causation_id: "".into(),
            actor: "".into(),
            traceparent: "".into(),
        },
    };
    let offset = i64::try_from(sequence).unwrap() * 2;
    let position = Position { topic: source().topic, partition: 0, offset };
    Recorded { envelope, position, payload: Vec::new() }
}
