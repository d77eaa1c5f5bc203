use event_log::{ClientSettings, Topics};
use projection::{Projection, ProjectorSettings, Projectors, Settings};
use service_kit::health::Health;
use sqlx::{Connection, PgConnection};
use test_kit::{TestEnvironment, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::orders::Orders;

/// A projector inside of the test.
pub(super) struct Running {
    health: Health,
    shutdown: CancellationToken,
    ended: JoinHandle<std::io::Result<()>>,
    database_url: String,
}

impl Running {
    pub(super) fn start(environment: &TestEnvironment, service: &str, settings: ProjectorSettings) -> Self {
        Self::start_of(Orders, environment, service, settings)
    }

    pub(super) fn start_of(
        projection: impl Projection,
        environment: &TestEnvironment,
        service: &str,
        settings: ProjectorSettings,
    ) -> Self {
        let (health, shutdown) = (Health::default(), CancellationToken::new());
        let database_url = environment.database_url("orders_read");
        let settings = Settings {
            client: ClientSettings { brokers: environment.servers.brokers.clone() },
            topics: Topics::new(&environment.topic_prefix, "orders"),
            registry_url: environment.servers.registry_url.clone(),
            database: database_url.parse().unwrap(),
            projector: settings,
        };
        let mut projectors = Projectors::new(service, settings, health.clone(), shutdown.clone()).unwrap();
        projectors.run(projection);
        Self { health, shutdown, ended: tokio::spawn(projectors.until_shutdown()), database_url }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.health.is_ready()
    }

    /// What the projection says of itself.
    pub(super) fn state(&self) -> String {
        format!("{:?}", self.health.components())
    }

    /// Waits until so many events are applied to the first generation.
    pub(super) async fn until_applied(&self, events: usize) {
        self.until_applied_by(1, events).await;
    }

    /// Waits until so many events are applied to a generation.
    pub(super) async fn until_applied_by(&self, generation: i32, events: usize) {
        let events = i64::try_from(events).unwrap();
        eventually(&format!("{events} events are applied to generation {generation}"), || async {
            self.applied_by(generation).await == events
        })
        .await;
    }

    /// How many events are applied to a generation.
    pub(super) async fn applied_by(&self, generation: i32) -> i64 {
        let mut connection = PgConnection::connect(&self.database_url).await.unwrap();
        sqlx::query_scalar("SELECT coalesce(sum(sequence), 0)::bigint FROM checkpoint WHERE generation = $1")
            .bind(generation)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }

    /// Runs a statement on the rows, behind the projector's back.
    pub(super) async fn meddle(&self, statement: &str) {
        let mut connection = PgConnection::connect(&self.database_url).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    }

    /// How often every partition has been claimed.
    pub(super) async fn claims(&self) -> i64 {
        let mut connection = PgConnection::connect(&self.database_url).await.unwrap();
        let claims = sqlx::query_scalar("SELECT min(epoch) FROM checkpoint");
        claims.fetch_one(&mut connection).await.unwrap()
    }

    /// Keeps everybody else from moving checkpoints.
    pub(super) async fn hold_checkpoints(&self) -> Holder {
        let mut holder = Holder(PgConnection::connect(&self.database_url).await.unwrap());
        holder.run("BEGIN; SELECT FROM checkpoint FOR UPDATE").await;
        holder
    }

    /// Waits until a batch waits for the checkpoints.
    pub(super) async fn until_it_waits(&self) {
        let mut connection = PgConnection::connect(&self.database_url).await.unwrap();
        let waiting = "SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let mut count =
            async || sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut connection).await.unwrap();
        while count().await == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Lets nobody into the database, and sends those away who are there.
    pub(super) async fn close_database(&self, closed: bool) {
        let (server, name) = self.database_url.rsplit_once('/').unwrap();
        let mut connection = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
        let close = format!(
            "ALTER DATABASE {name} ALLOW_CONNECTIONS {};
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
            !closed
        );
        sqlx::raw_sql(&close).execute(&mut connection).await.unwrap();
    }

    /// Tells it to end, and waits until it has.
    pub(super) async fn end(self) {
        self.shutdown.cancel();
        self.ended.await.unwrap().unwrap();
    }
}

/// Holds the checkpoints of all partitions.
pub(super) struct Holder(PgConnection);

impl Holder {
    /// Takes them over.
    pub(super) async fn claim(&mut self) {
        self.run("UPDATE checkpoint SET epoch = epoch + 1").await;
    }

    pub(super) async fn release(mut self) {
        self.run("COMMIT").await;
    }

    async fn run(&mut self, statement: &str) {
        sqlx::raw_sql(statement).execute(&mut self.0).await.unwrap();
    }
}
