use event_log::{ClientSettings, Registry, Topics};
use projection::{Projector, ProjectorSettings, Source};
use service_kit::health::Health;
use sqlx::{Connection, PgConnection};
use test_kit::{Area, eventually};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::orders::Orders;

/// A projector inside of the test.
pub(super) struct Running {
    health: Health,
    shutdown: CancellationToken,
    ended: oneshot::Receiver<()>,
    database_url: String,
}

impl Running {
    pub(super) fn start(area: &Area, group: &str, settings: ProjectorSettings) -> Self {
        let topics = Topics::new(&area.topic_prefix, "orders");
        let (health, shutdown) = (Health::default(), CancellationToken::new());
        let database_url = area.database_url("orders_read");
        let projector = Projector {
            projection: Orders,
            source: Source { projection: Orders::NAME.to_owned(), topic: topics.events() },
            group: topics.group(group),
            client: ClientSettings { brokers: area.servers.brokers.clone() },
            registry: Registry::new(&area.servers.registry_url).unwrap(),
            database: database_url.parse().unwrap(),
            settings,
            health: health.part("projection"),
            shutdown: shutdown.clone(),
        };
        Self { health, shutdown, ended: projector.start().unwrap(), database_url }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.health.is_ready()
    }

    /// What the projection says of itself.
    pub(super) fn state(&self) -> String {
        format!("{:?}", self.health.parts())
    }

    /// Waits until so many events are applied in all.
    pub(super) async fn until_applied(&self, events: usize) {
        let events = i64::try_from(events).unwrap();
        eventually(&format!("{events} events are applied"), || async { self.applied().await == events })
            .await;
    }

    /// How many events are applied in all.
    pub(super) async fn applied(&self) -> i64 {
        let mut connection = PgConnection::connect(&self.database_url).await.unwrap();
        sqlx::query_scalar("SELECT coalesce(sum(sequence), 0)::bigint FROM checkpoint")
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
        self.ended.await.unwrap();
    }
}
