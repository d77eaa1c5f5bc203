use std::path::PathBuf;

use clap::Args;
use event_log::ClientSettings;

/// Where the log is, and its schemas.
#[derive(Args)]
#[command(next_help_heading = "Installation")]
pub(crate) struct LogSettings {
    /// The bootstrap brokers.
    #[arg(long, env = "FOLDLINE_KAFKA_BROKERS", default_value = "127.0.0.1:19092")]
    brokers: String,
    /// The schema registry.
    #[arg(long, env = "FOLDLINE_REGISTRY_URL", default_value = "http://127.0.0.1:18081/apis/ccompat/v7")]
    pub(crate) registry_url: String,
    /// What stands before every topic's name.
    #[arg(long, env = "FOLDLINE_TOPIC_PREFIX", default_value = "")]
    pub(crate) topic_prefix: String,
    /// Where the schemas are: <context>/<events or commands>/<message>/v<n>.avsc.
    #[arg(long, env = "FOLDLINE_SCHEMAS_DIR", default_value = "schemas")]
    pub(crate) schemas: PathBuf,
}

/// How the topics are laid out.
#[derive(Args)]
#[command(next_help_heading = "Installation")]
pub(crate) struct TopicSettings {
    /// How many partitions a new topic gets; it never changes afterwards.
    #[arg(long, env = "FOLDLINE_TOPIC_PARTITIONS", default_value_t = 8, value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) partitions: i32,
    /// How many brokers hold a copy of each partition.
    #[arg(long, env = "FOLDLINE_TOPIC_REPLICATION", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) replication: i32,
}

/// Which databases there are, where, and their migrations.
#[derive(Args)]
#[command(next_help_heading = "Installation")]
pub(crate) struct DatabaseSettings {
    /// The server, without a database, and who owns the databases there.
    #[arg(
        long,
        env = "FOLDLINE_DATABASE_SERVER_URL",
        hide_env_values = true,
        default_value = "postgres://migrator:migrator@127.0.0.1:15432"
    )]
    pub(crate) server_url: String,
    /// What stands before every database's name.
    #[arg(long, env = "FOLDLINE_DATABASE_PREFIX", default_value = "")]
    pub(crate) database_prefix: String,
    /// The list of services, which names their databases.
    #[arg(long, env = "FOLDLINE_SERVICES_LIST", default_value = "deploy/services.list")]
    pub(crate) services: PathBuf,
    /// Where the contexts' migrations are: <database>/<n>_<what>.sql.
    #[arg(long, env = "FOLDLINE_MIGRATIONS_DIR", default_value = "migrations")]
    pub(crate) migrations: PathBuf,
}

impl LogSettings {
    pub(crate) fn client(&self) -> ClientSettings {
        ClientSettings { brokers: self.brokers.clone() }
    }
}
