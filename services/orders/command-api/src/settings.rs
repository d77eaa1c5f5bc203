use std::{num::NonZeroU32, num::NonZeroUsize, time::Duration};

use command_engine::EngineSettings;
use event_log::{ClientSettings, PartitionLogSettings, Topics};
use service_kit::{http::HttpSettings, settings::Environment};

/// The settings of this service, with the variable and the default of each.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where commands come in; `FOLDLINE_HTTP_ADDRESS`, 127.0.0.1:8101, and the limits of the server.
    pub(crate) http: HttpSettings,
    /// The schema registry; `FOLDLINE_REGISTRY_URL`, <http://127.0.0.1:18081/apis/ccompat/v7>.
    pub(crate) registry_url: String,
    /// How many partitions the events topic has; `FOLDLINE_TOPIC_PARTITIONS`, 8. It never changes.
    pub(crate) partitions: i32,
    /// How the log is written: `FOLDLINE_KAFKA_BROKERS`, 127.0.0.1:19092; `FOLDLINE_TOPIC_PREFIX`, empty;
    /// `FOLDLINE_COMMIT_TIMEOUT`, 1s: a slower commit counts as unknown and is looked up in the log.
    pub(crate) log: PartitionLogSettings,
    /// How commands queue in each partition: `FOLDLINE_MAX_WAITING_COMMANDS`, 1024; `FOLDLINE_MAX_GROUP_SIZE`, 256.
    pub(crate) engine: EngineSettings,
    /// How long a command may take; `FOLDLINE_COMMAND_TIMEOUT`, 8s. It is shorter than the request's own limit, so
    /// that the caller hears what is known.
    pub(crate) command_timeout: Duration,
}

impl Settings {
    pub(crate) fn read(environment: &mut Environment) -> Self {
        let http = HttpSettings::read(environment, "127.0.0.1:8101");
        let partitions = environment.get::<NonZeroU32>("FOLDLINE_TOPIC_PARTITIONS", "8");
        Self {
            registry_url: environment.get("FOLDLINE_REGISTRY_URL", "http://127.0.0.1:18081/apis/ccompat/v7"),
            partitions: i32::try_from(partitions.get()).unwrap_or(i32::MAX),
            log: PartitionLogSettings {
                client: ClientSettings {
                    brokers: environment.get("FOLDLINE_KAFKA_BROKERS", "127.0.0.1:19092"),
                },
                topics: Topics::new(&environment.get::<String>("FOLDLINE_TOPIC_PREFIX", ""), "orders"),
                address: http.address.to_string(),
                commit_timeout: environment.duration("FOLDLINE_COMMIT_TIMEOUT", "1s"),
            },
            engine: EngineSettings {
                max_waiting: environment.get::<NonZeroUsize>("FOLDLINE_MAX_WAITING_COMMANDS", "1024").get(),
                max_group: environment.get::<NonZeroUsize>("FOLDLINE_MAX_GROUP_SIZE", "256").get(),
            },
            command_timeout: environment.duration("FOLDLINE_COMMAND_TIMEOUT", "8s"),
            http,
        }
    }
}
