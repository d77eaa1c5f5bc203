use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use event_log::Topics;
use service_kit::{http::HttpSettings, settings::Environment};
use sqlx::postgres::PgConnectOptions;

/// The settings of a query API, with the variable and the default of each. They do not implement `Debug`, because the
/// connection options hold a password.
pub struct Settings {
    /// `FOLDLINE_HTTP_ADDRESS` (each service has its own default) and the limits of the HTTP server.
    pub http: HttpSettings,
    /// The context's topics; `FOLDLINE_TOPIC_PREFIX` (empty) is put before their names.
    pub topics: Topics,
    /// `FOLDLINE_TOPIC_PARTITIONS` (`8`): how many partitions the events topic has. The number must never change.
    pub partitions: i32,
    /// How to connect to the database of the read model.
    pub database: DatabaseSettings,
    /// How long a query waits for its consistency token.
    pub wait_limits: WaitLimits,
    /// The limits of change streams.
    pub changes: ChangesSettings,
}

/// How to connect to the database of the read model.
pub struct DatabaseSettings {
    /// `FOLDLINE_DATABASE_URL`; for the context `orders`, the default is
    /// <postgres://orders_query:orders_query@127.0.0.1:15432/orders_read>.
    pub connect: PgConnectOptions,
    /// `FOLDLINE_DATABASE_CONNECTIONS` (`10`): the maximum number of connections for queries. One more listens for
    /// checkpoints.
    pub connections: NonZeroU32,
    /// `FOLDLINE_DATABASE_ACQUIRE_TIMEOUT` (`2s`): how long a query waits for a connection.
    pub acquire_timeout: Duration,
}

/// How long a query waits for its consistency token.
#[derive(Debug, Clone, Copy)]
pub struct WaitLimits {
    /// `FOLDLINE_WAIT_DEFAULT` (`2s`): how long to wait without `Prefer: wait`.
    pub default: Duration,
    /// `FOLDLINE_WAIT_LONGEST` (`10s`): the upper limit of `Prefer: wait`. It is always below the server's time limit
    /// for a request.
    pub longest: Duration,
}

/// The limits of change streams.
#[derive(Debug, Clone, Copy)]
pub struct ChangesSettings {
    /// `FOLDLINE_CHANGES_STREAMS` (`256`): the maximum number of concurrent streams. Each also holds a client
    /// connection, so this should be well below `FOLDLINE_HTTP_MAX_CONNECTIONS`.
    pub streams: NonZeroUsize,
    /// `FOLDLINE_CHANGES_BUFFER` (`256`): how many unread events are buffered for a client. One more ends its stream.
    pub buffer: NonZeroUsize,
    /// `FOLDLINE_CHANGES_HEARTBEAT` (`15s`): how often a stream without events sends a comment.
    pub heartbeat: Duration,
}

impl Settings {
    /// Reads the settings of the query API of a context.
    pub fn read(environment: &mut Environment, context: &str, http_address: &str) -> Self {
        let http = HttpSettings::read(environment, http_address);
        let partitions = environment.get::<NonZeroU32>("FOLDLINE_TOPIC_PARTITIONS", "8");
        Self {
            topics: Topics::new(&environment.get::<String>("FOLDLINE_TOPIC_PREFIX", ""), context),
            partitions: i32::try_from(partitions.get()).unwrap_or(i32::MAX),
            database: DatabaseSettings::read(environment, context),
            wait_limits: WaitLimits::read(environment, http.limits.request_timeout),
            changes: ChangesSettings::read(environment),
            http,
        }
    }
}

impl DatabaseSettings {
    fn read(environment: &mut Environment, context: &str) -> Self {
        let url = format!("postgres://{context}_query:{context}_query@127.0.0.1:15432/{context}_read");
        Self {
            connect: environment.get("FOLDLINE_DATABASE_URL", &url),
            connections: environment.get("FOLDLINE_DATABASE_CONNECTIONS", "10"),
            acquire_timeout: environment.duration("FOLDLINE_DATABASE_ACQUIRE_TIMEOUT", "2s"),
        }
    }
}

impl WaitLimits {
    /// A tenth of the server's time limit for a request is reserved for the query itself.
    fn read(environment: &mut Environment, request_timeout: Duration) -> Self {
        let longest = environment.duration("FOLDLINE_WAIT_LONGEST", "10s").min(request_timeout * 9 / 10);
        Self { default: environment.duration("FOLDLINE_WAIT_DEFAULT", "2s").min(longest), longest }
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
