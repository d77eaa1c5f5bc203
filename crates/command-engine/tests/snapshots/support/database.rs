//! A database for one test, with the tables of snapshots.

use std::{
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use aggregate::Aggregate;
use command_engine::{AggregateCache, CacheSettings, PostgresSnapshots, SnapshotDatabase, SnapshotSettings};
use sqlx::{Connection, PgConnection};
use test_kit::TestEnvironment;
use tokio::runtime::{Builder, Runtime};

/// Runs the connections. Tests block on it from their own threads, as partitions do.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());

/// A database with all tables, of which every test gets a copy.
static TEMPLATE: LazyLock<TestEnvironment> = LazyLock::new(|| {
    let environment = TestEnvironment::empty();
    environment.platform_databases();
    environment
});

pub(crate) struct Database {
    environment: TestEnvironment,
    snapshots: SnapshotDatabase,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self::with(&SnapshotSettings::default())
    }

    /// A database for which some settings differ.
    pub(crate) fn with(settings: &SnapshotSettings) -> Self {
        let environment = TestEnvironment::empty();
        let (copy, template) = (name_in(&environment), name_in(&TEMPLATE));
        run_in(&postgres(&environment), &format!("CREATE DATABASE {copy} TEMPLATE {template}"));
        let options = environment.database_url("platform_write").parse().unwrap();
        // Long enough for a busy machine, and short because one test waits for it.
        let settings = SnapshotSettings { load_timeout: Duration::from_secs(2), ..settings.clone() };
        let snapshots = SnapshotDatabase::new(options, RUNTIME.handle(), settings);
        Self { environment, snapshots }
    }

    fn url(&self) -> String {
        self.environment.database_url("platform_write")
    }

    /// The snapshots of a partition.
    pub(crate) fn partition(&self, partition: i32) -> PostgresSnapshots {
        self.snapshots.partition(partition)
    }

    /// The cache of partition 0 in a new instance that has not read the log.
    pub(crate) fn cache<A: Aggregate>(&self, settings: CacheSettings) -> AggregateCache<A> {
        self.cache_of(0, settings)
    }

    pub(crate) fn cache_of<A: Aggregate>(
        &self,
        partition: i32,
        settings: CacheSettings,
    ) -> AggregateCache<A> {
        let mut cache = self.opened(partition, settings);
        eventually(|| {
            cache.load(&[]).unwrap();
            cache.knows_all_ids()
        });
        cache
    }

    /// The same without waiting until the ids of all snapshots are read.
    pub(crate) fn opened<A: Aggregate>(&self, partition: i32, settings: CacheSettings) -> AggregateCache<A> {
        let mut cache = AggregateCache::new(Box::new(self.partition(partition)), settings);
        cache.restore().unwrap();
        cache
    }

    /// The cache of partition 0, to be restored.
    pub(crate) fn unopened<A: Aggregate>(&self, settings: CacheSettings) -> AggregateCache<A> {
        AggregateCache::new(Box::new(self.partition(0)), settings)
    }

    /// Deletes all snapshots, but not the evicted commands.
    pub(crate) fn discard_snapshots(&self) {
        self.run("DELETE FROM snapshot_checkpoint");
        self.run("DELETE FROM snapshots");
    }

    /// Runs a statement and returns the number of affected rows.
    pub(crate) fn run(&self, statement: &str) -> u64 {
        self.try_run(statement).unwrap()
    }

    pub(crate) fn try_run(&self, statement: &str) -> sqlx::Result<u64> {
        try_run_in(&self.url(), statement)
    }

    /// Queries a number.
    pub(crate) fn query_number(&self, query: &str) -> i64 {
        RUNTIME.block_on(async {
            let mut connection = PgConnection::connect(&self.url()).await.unwrap();
            sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
        })
    }

    /// Refuses new connections and ends existing ones.
    pub(crate) fn close(&self) {
        let (server, name) = (postgres(&self.environment), name_in(&self.environment));
        run_in(&server, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
        run_in(
            &server,
            &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"),
        );
    }

    pub(crate) fn reopen(&self) {
        let name = name_in(&self.environment);
        run_in(&postgres(&self.environment), &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
    }

    /// Locks a table: reads of it wait until the connection is dropped.
    pub(crate) fn lock_table(&self, table: &str) -> PgConnection {
        self.begin(&format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
    }

    /// Runs a statement in a transaction that stays open.
    pub(crate) fn begin(&self, statement: &str) -> PgConnection {
        RUNTIME.block_on(async {
            let mut connection = PgConnection::connect(&self.url()).await.unwrap();
            sqlx::raw_sql(&format!("BEGIN; {statement}")).execute(&mut connection).await.unwrap();
            connection
        })
    }
}

/// Commits an open transaction.
pub(crate) fn commit(mut open: PgConnection) {
    RUNTIME.block_on(sqlx::raw_sql("COMMIT").execute(&mut open)).unwrap();
}

/// Waits until a condition holds.
pub(crate) fn eventually(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !condition() {
        assert!(Instant::now() < deadline, "the condition did not hold within a minute");
        thread::yield_now();
    }
}

fn name_in(environment: &TestEnvironment) -> String {
    format!("{}platform_write", environment.database_prefix)
}

/// The server's maintenance database, from which others are created and closed.
fn postgres(environment: &TestEnvironment) -> String {
    format!("{}/postgres", environment.servers.database_server_url)
}

fn run_in(url: &str, statement: &str) -> u64 {
    try_run_in(url, statement).unwrap()
}

fn try_run_in(url: &str, statement: &str) -> sqlx::Result<u64> {
    RUNTIME.block_on(async {
        let mut connection = PgConnection::connect(url).await?;
        Ok(sqlx::query(statement).execute(&mut connection).await?.rows_affected())
    })
}
