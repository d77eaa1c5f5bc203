//! Topics, a database and settings for a context.

use command_service::{Context, Settings};
use event_log::{ClientSettings, Shards, Topics, apply_topics};
use service_kit::settings::Environment;
use test_kit::TestEnvironment;
use uuid::Uuid;

/// The number of partitions of each context.
pub(crate) const PARTITIONS: i32 = 4;
/// The number of shards they are divided into.
pub(crate) const SHARDS: i32 = 2;

/// The partitions of a context and their shards.
pub(crate) fn shards() -> Shards {
    Shards::new(PARTITIONS, SHARDS).unwrap()
}

/// An idempotency key that no other test uses.
pub(crate) fn new_key() -> String {
    Uuid::now_v7().to_string()
}

/// An environment with the topics and the database of a context.
pub(crate) async fn prepared(context: &Context) -> TestEnvironment {
    let environment = TestEnvironment::empty();
    prepare(&environment, context).await;
    environment
}

/// Creates the topics and the database of a context.
pub(crate) async fn prepare(environment: &TestEnvironment, context: &Context) {
    let client = ClientSettings { brokers: environment.servers.brokers.clone() };
    let topics = Topics::new(&environment.topic_prefix, context.name);
    apply_topics(&client, &topics, shards(), 1).await.unwrap();
    environment.platform_databases();
}

/// The database of a context.
pub(crate) fn database_url(environment: &TestEnvironment) -> String {
    environment.database_url("platform_write")
}

/// The settings of an instance with this address.
pub(crate) fn settings(environment: &TestEnvironment, context: &Context, address: &str) -> Settings {
    let mut variables = Environment::from([
        ("FOLDLINE_HTTP_ADDRESS", address),
        ("FOLDLINE_KAFKA_BROKERS", &environment.servers.brokers),
        ("FOLDLINE_REGISTRY_URL", &environment.servers.registry_url),
        ("FOLDLINE_DATABASE_URL", &database_url(environment)),
        ("FOLDLINE_TOPIC_PREFIX", &environment.topic_prefix),
        ("FOLDLINE_TOPIC_PARTITIONS", &PARTITIONS.to_string()),
        ("FOLDLINE_SHARDS", &SHARDS.to_string()),
        // On a busy machine a commit may time out, and the shard is then claimed again. Requests wait that long.
        ("FOLDLINE_FORWARD_WAIT", "6s"),
        ("FOLDLINE_MAX_QUEUE_WAIT", "6s"),
    ]);
    let settings = Settings::read(&mut variables, context);
    variables.finish().unwrap();
    settings
}
