//! Snapshots in Postgres: the tables of `migrations/orders_write`, which every database of a write side needs. The
//! statements are not checked by the compiler, for this crate belongs to no database; its tests run them.
//!
//! Rows and checkpoint are written in one transaction. Each generation of the state (`Aggregate::STATE_VERSION`) has
//! rows of its own: while old and new instances run side by side, neither meets what the other has saved, and going
//! back finds the snapshots as they were left. A generation that nobody has saved for a day is deleted by the next
//! newer one that opens.

#![expect(clippy::disallowed_methods, reason = "it is called on the partition's own thread")]

mod row;
mod tables;

use std::{sync::Arc, time::Duration};

use aggregate::{Aggregate, AggregateId};
use sqlx::{
    PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{Instant, timeout_at},
};
use tracing::warn;

use super::{Aggregates, Checkpoint, PendingSave, Save, SnapshotError, SnapshotStore};
use row::Row;
use tables::Generation;

/// How long Postgres may take, and how much of it is used.
#[derive(Debug, Clone)]
pub struct SnapshotSettings {
    /// The most connections of an instance, for all its partitions (4).
    pub connections: u32,
    /// How long opening a partition's snapshots may take (30 s): the ids of all its aggregates are read.
    pub open_timeout: Duration,
    /// How long loading may take (1 s): the partition's commands wait.
    pub load_timeout: Duration,
    /// How long a save may take (30 s). Nobody waits for it but a replay that has run out of room.
    pub save_timeout: Duration,
}

impl Default for SnapshotSettings {
    fn default() -> Self {
        Self {
            connections: 4,
            open_timeout: Duration::from_secs(30),
            load_timeout: Duration::from_secs(1),
            save_timeout: Duration::from_secs(30),
        }
    }
}

/// The database of snapshots, shared by all partitions of an instance.
#[derive(Debug, Clone)]
pub struct SnapshotDatabase {
    pool: PgPool,
    runtime: Handle,
    settings: Arc<SnapshotSettings>,
}

impl SnapshotDatabase {
    /// Connects when it is first needed. The runtime is the one on which its connections live; the partitions'
    /// threads wait for it, so they must not be its own.
    pub fn new(options: PgConnectOptions, runtime: &Handle, settings: SnapshotSettings) -> Self {
        let longest = settings.open_timeout.max(settings.save_timeout);
        // A transaction that nobody goes on with holds its locks; Postgres ends it in time.
        let options =
            options.options([("idle_in_transaction_session_timeout", format!("{}ms", longest.as_millis()))]);
        let _in_runtime = runtime.enter();
        let pool = PgPoolOptions::new()
            .max_connections(settings.connections)
            .acquire_timeout(longest)
            .connect_lazy_with(options);
        Self { pool: pool.clone(), runtime: runtime.clone(), settings: Arc::new(settings) }
    }

    /// The snapshots of one partition.
    pub fn partition(&self, partition: i32) -> PostgresSnapshots {
        PostgresSnapshots { database: self.clone(), partition }
    }

    /// Has a connection do some work within a limit. After an error the connection is closed: what state it was left
    /// in is never asked.
    async fn within<T>(
        &self,
        limit: Duration,
        work: impl AsyncFnOnce(&mut PoolConnection<Postgres>) -> Result<T, SnapshotError>,
    ) -> Result<T, SnapshotError> {
        let deadline = Instant::now() + limit;
        let late = |_| SnapshotError::TimedOut(limit);
        let mut connection = timeout_at(deadline, self.pool.acquire()).await.map_err(late)??;
        let done = timeout_at(deadline, work(&mut connection)).await.map_err(late).flatten();
        if done.is_err() {
            drop(connection.detach());
        }
        done
    }
}

/// The snapshots of one partition in Postgres.
#[derive(Debug, Clone)]
pub struct PostgresSnapshots {
    database: SnapshotDatabase,
    partition: i32,
}

impl PostgresSnapshots {
    fn generation<A: Aggregate>(&self) -> Generation {
        Generation { partition: self.partition, state_version: A::STATE_VERSION.cast_signed() }
    }

    /// Deletes what older generations have left, in the background: nobody waits for it, and the next one that opens
    /// tries again.
    fn clear_up(&self, generation: Generation) {
        let database = self.database.clone();
        self.database.runtime.spawn(async move {
            let limit = database.settings.open_timeout;
            if let Err(error) =
                database.within(limit, async |connection| generation.delete_abandoned(connection).await).await
            {
                warn!(partition = generation.partition, %error, "snapshots of an old generation are still there");
            }
        });
    }
}

impl<A: Aggregate> SnapshotStore<A> for PostgresSnapshots {
    fn open(&mut self, cached: &mut dyn FnMut(&str)) -> Result<Checkpoint, SnapshotError> {
        let (database, generation) = (&self.database, self.generation::<A>());
        let limit = database.settings.open_timeout;
        let open = database.within(limit, async |connection| generation.open(connection, cached).await);
        let checkpoint = database.runtime.block_on(open)?;
        self.clear_up(generation);
        Ok(checkpoint)
    }

    fn load(&mut self, ids: &[AggregateId], saved: i64) -> Result<Aggregates<A::State>, SnapshotError> {
        let (database, generation) = (&self.database, self.generation::<A>());
        let limit = database.settings.load_timeout;
        let load = database.within(limit, async |connection| generation.load(connection, ids, saved).await);
        database.runtime.block_on(load)?.into_iter().map(Row::read).collect()
    }

    fn save(&mut self, save: Save<A::State>) -> PendingSave {
        let (database, generation) = (self.database.clone(), self.generation::<A>());
        let (sender, pending) = oneshot::channel();
        self.database.runtime.spawn(async move {
            let limit = database.settings.save_timeout;
            let saved =
                database.within(limit, async |connection| generation.save(connection, save).await).await;
            // The cache may have been forgotten meanwhile.
            let _ = sender.send(saved);
        });
        pending
    }
}
