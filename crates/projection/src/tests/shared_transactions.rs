//! Projections that write their batches together, on a real Postgres.

#![expect(clippy::disallowed_methods, reason = "it blocks only the thread of the projections")]

use std::{sync::Arc, time::Duration};

use aggregate::Version;
use sqlx::{PgConnection, postgres::PgConnectOptions};
use tokio::{runtime::Handle, task::spawn_blocking};

use super::{Ticked, Ticks, connect, database, insert_offsets, source, target, tick};
use crate::projector::{
    batch::Batch,
    checkpoint::Checkpoints,
    database::{Database, Writing, Written},
    generation,
    shared_transactions::SharedTransactions,
    target::Target,
};
use crate::{History, Projection, ProjectionError};

const LIMIT: Duration = Duration::from_secs(10);

/// Another projection of the same events.
struct Tocks;

impl Projection for Tocks {
    const NAME: &str = "tocks";
    const VERSION: i32 = 1;
    const TABLES: &[&str] = &["tocks"];
    type Event = Ticked;

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Ticked>],
    ) -> Result<(), ProjectionError> {
        insert_offsets(transaction, "INSERT INTO tocks (log_offset) VALUES ($1)", batch).await
    }
}

/// One of the two projections, like its thread.
struct Writer<P> {
    projection: Arc<P>,
    database: Database,
    claimed: Checkpoints,
    next: u64,
}

impl<P: Projection<Event = Ticked>> Writer<P> {
    /// Claims partition 0 and writes the first event, alone.
    fn start(options: &PgConnectOptions, shared: &SharedTransactions, projection: P) -> Self {
        let target = Target { projection: P::NAME, ..target() };
        let database = Database::open(options, shared, target, &Handle::current(), LIMIT);
        let mut database = database.unwrap();
        let claimed = database.claim(&[0]).unwrap();
        let mut writer = Self { projection: Arc::new(projection), database, claimed, next: 1 };
        let writing = writer.begin();
        writer.finish(writing).unwrap();
        writer
    }

    /// Begins to write the next event, which is of an aggregate of its own.
    fn begin(&mut self) -> Writing<Ticked> {
        let mut batch = Batch::new();
        let recorded = tick(&self.next.to_string(), 1, self.next);
        let reached = batch.checkpoint_after(self.claimed[&0], &recorded).unwrap();
        batch.push(recorded.into(), Ticked {}, Version::NONE);
        batch.move_checkpoint(0, reached, None);
        self.next += 1;
        self.database.begin(&self.projection, self.claimed.clone(), batch)
    }

    /// Returns how many events were parked.
    fn finish(&mut self, writing: Writing<Ticked>) -> Result<usize, ProjectionError> {
        let Written { batch, .. } = self.database.finish(writing)?;
        self.claimed.extend(batch.reached());
        Ok(batch.refused().len())
    }
}

/// A database with the tables of both projections.
async fn database_of_two() -> PgConnectOptions {
    let options = database().await;
    let mut connection = connect(&options).await;
    execute(&mut connection, "CREATE TABLE tocks (log_offset bigint PRIMARY KEY)").await;
    generation::register::<Tocks>(&mut connection, &source().topic).await.unwrap();
    options
}

async fn execute(connection: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(statement).execute(connection).await.unwrap();
}

/// How many events a projection has parked.
type Parked = Result<usize, ProjectionError>;

/// Lets both projections write an event each at the same time, after one that each has written alone. `between` is
/// executed before that; if it begins a transaction, that ends once the second projection has written its event.
async fn write_together(options: &PgConnectOptions, between: &'static str) -> (Parked, Parked) {
    let mut connection = connect(options).await;
    let (options, runtime) = (options.clone(), Handle::current());
    let writing = spawn_blocking(move || {
        let shared = SharedTransactions::new(&options, LIMIT, LIMIT);
        let mut first = Writer::start(&options, &shared, Ticks);
        let mut second = Writer::start(&options, &shared, Tocks);
        runtime.block_on(execute(&mut connection, between));
        let (of_first, of_second) = (first.begin(), second.begin());
        let parked_by_second = second.finish(of_second);
        drop(connection);
        (first.finish(of_first), parked_by_second)
    });
    writing.await.unwrap()
}

async fn count(options: &PgConnectOptions, query: &str) -> i64 {
    sqlx::query_scalar(query).fetch_one(&mut connect(options).await).await.unwrap()
}

/// The number of rows of each projection, and of the transactions that have moved their checkpoints.
async fn rows_and_transactions(options: &PgConnectOptions) -> (i64, i64, i64) {
    (
        count(options, "SELECT count(*) FROM ticks").await,
        count(options, "SELECT count(*) FROM tocks").await,
        count(options, "SELECT count(DISTINCT xmin::text) FROM checkpoint").await,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_are_ready_at_the_same_time_are_written_in_one_transaction() {
    let options = database_of_two().await;
    let (first, second) = write_together(&options, "").await;
    assert_eq!((first.unwrap(), second.unwrap()), (0, 0));
    assert_eq!(rows_and_transactions(&options).await, (2, 2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_one_projection_cannot_apply_is_parked_by_it_alone() {
    let options = database_of_two().await;
    let refuse_second_event = "ALTER TABLE ticks ADD CHECK (log_offset <> 4)";
    let (first, second) = write_together(&options, refuse_second_event).await;
    assert_eq!((first.unwrap(), second.unwrap()), (1, 0));
    assert_eq!(rows_and_transactions(&options).await, (1, 2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_locked_holds_back_only_its_projection() {
    let options = database_of_two().await;
    let (first, second) = write_together(&options, "BEGIN; LOCK TABLE ticks").await;
    assert_eq!((first.unwrap(), second.unwrap()), (0, 0));
    assert_eq!(rows_and_transactions(&options).await, (2, 2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_was_superseded_holds_back_no_other() {
    let options = database_of_two().await;
    let claimed_by_another = "UPDATE checkpoint SET epoch = epoch + 1 WHERE projection = 'ticks'";
    let (first, second) = write_together(&options, claimed_by_another).await;
    assert!(matches!(first, Err(ProjectionError::Superseded { .. })), "{first:?}");
    assert_eq!(second.unwrap(), 0);
    assert_eq!(rows_and_transactions(&options).await, (1, 2, 2));
}
