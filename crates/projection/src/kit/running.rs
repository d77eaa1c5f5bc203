use service_kit::health::Health;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions, raw_sql};
use test_kit::eventually;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{Projection, ProjectorSettings, Projectors, Settings};

/// The number of connections that wait for a lock.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// A projector that runs in the test's process, on the real log.
pub struct Running {
    health: Health,
    shutdown: CancellationToken,
    ended: JoinHandle<std::io::Result<()>>,
    database: PgConnectOptions,
}

/// Settings with at most this many events per transaction.
pub fn batches_of(size: usize) -> ProjectorSettings {
    let batch_size = size.try_into().expect("a batch size is not zero");
    ProjectorSettings { batch_size, ..ProjectorSettings::default() }
}

impl Running {
    /// Starts a projector with one projection. `service` is the name of its service.
    pub fn start(projection: impl Projection, service: &str, settings: Settings) -> Self {
        Self::start_with(service, settings, |projectors| projectors.run(projection))
    }

    /// Starts a projector with the projections that `run` adds.
    pub fn start_with(service: &str, settings: Settings, run: impl FnOnce(&mut Projectors)) -> Self {
        let (health, shutdown) = (Health::default(), CancellationToken::new());
        let database = settings.database.clone();
        let projectors = Projectors::new(service, settings, health.clone(), shutdown.clone());
        let mut projectors = projectors.expect("the projector can be built");
        run(&mut projectors);
        Self { health, shutdown, ended: tokio::spawn(projectors.until_shutdown()), database }
    }

    /// Whether the projector reports that it is ready.
    pub fn is_ready(&self) -> bool {
        self.health.is_ready()
    }

    /// Waits until the projector reports that it is ready.
    pub async fn until_ready(&self) {
        eventually("the projector is ready", || async { self.is_ready() }).await;
    }

    /// The health of the projector's components, as text.
    pub fn state(&self) -> String {
        format!("{:?}", self.health.components())
    }

    /// Waits until the [state](Self::state) contains this text.
    pub async fn until_state_contains(&self, text: &str) {
        eventually(format!("the state contains {text:?}"), || async { self.state().contains(text) }).await;
    }

    /// Waits until this many events are applied to the first generation.
    pub async fn until_applied(&self, events: usize) {
        self.until_applied_by(1, events).await;
    }

    /// Waits until this many events are applied to a generation.
    pub async fn until_applied_by(&self, generation: i32, events: usize) {
        let count = i64::try_from(events).expect("the number of events is small");
        eventually(format!("{events} events are applied to generation {generation}"), || async {
            self.applied_by(generation).await == count
        })
        .await;
    }

    /// Waits until this many events are applied to each of these generations.
    pub async fn until_applied_by_all(&self, generations: &[i32], events: usize) {
        for generation in generations {
            self.until_applied_by(*generation, events).await;
        }
    }

    /// How many events are applied to a generation.
    pub async fn applied_by(&self, generation: i32) -> i64 {
        sqlx::query_scalar("SELECT coalesce(sum(sequence), 0)::bigint FROM checkpoint WHERE generation = $1")
            .bind(generation)
            .fetch_one(&mut self.connect().await)
            .await
            .expect("checkpoints can be read")
    }

    /// Executes statements in the projector's database, on a separate connection.
    pub async fn execute_sql(&self, statements: &str) {
        raw_sql(statements).execute(&mut self.connect().await).await.expect("the statements can be run");
    }

    /// How often the partition with the fewest claims has been claimed.
    pub async fn claims(&self) -> i64 {
        let claims = sqlx::query_scalar("SELECT min(epoch) FROM checkpoint");
        claims.fetch_one(&mut self.connect().await).await.expect("Postgres responds")
    }

    /// Locks the checkpoints, so that the projector cannot move them.
    pub async fn hold_checkpoints(&self) -> Holder {
        let mut holder = Holder(self.connect().await);
        holder.run("BEGIN; SELECT FROM checkpoint FOR UPDATE").await;
        holder
    }

    /// Waits until a batch is blocked by the locked checkpoints.
    pub async fn until_batch_is_blocked(&self) {
        eventually("a batch is blocked by the checkpoints", || async {
            let waiting: i64 = sqlx::query_scalar(WAITING)
                .fetch_one(&mut self.connect().await)
                .await
                .expect("Postgres responds");
            waiting > 0
        })
        .await;
    }

    /// Refuses connections to the database and terminates open ones, or allows connections again.
    pub async fn close_database(&self, closed: bool) {
        let name = self.database.get_database().expect("the projector has a database");
        let server = self.database.clone().database("postgres");
        let mut connection = PgConnection::connect_with(&server).await.expect("Postgres responds");
        let close = format!(
            "ALTER DATABASE {name} ALLOW_CONNECTIONS {};
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
            !closed
        );
        raw_sql(&close).execute(&mut connection).await.expect("the database can be closed");
    }

    /// Shuts the projector down, and waits until it has ended.
    pub async fn end(self) {
        self.shutdown.cancel();
        self.ended.await.expect("the projector does not panic").expect("the projector ends without an error");
    }

    /// A connection to the projector's database.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect_with(&self.database).await.expect("Postgres responds")
    }
}

/// Locks the checkpoints of all partitions.
pub struct Holder(PgConnection);

impl Holder {
    /// Claims the partitions, as another projector would.
    pub async fn claim(&mut self) {
        self.run("UPDATE checkpoint SET epoch = epoch + 1").await;
    }

    /// Releases the locks, so that the projector continues.
    pub async fn release(mut self) {
        self.run("COMMIT").await;
    }

    async fn run(&mut self, statement: &str) {
        raw_sql(statement).execute(&mut self.0).await.expect("the statement can be run");
    }
}
