//! A projector in this process.

use event_log::{ClientSettings, Topics};
use projection::{Projection, ProjectorSettings, Projectors, Settings};
use service_kit::health::Health;
use sqlx::{Connection, Executor, PgConnection};
use test_kit::{TestEnvironment, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{accounts::Accounts, environment::database_url, events::CONTEXT};

/// Connections that wait for a lock.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// A running projector.
pub(crate) struct Running {
    health: Health,
    shutdown: CancellationToken,
    ended: JoinHandle<std::io::Result<()>>,
    database_url: String,
}

/// So many events go into one transaction.
pub(crate) fn batches_of(size: usize) -> ProjectorSettings {
    ProjectorSettings { batch_size: size.try_into().unwrap(), ..ProjectorSettings::default() }
}

impl Running {
    /// A projector of the accounts.
    pub(crate) fn start(environment: &TestEnvironment, service: &str, settings: ProjectorSettings) -> Self {
        Self::start_of(Accounts, environment, service, settings)
    }

    pub(crate) fn start_of(
        projection: impl Projection,
        environment: &TestEnvironment,
        service: &str,
        settings: ProjectorSettings,
    ) -> Self {
        let (health, shutdown) = (Health::default(), CancellationToken::new());
        let database_url = database_url(environment);
        let settings = Settings {
            client: ClientSettings { brokers: environment.servers.brokers.clone() },
            topics: Topics::new(&environment.topic_prefix, CONTEXT),
            registry_url: environment.servers.registry_url.clone(),
            database: database_url.parse().unwrap(),
            projector: settings,
        };
        let mut projectors = Projectors::new(service, settings, health.clone(), shutdown.clone()).unwrap();
        projectors.run(projection);
        Self { health, shutdown, ended: tokio::spawn(projectors.until_shutdown()), database_url }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.health.is_ready()
    }

    pub(crate) async fn until_ready(&self) {
        eventually("the projector is ready", || async { self.is_ready() }).await;
    }

    /// What the projection says of itself.
    pub(crate) fn state(&self) -> String {
        format!("{:?}", self.health.components())
    }

    /// Waits until the projection says this of itself.
    pub(crate) async fn until_it_says(&self, text: &str) {
        eventually(format!("it says {text:?}"), || async { self.state().contains(text) }).await;
    }

    /// Waits until so many events are applied to the first generation.
    pub(crate) async fn until_applied(&self, events: usize) {
        self.until_applied_by(1, events).await;
    }

    /// Waits until so many events are applied to a generation.
    pub(crate) async fn until_applied_by(&self, generation: i32, events: usize) {
        let count = i64::try_from(events).unwrap();
        eventually(format!("{events} events are applied to generation {generation}"), || async {
            self.applied_by(generation).await == count
        })
        .await;
    }

    /// How many events are applied to a generation.
    pub(crate) async fn applied_by(&self, generation: i32) -> i64 {
        sqlx::query_scalar("SELECT coalesce(sum(sequence), 0)::bigint FROM checkpoint WHERE generation = $1")
            .bind(generation)
            .fetch_one(&mut self.connect().await)
            .await
            .unwrap()
    }

    /// Runs statements on the rows, behind the projector's back.
    pub(crate) async fn meddle(&self, statements: &str) {
        self.connect().await.execute(statements).await.unwrap();
    }

    /// How often every partition has been claimed.
    pub(crate) async fn claims(&self) -> i64 {
        let claims = sqlx::query_scalar("SELECT min(epoch) FROM checkpoint");
        claims.fetch_one(&mut self.connect().await).await.unwrap()
    }

    /// Keeps the projector from moving checkpoints.
    pub(crate) async fn hold_checkpoints(&self) -> Holder {
        let mut holder = Holder(self.connect().await);
        holder.run("BEGIN; SELECT FROM checkpoint FOR UPDATE").await;
        holder
    }

    /// Waits until a batch waits for the checkpoints.
    pub(crate) async fn until_it_waits(&self) {
        eventually("a batch waits for the checkpoints", || async {
            let waiting: i64 =
                sqlx::query_scalar(WAITING).fetch_one(&mut self.connect().await).await.unwrap();
            waiting > 0
        })
        .await;
    }

    /// Closes the database and ends its connections, or opens it again.
    pub(crate) async fn close_database(&self, closed: bool) {
        let (server, name) = self.database_url.rsplit_once('/').unwrap();
        let mut connection = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
        let close = format!(
            "ALTER DATABASE {name} ALLOW_CONNECTIONS {};
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
            !closed
        );
        connection.execute(close.as_str()).await.unwrap();
    }

    /// Tells it to end, and waits until it has.
    pub(crate) async fn end(self) {
        self.shutdown.cancel();
        self.ended.await.unwrap().unwrap();
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.database_url).await.unwrap()
    }
}

/// Holds the checkpoints of all partitions.
pub(crate) struct Holder(PgConnection);

impl Holder {
    /// Takes them over, as another projector would.
    pub(crate) async fn claim(&mut self) {
        self.run("UPDATE checkpoint SET epoch = epoch + 1").await;
    }

    pub(crate) async fn release(mut self) {
        self.run("COMMIT").await;
    }

    async fn run(&mut self, statement: &str) {
        self.0.execute(statement).await.unwrap();
    }
}
