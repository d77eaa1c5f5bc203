use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use event_log::Topics;
use service_kit::{http::HttpSettings, settings::Environment};
use sqlx::postgres::PgConnectOptions;

/// The settings of this service, with the variable and the default of each. It is never printed: the database's
/// options hold a password.
pub(crate) struct Settings {
    /// Where questions come in; `FOLDLINE_HTTP_ADDRESS`, 127.0.0.1:8102, and the limits of the server.
    pub(crate) http: HttpSettings,
    /// The topics of orders; `FOLDLINE_TOPIC_PREFIX`, empty.
    pub(crate) topics: Topics,
    /// How many partitions the events topic has; `FOLDLINE_TOPIC_PARTITIONS`, 8. It never changes.
    pub(crate) partitions: i32,
    /// The read model.
    pub(crate) database: DatabaseSettings,
    /// How long a question waits for its consistency token.
    pub(crate) patience: WaitLimits,
    /// What streams of changes may take.
    pub(crate) changes: ChangesSettings,
}

/// Where the read model is.
pub(crate) struct DatabaseSettings {
    /// `FOLDLINE_DATABASE_URL`, <postgres://orders_query:orders_query@127.0.0.1:15432/orders_read>.
    pub(crate) connect: PgConnectOptions,
    /// The most connections for questions; `FOLDLINE_DATABASE_CONNECTIONS`, 10. One more listens.
    pub(crate) connections: NonZeroU32,
    /// How long a question waits for a connection; `FOLDLINE_DATABASE_ACQUIRE_TIMEOUT`, 2s.
    pub(crate) acquire_timeout: Duration,
}

/// What streams of changes may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChangesSettings {
    /// The most streams at the same time; `FOLDLINE_CHANGES_STREAMS`, 256. Each also holds a connection of a client,
    /// so it should be well below `FOLDLINE_HTTP_MAX_CONNECTIONS`.
    pub(crate) streams: NonZeroUsize,
    /// How many events wait for a client that does not take them; `FOLDLINE_CHANGES_BUFFER`, 256. One more ends its
    /// stream.
    pub(crate) buffer: NonZeroUsize,
    /// How often a quiet stream says that it lives; `FOLDLINE_CHANGES_HEARTBEAT`, 15s.
    pub(crate) heartbeat: Duration,
}

/// How long a question waits for its consistency token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WaitLimits {
    /// Where the caller does not say; `FOLDLINE_WAIT_DEFAULT`, 2s.
    pub(crate) default: Duration,
    /// However long the caller would wait; `FOLDLINE_WAIT_LONGEST`, 10s, or less where the server answers sooner.
    pub(crate) longest: Duration,
}

impl Settings {
    pub(crate) fn read(environment: &mut Environment) -> Self {
        let http = HttpSettings::read(environment, "127.0.0.1:8102");
        let partitions = environment.get::<NonZeroU32>("FOLDLINE_TOPIC_PARTITIONS", "8");
        Self {
            topics: Topics::new(&environment.get::<String>("FOLDLINE_TOPIC_PREFIX", ""), "orders"),
            partitions: i32::try_from(partitions.get()).unwrap_or(i32::MAX),
            database: DatabaseSettings::read(environment),
            patience: WaitLimits::read(environment, http.limits.request_timeout),
            changes: ChangesSettings::read(environment),
            http,
        }
    }
}

impl DatabaseSettings {
    fn read(environment: &mut Environment) -> Self {
        let url = "postgres://orders_query:orders_query@127.0.0.1:15432/orders_read";
        Self {
            connect: environment.get("FOLDLINE_DATABASE_URL", url),
            connections: environment.get("FOLDLINE_DATABASE_CONNECTIONS", "10"),
            acquire_timeout: environment.duration("FOLDLINE_DATABASE_ACQUIRE_TIMEOUT", "2s"),
        }
    }
}

impl ChangesSettings {
    fn read(environment: &mut Environment) -> Self {
        Self {
            streams: environment.get("FOLDLINE_CHANGES_STREAMS", "256"),
            buffer: environment.get("FOLDLINE_CHANGES_BUFFER", "256"),
            heartbeat: environment.duration("FOLDLINE_CHANGES_HEARTBEAT", "15s"),
        }
    }
}

impl WaitLimits {
    /// A tenth of the server's own limit is left for the answer itself.
    fn read(environment: &mut Environment, request_timeout: Duration) -> Self {
        let longest = environment.duration("FOLDLINE_WAIT_LONGEST", "10s").min(request_timeout * 9 / 10);
        Self { default: environment.duration("FOLDLINE_WAIT_DEFAULT", "2s").min(longest), longest }
    }
}
