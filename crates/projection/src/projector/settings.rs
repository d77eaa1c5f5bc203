use std::{num::NonZeroUsize, time::Duration};

use event_log::{ClientSettings, Topics};
use service_kit::settings::Environment;
use sqlx::postgres::PgConnectOptions;

/// The settings of a projector process. They do not implement `Debug`, because the connection options hold a password.
pub struct Settings {
    /// `FOLDLINE_KAFKA_BROKERS` (`127.0.0.1:19092`): the bootstrap brokers.
    pub client: ClientSettings,
    /// `FOLDLINE_TOPIC_PREFIX` (empty): the prefix of the context's topics.
    pub topics: Topics,
    /// `FOLDLINE_REGISTRY_URL` (`http://127.0.0.1:18081/apis/ccompat/v7`): the schema registry.
    pub registry_url: String,
    /// `FOLDLINE_DATABASE_URL`: the database of the read models. For the context `orders` the default is
    /// `postgres://orders_projector:orders_projector@127.0.0.1:15432/orders_read`.
    pub database: PgConnectOptions,
    /// The limits and delays of projections.
    pub projector: ProjectorSettings,
}

impl Settings {
    /// Reads the settings of the projector of a context.
    pub fn read(environment: &mut Environment, context: &str) -> Self {
        let user = format!("{context}_projector");
        let database = format!("postgres://{user}:{user}@127.0.0.1:15432/{context}_read");
        Self {
            client: ClientSettings { brokers: environment.get("FOLDLINE_KAFKA_BROKERS", "127.0.0.1:19092") },
            topics: Topics::new(&environment.get::<String>("FOLDLINE_TOPIC_PREFIX", ""), context),
            registry_url: environment.get("FOLDLINE_REGISTRY_URL", "http://127.0.0.1:18081/apis/ccompat/v7"),
            database: environment.get("FOLDLINE_DATABASE_URL", &database),
            projector: ProjectorSettings::read(environment),
        }
    }
}

/// The limits and delays of projections.
#[derive(Debug, Clone)]
pub struct ProjectorSettings {
    /// `FOLDLINE_PROJECTION_BATCH_SIZE` (`2000`): the maximum number of events in one transaction. A batch does not
    /// wait until it is full.
    pub batch_size: NonZeroUsize,
    /// `FOLDLINE_PROJECTION_BUILD_BATCH_SIZE` (`10000`): the same for a generation that is not live, and so not read by
    /// queries.
    pub build_batch_size: NonZeroUsize,
    /// `FOLDLINE_PROJECTION_BATCH_BYTES` (`16777216`): a batch ends when the payloads of its events reach this total
    /// size.
    pub batch_bytes: NonZeroUsize,
    /// `FOLDLINE_PROJECTION_SHARED_BYTES` (`8388608`): how much of the log the live projections of a process share, as
    /// an approximate size in memory. A projection that is further behind the fastest one reads on its own.
    pub shared_bytes: NonZeroUsize,
    /// `FOLDLINE_PROJECTION_TRANSACTION_TIMEOUT` (`5s`): how long Postgres may take for one statement or batch.
    pub transaction_timeout: Duration,
    /// `FOLDLINE_PROJECTION_RETRY_FIRST` (`100ms`): the delay after the first failure; it doubles with each further
    /// one.
    pub retry_first: Duration,
    /// `FOLDLINE_PROJECTION_RETRY_LONGEST` (`2s`): the maximum delay.
    pub retry_longest: Duration,
    /// `FOLDLINE_PROJECTION_PARKED_LIMIT` (`100000`): a projector stops when this many aggregates are parked. It keeps
    /// their ids in memory.
    pub parked_limit: usize,
    /// `FOLDLINE_PROJECTION_HIDDEN_LIMIT` (`15s`): how long an open transaction may hide events of the log before the
    /// projector is not ready. The transactions of command APIs end within 10 s.
    pub hidden_limit: Duration,
}

impl ProjectorSettings {
    /// Reads the settings.
    pub fn read(environment: &mut Environment) -> Self {
        Self {
            batch_size: environment.get("FOLDLINE_PROJECTION_BATCH_SIZE", "2000"),
            build_batch_size: environment.get("FOLDLINE_PROJECTION_BUILD_BATCH_SIZE", "10000"),
            batch_bytes: environment.get("FOLDLINE_PROJECTION_BATCH_BYTES", "16777216"),
            shared_bytes: environment.get("FOLDLINE_PROJECTION_SHARED_BYTES", "8388608"),
            transaction_timeout: environment.duration("FOLDLINE_PROJECTION_TRANSACTION_TIMEOUT", "5s"),
            retry_first: environment.duration("FOLDLINE_PROJECTION_RETRY_FIRST", "100ms"),
            retry_longest: environment.duration("FOLDLINE_PROJECTION_RETRY_LONGEST", "2s"),
            parked_limit: environment.get("FOLDLINE_PROJECTION_PARKED_LIMIT", "100000"),
            hidden_limit: environment.duration("FOLDLINE_PROJECTION_HIDDEN_LIMIT", "15s"),
        }
    }
}

impl Default for ProjectorSettings {
    fn default() -> Self {
        Self::read(&mut Environment::default())
    }
}
