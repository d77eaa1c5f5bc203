//! The settings of the installation. Each is an option with an environment variable of the same name.

use std::path::PathBuf;

use clap::Args;
use event_log::{ClientSettings, InvalidShards, LogError, Shards, Topics};

use crate::{hint::hinted, output::Output};

/// The heading of connection options in the help.
const CONNECTION: &str = "Connection";

/// The context that a command is about.
#[derive(Args)]
pub(crate) struct Context {
    /// The context: a folder of the schemas, such as `orders`.
    #[arg(id = "context", value_name = "CONTEXT")]
    pub(crate) name: String,
}

/// Which context to list something of, how to print it, and where to read it.
#[derive(Args)]
pub(crate) struct ContextList {
    #[command(flatten)]
    pub(crate) context: Context,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) kafka: KafkaSettings,
}

/// How to reach Kafka.
#[derive(Args)]
pub(crate) struct KafkaSettings {
    /// Kafka's bootstrap brokers, separated by commas.
    #[arg(
        long = "kafka-brokers",
        env = "FOLDLINE_KAFKA_BROKERS",
        help_heading = CONNECTION,
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:19092"
    )]
    brokers: String,
    #[command(flatten)]
    prefix: TopicPrefix,
}

/// How topics are named.
#[derive(Args)]
pub(crate) struct TopicPrefix {
    /// A prefix of every topic's name.
    #[arg(
        long,
        env = "FOLDLINE_TOPIC_PREFIX",
        help_heading = CONNECTION,
        value_name = "PREFIX",
        default_value = ""
    )]
    topic_prefix: String,
}

/// How to reach the schema registry.
#[derive(Args)]
pub(crate) struct RegistrySettings {
    /// The schema registry: the URL of an API compatible with Confluent's.
    #[arg(
        long = "registry-url",
        env = "FOLDLINE_REGISTRY_URL",
        help_heading = CONNECTION,
        value_name = "URL",
        default_value = "http://127.0.0.1:18081/apis/ccompat/v7"
    )]
    pub(crate) url: String,
}

/// Where the schemas are.
#[derive(Args)]
pub(crate) struct SchemaSettings {
    /// The folder of the schemas: `<context>/<events or commands>/<message>/v<n>.avsc`.
    #[arg(
        long = "schemas-dir",
        env = "FOLDLINE_SCHEMAS_DIR",
        help_heading = CONNECTION,
        value_name = "FOLDER",
        default_value = "schemas"
    )]
    pub(crate) folder: PathBuf,
}

/// How topics are created.
#[derive(Args)]
pub(crate) struct TopicSettings {
    /// The number of partitions of a new topic; it can never be changed.
    #[arg(
        long,
        env = "FOLDLINE_TOPIC_PARTITIONS",
        value_name = "NUMBER",
        default_value_t = 8,
        value_parser = clap::value_parser!(i32).range(1..)
    )]
    pub(crate) partitions: i32,
    /// The number of shards that the partitions of a context are divided into: how many instances can share the writing.
    /// `foldline shards set` changes it later.
    #[arg(
        long,
        env = "FOLDLINE_SHARDS",
        value_name = "NUMBER",
        default_value_t = 1,
        value_parser = clap::value_parser!(i32).range(1..)
    )]
    shards: i32,
    /// The number of brokers that hold a copy of each partition of a new topic.
    #[arg(
        long,
        env = "FOLDLINE_TOPIC_REPLICATION",
        value_name = "NUMBER",
        default_value_t = 1,
        value_parser = clap::value_parser!(i32).range(1..)
    )]
    pub(crate) replication: i32,
}

impl TopicSettings {
    /// The partitions and their shards.
    pub(crate) fn shards(&self) -> Result<Shards, InvalidShards> {
        Shards::new(self.partitions, self.shards)
    }
}

/// Which databases exist, where they are, and where the migrations are.
#[derive(Args)]
pub(crate) struct DatabaseSettings {
    /// The Postgres server, without a database, with the user who owns the databases.
    #[arg(
        long = "database-server-url",
        env = "FOLDLINE_DATABASE_SERVER_URL",
        help_heading = CONNECTION,
        hide_env_values = true,
        value_name = "URL",
        default_value = "postgres://migrator:migrator@127.0.0.1:15432"
    )]
    pub(crate) server_url: String,
    /// A prefix of every database's name.
    #[arg(
        long,
        env = "FOLDLINE_DATABASE_PREFIX",
        help_heading = CONNECTION,
        value_name = "PREFIX",
        default_value = ""
    )]
    pub(crate) database_prefix: String,
    /// The list of services, which names their databases.
    #[arg(
        long = "services-list",
        env = "FOLDLINE_SERVICES_LIST",
        help_heading = CONNECTION,
        value_name = "FILE",
        default_value = "deploy/services.list"
    )]
    pub(crate) services: PathBuf,
    /// The folder of the contexts' migrations: `<database>/<n>_<what>.sql`.
    #[arg(
        long = "migrations-dir",
        env = "FOLDLINE_MIGRATIONS_DIR",
        help_heading = CONNECTION,
        value_name = "FOLDER",
        default_value = "migrations"
    )]
    pub(crate) migrations: PathBuf,
}

impl KafkaSettings {
    pub(crate) fn client(&self) -> ClientSettings {
        ClientSettings { brokers: self.brokers.clone() }
    }

    pub(crate) fn topics(&self, context: &str) -> Topics {
        self.prefix.topics(context)
    }

    /// Adds the context and a hint to an error of reading a context's topics.
    pub(crate) fn unreadable(&self, context: &str, error: LogError) -> anyhow::Error {
        let error = anyhow::Error::from(error)
            .context(format!("cannot read the topics of context {context} from {}", self.brokers));
        hinted(error, "`foldline topics list` shows the topics; `foldline topics apply` creates missing ones")
    }
}

impl TopicPrefix {
    pub(crate) fn topics(&self, context: &str) -> Topics {
        Topics::new(&self.topic_prefix, context)
    }
}
