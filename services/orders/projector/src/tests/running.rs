use event_log::{ClientSettings, Topics};
use projection::{ProjectorSettings, Projectors, Settings};
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
        projectors.run(Orders);
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
    async fn applied_by(&self, generation: i32) -> i64 {
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

    /// Tells it to end, and waits until it has.
    pub(super) async fn end(self) {
        self.shutdown.cancel();
        self.ended.await.unwrap().unwrap();
    }
}
