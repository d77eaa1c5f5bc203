use event_log::{ClientSettings, Topics};
use projection::ProjectorSettings;
use service_kit::settings::Environment;
use sqlx::postgres::PgConnectOptions;

/// The settings of this service, with the variable and the default of each. It is never printed: the database's
/// options hold a password.
pub(crate) struct Settings {
    /// How to reach Kafka; `FOLDLINE_KAFKA_BROKERS`, 127.0.0.1:19092.
    pub(crate) client: ClientSettings,
    /// The topics of orders; `FOLDLINE_TOPIC_PREFIX`, empty.
    pub(crate) topics: Topics,
    /// The schema registry; `FOLDLINE_REGISTRY_URL`, <http://127.0.0.1:18081/apis/ccompat/v7>.
    pub(crate) registry_url: String,
    /// Where the tables are; `FOLDLINE_DATABASE_URL`, <postgres://orders_projector:orders_projector@127.0.0.1:15432/orders_read>.
    pub(crate) database: PgConnectOptions,
    /// How events become rows; see [`ProjectorSettings`].
    pub(crate) projector: ProjectorSettings,
}

impl Settings {
    pub(crate) fn read(environment: &mut Environment) -> Self {
        Self {
            client: ClientSettings { brokers: environment.get("FOLDLINE_KAFKA_BROKERS", "127.0.0.1:19092") },
            topics: Topics::new(&environment.get::<String>("FOLDLINE_TOPIC_PREFIX", ""), "orders"),
            registry_url: environment.get("FOLDLINE_REGISTRY_URL", "http://127.0.0.1:18081/apis/ccompat/v7"),
            database: environment.get(
                "FOLDLINE_DATABASE_URL",
                "postgres://orders_projector:orders_projector@127.0.0.1:15432/orders_read",
            ),
            projector: ProjectorSettings::read(environment),
        }
    }
}
