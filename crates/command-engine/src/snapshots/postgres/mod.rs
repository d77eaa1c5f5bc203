//! Snapshots in Postgres, in tables that the database of every write side needs. The statements are not checked by the
//! compiler, because this crate has no database of its own; its tests run them.
//!
//! Rows and checkpoint are written in one transaction. Each generation of the state (`Aggregate::STATE_VERSION`) has
//! its own rows, so that old and new instances can run side by side and a rollback finds its snapshots. A generation
//! that has not been saved for a day is deleted when a newer one is opened.

#![expect(clippy::disallowed_methods, reason = "it is called on the shard's own thread")]

mod copy;
mod evicted;
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
    sync::{Mutex, oneshot},
    time::{Instant, sleep, timeout_at},
};
use tracing::warn;

use super::{
    Aggregates, Opened, PendingCommands, PendingIds, PendingOpened, PendingSave, Save, SnapshotError,
    SnapshotStore,
};
use crate::cache::{CommandKey, IdFilter};
use evicted::Evicted;
use row::Row;
use tables::Generation;

/// The pause after the ids of snapshots could not be read.
const READ_PAUSE: Duration = Duration::from_secs(5);

/// Timeouts and connections for Postgres.
#[derive(Debug, Clone)]
pub struct SnapshotSettings {
    /// The maximum number of connections of an instance, for all its partitions (4).
    pub connections: u32,
    /// The timeout for opening a partition's snapshots (5 s), which reads two rows.
    pub open_timeout: Duration,
    /// The timeout for loading snapshots (1 s), for which the partition's commands wait.
    pub load_timeout: Duration,
    /// The timeout for a save (30 s). Only a replay that has no room left waits for it.
    pub save_timeout: Duration,
    /// How long a command is kept after its aggregate has evicted it (9 days). Until then, its idempotency key is
    /// recognised.
    pub command_retention: Duration,
    /// How often commands are deleted that are no longer kept (1 min).
    pub delete_interval: Duration,
}

impl Default for SnapshotSettings {
    fn default() -> Self {
        Self {
            connections: 4,
            open_timeout: Duration::from_secs(5),
            load_timeout: Duration::from_secs(1),
            save_timeout: Duration::from_secs(30),
            command_retention: Duration::from_hours(9 * 24),
            delete_interval: Duration::from_mins(1),
        }
    }
}

/// The database of snapshots, shared by all partitions of an instance.
#[derive(Debug, Clone)]
pub struct SnapshotDatabase {
    pool: PgPool,
    runtime: Handle,
    settings: Arc<SnapshotSettings>,
    /// Whose turn it is to read ids.
    reading_ids: Arc<Mutex<()>>,
}

impl SnapshotDatabase {
    /// Connects on first use. The connections run on `runtime`. The shards' threads block on it, so they must not
    /// be its workers.
    pub fn new(options: PgConnectOptions, runtime: &Handle, settings: SnapshotSettings) -> Self {
        let longest = settings.open_timeout.max(settings.save_timeout);
        // An abandoned transaction would hold its locks; Postgres ends it after this time.
        let options =
            options.options([("idle_in_transaction_session_timeout", format!("{}ms", longest.as_millis()))]);
        // Rows are found by their keys. A plan that was made while the tables were small must not scan them later.
        let options = options
            .options(["enable_seqscan", "enable_hashjoin", "enable_mergejoin"].map(|how| (how, "off")));
        let _in_runtime = runtime.enter();
        let pool = PgPoolOptions::new()
            .max_connections(settings.connections)
            .acquire_timeout(longest)
            .connect_lazy_with(options);
        let settings = Arc::new(settings);
        Self { pool, runtime: runtime.clone(), settings, reading_ids: Arc::default() }
    }

    /// The snapshots of one partition.
    pub fn partition(&self, partition: i32) -> PostgresSnapshots {
        PostgresSnapshots { database: self.clone(), partition, deleted_at: None }
    }

    async fn open(&self, generation: Generation, evicted: Evicted) -> Result<Opened, SnapshotError> {
        let open = async |connection: &mut PoolConnection<Postgres>| {
            let checkpoint = generation.open(connection).await?;
            let (evicted, skipped) = evicted.open(connection, checkpoint.next_offset).await?;
            if skipped {
                warn!(
                    partition = generation.partition,
                    next_offset = evicted,
                    "commands that were evicted before this offset are not saved"
                );
            }
            Ok(Opened { checkpoint, evicted })
        };
        self.within(self.settings.open_timeout, open).await
    }

    /// Deletes abandoned generations. If it fails, the next instance that opens the snapshots tries again.
    async fn delete_abandoned(&self, generation: Generation) {
        let delete =
            async |connection: &mut PoolConnection<Postgres>| generation.delete_abandoned(connection).await;
        if let Err(error) = self.within(self.settings.open_timeout, delete).await {
            warn!(partition = generation.partition, %error, "snapshots of an old generation could not be deleted");
        }
    }

    /// Reads the ids of all snapshots, again and again until it succeeds.
    async fn read_ids(&self, generation: Generation, mut ids: IdFilter, saved: i64) -> IdFilter {
        while let Err(error) = self.try_read_ids(generation, &mut ids, saved).await {
            warn!(partition = generation.partition, %error, "the ids of snapshots could not be read");
            sleep(READ_PAUSE).await;
        }
        ids
    }

    /// One partition at a time, because others need the connections too. The connection is closed afterwards: it may be
    /// dropped in the middle.
    async fn try_read_ids(
        &self,
        generation: Generation,
        ids: &mut IdFilter,
        saved: i64,
    ) -> Result<(), SnapshotError> {
        let _turn = self.reading_ids.lock().await;
        let mut connection = self.pool.acquire().await?.detach();
        generation.read_ids(&mut connection, ids, saved).await
    }

    /// Runs `work` on a connection, within a limit. After an error the connection is closed, because its state is
    /// unknown.
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
    /// When commands that are no longer kept were last deleted.
    deleted_at: Option<Instant>,
}

impl PostgresSnapshots {
    fn generation<A: Aggregate>(&self) -> Generation {
        Generation { partition: self.partition, state_version: A::STATE_VERSION.cast_signed() }
    }

    fn evicted(&self) -> Evicted {
        Evicted { partition: self.partition, retention: self.database.settings.command_retention }
    }

    /// Deletes commands that are no longer kept, in the background and a few at a time, unless that was done a moment ago.
    /// If it fails, it is tried again after the next interval.
    fn delete_old_commands(&mut self) {
        let interval = self.database.settings.delete_interval;
        if self.deleted_at.is_some_and(|last| last.elapsed() < interval) {
            return;
        }
        self.deleted_at = Some(Instant::now());
        let (database, evicted) = (self.database.clone(), self.evicted());
        self.database.runtime.spawn(async move {
            let limit = database.settings.save_timeout;
            let delete = || database.within(limit, async |connection| evicted.delete_old(connection).await);
            loop {
                match delete().await {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => {
                        return warn!(partition = evicted.partition, %error, "old commands could not be deleted");
                    }
                }
            }
        });
    }
}

impl<A: Aggregate> SnapshotStore<A> for PostgresSnapshots {
    fn open(&mut self) -> PendingOpened {
        let (database, generation, evicted) = (self.database.clone(), self.generation::<A>(), self.evicted());
        let (sender, pending) = oneshot::channel();
        self.database.runtime.spawn(async move {
            let opened = database.open(generation, evicted).await;
            let is_open = opened.is_ok();
            // The receiver may be gone.
            let _ = sender.send(opened);
            if is_open {
                database.delete_abandoned(generation).await;
            }
        });
        pending
    }

    fn load(&mut self, ids: &[AggregateId], saved: i64) -> Result<Aggregates<A::State>, SnapshotError> {
        let (database, generation) = (&self.database, self.generation::<A>());
        let limit = database.settings.load_timeout;
        let load = database.within(limit, async |connection| generation.load(connection, ids, saved).await);
        database.runtime.block_on(load)?.into_iter().map(Row::read).collect()
    }

    fn read_ids(&mut self, ids: IdFilter, saved: i64) -> PendingIds {
        let (database, generation) = (self.database.clone(), self.generation::<A>());
        let (mut sender, pending) = oneshot::channel();
        self.database.runtime.spawn(async move {
            tokio::select! {
                ids = database.read_ids(generation, ids, saved) => drop(sender.send(ids)),
                () = sender.closed() => {}
            }
        });
        pending
    }

    fn find_commands(&mut self, keys: Vec<CommandKey>, saved: i64) -> PendingCommands {
        let (database, evicted) = (self.database.clone(), self.evicted());
        let (sender, pending) = oneshot::channel();
        self.database.runtime.spawn(async move {
            let limit = database.settings.load_timeout;
            let found =
                database.within(limit, async |connection| evicted.find(connection, &keys, saved).await);
            // The receiver may be gone.
            let _ = sender.send(found.await);
        });
        pending
    }

    fn save(&mut self, save: Save<A::State>) -> PendingSave {
        let (database, generation, evicted) = (self.database.clone(), self.generation::<A>(), self.evicted());
        let (sender, pending) = oneshot::channel();
        self.database.runtime.spawn(async move {
            let limit = database.settings.save_timeout;
            let saved =
                database.within(limit, async |connection| generation.save(connection, evicted, save).await);
            // The receiver may be gone.
            let _ = sender.send(saved.await);
        });
        self.delete_old_commands();
        pending
    }
}
