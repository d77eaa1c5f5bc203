use std::{
    num::{NonZeroU32, NonZeroUsize, ParseIntError},
    time::Duration,
};

use command_engine::{CacheSettings, EngineSettings, SnapshotSettings};
use event_log::{ClientSettings, ShardLogSettings, Shards, Topics};
use service_kit::{http::HttpSettings, settings::Environment};
use sqlx::postgres::PgConnectOptions;

use crate::{Context, ForwardingSettings};

/// The longest that the drain of HTTP may take: the hand-over comes before it and the last group after it, and a service
/// ends within ten seconds.
const MAX_DRAIN: Duration = Duration::from_millis(4_500);

/// The settings of a command API, with the variable and the default of each. They cannot be printed: the options of the
/// database hold a password.
#[derive(Clone)]
pub struct Settings {
    /// Where commands are received; `FOLDLINE_HTTP_ADDRESS`, 127.0.0.1 and the port of the [`Context`]; and the limits of
    /// the server.
    pub http: HttpSettings,
    /// The schema registry; `FOLDLINE_REGISTRY_URL`, <http://127.0.0.1:18081/apis/ccompat/v7>.
    pub registry_url: String,
    /// The database of snapshots and outcomes; `FOLDLINE_DATABASE_URL`, for `orders`
    /// <postgres://orders_command:orders_command@127.0.0.1:15432/orders_write>.
    pub database: PgConnectOptions,
    /// How often the topics are checked for another number of partitions; `FOLDLINE_TOPICS_CHECK_INTERVAL`, 30s.
    pub topics_check_interval: Duration,
    /// A name of this instance that is the same after a restart; `FOLDLINE_INSTANCE_ID`, none. With it, an instance that
    /// restarts quickly keeps its shards.
    pub instance_id: Option<String>,
    /// How the log is written: `FOLDLINE_KAFKA_BROKERS`, 127.0.0.1:19092; `FOLDLINE_TOPIC_PREFIX`, empty;
    /// `FOLDLINE_COMMIT_TIMEOUT`, 5s: the outcome of a slower commit is unknown and is looked up in the log. How many
    /// partitions the events topic has: `FOLDLINE_TOPIC_PARTITIONS`, 8; the number never changes. How many shards they are
    /// divided into, each of which one instance writes: `FOLDLINE_SHARDS`, 1, at most one for each partition.
    pub log: ShardLogSettings,
    /// How commands queue for each shard, and what is kept in memory.
    pub engine: EngineSettings,
    /// How snapshots are loaded and saved. How long an idempotency key is honoured at the least:
    /// `FOLDLINE_IDEMPOTENCY_RETENTION`, 777600s (9 days): two days longer than commands in Kafka are kept, so that
    /// commands which are read again are recognised.
    pub snapshots: SnapshotSettings,
    /// How commands reach the owner of their shard.
    pub forwarding: ForwardingSettings,
}

impl Settings {
    /// Reads the settings; [`Environment::finish`] reports what is wrong with them.
    pub fn read(environment: &mut Environment, context: &Context) -> Self {
        let mut http = HttpSettings::read(environment, &context.http_address());
        http.limits.drain_timeout = http.limits.drain_timeout.min(MAX_DRAIN);
        let (forwarding, shards) = (forwarding(environment, &http), shards(environment));
        Self {
            registry_url: environment.get("FOLDLINE_REGISTRY_URL", "http://127.0.0.1:18081/apis/ccompat/v7"),
            database: environment.get("FOLDLINE_DATABASE_URL", &context.database_url()),
            topics_check_interval: environment.duration("FOLDLINE_TOPICS_CHECK_INTERVAL", "30s"),
            instance_id: given(environment.get("FOLDLINE_INSTANCE_ID", "")),
            log: ShardLogSettings {
                client: ClientSettings {
                    brokers: environment.get("FOLDLINE_KAFKA_BROKERS", "127.0.0.1:19092"),
                },
                topics: Topics::new(&environment.get::<String>("FOLDLINE_TOPIC_PREFIX", ""), context.name),
                shards,
                address: forwarding.own_address.clone(),
                commit_timeout: environment.duration("FOLDLINE_COMMIT_TIMEOUT", "5s"),
            },
            engine: engine(environment, shards),
            snapshots: SnapshotSettings {
                command_retention: environment.duration("FOLDLINE_IDEMPOTENCY_RETENTION", "777600s"),
                ..SnapshotSettings::default()
            },
            forwarding,
            http,
        }
    }
}

/// The partitions and their shards. By default there is one shard: each further one costs more transactions.
fn shards(environment: &mut Environment) -> Shards {
    let partitions = environment.get::<NonZeroU32>("FOLDLINE_TOPIC_PARTITIONS", "8");
    let partitions = i32::try_from(partitions.get()).unwrap_or(i32::MAX);
    environment.parse("FOLDLINE_SHARDS", "1", |text| {
        let count = text.parse().map_err(|error: ParseIntError| error.to_string())?;
        Shards::new(partitions, count).map_err(|error| error.to_string())
    })
}

/// How commands queue for each shard: `FOLDLINE_MAX_WAITING_COMMANDS`, 4096; `FOLDLINE_MAX_GROUP_SIZE`, 512;
/// `FOLDLINE_MAX_QUEUE_WAIT`, 500ms: a command that would have to wait longer is refused at once. How many aggregates of
/// each partition are kept in memory: `FOLDLINE_MAX_AGGREGATES`, 50000. How much memory the aggregates of all partitions
/// may take, as far as it can be estimated: `FOLDLINE_CACHE_BYTES`, 268435456, divided equally. When changed aggregates are saved:
/// `FOLDLINE_SNAPSHOT_CHANGES`, 1000, and `FOLDLINE_SNAPSHOT_INTERVAL`, 5s.
fn engine(environment: &mut Environment, shards: Shards) -> EngineSettings {
    let cache_bytes = environment.get::<NonZeroUsize>("FOLDLINE_CACHE_BYTES", "268435456").get();
    let partitions = usize::try_from(shards.partitions()).expect("there is at least one partition");
    let cache = CacheSettings {
        max_aggregates: environment.get::<NonZeroUsize>("FOLDLINE_MAX_AGGREGATES", "50000").get(),
        max_bytes: cache_bytes.div_ceil(partitions),
        save_changes: environment.get::<NonZeroUsize>("FOLDLINE_SNAPSHOT_CHANGES", "1000").get(),
        save_interval: environment.duration("FOLDLINE_SNAPSHOT_INTERVAL", "5s"),
        ..CacheSettings::default()
    };
    EngineSettings {
        max_waiting: environment.get::<NonZeroUsize>("FOLDLINE_MAX_WAITING_COMMANDS", "4096").get(),
        max_group: environment.get::<NonZeroUsize>("FOLDLINE_MAX_GROUP_SIZE", "512").get(),
        max_wait: environment.duration("FOLDLINE_MAX_QUEUE_WAIT", "500ms"),
        cache,
        ..EngineSettings::default()
    }
}

fn forwarding(environment: &mut Environment, http: &HttpSettings) -> ForwardingSettings {
    let advertised = given(environment.get("FOLDLINE_ADVERTISED_ADDRESS", ""));
    ForwardingSettings {
        own_address: advertised.unwrap_or_else(|| http.address.to_string()),
        owner_timeout: environment.duration("FOLDLINE_FORWARD_WAIT", "2s"),
        max_in_flight: environment.get::<NonZeroUsize>("FOLDLINE_FORWARD_MAX_IN_FLIGHT", "256").get(),
        command_timeout: environment.duration("FOLDLINE_COMMAND_TIMEOUT", "8s"),
    }
}

fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
