//! Topics, a database and settings for a context.

use command_service::{Context, Settings};
use event_log::{ClientSettings, SchemaFile, Topics, apply_topics};
use service_kit::settings::Environment;
use sqlx::{Connection, Executor, PgConnection};
use test_kit::TestEnvironment;
use uuid::Uuid;

/// How many partitions the contexts have here.
pub(crate) const PARTITIONS: i32 = 2;

/// The first version of a schema.
pub(crate) const fn schema(text: &'static str) -> SchemaFile {
    SchemaFile { version: 1, text }
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
    apply_topics(&client, &topics, PARTITIONS, 1).await.unwrap();
    let server = format!("{}/postgres", environment.servers.database_server_url);
    let mut connection = PgConnection::connect(&server).await.unwrap();
    let name = format!("{}{}_write", environment.database_prefix, context.name);
    connection.execute(format!("CREATE DATABASE {name}").as_str()).await.unwrap();
    let mut connection = PgConnection::connect(&database_url(environment, context)).await.unwrap();
    command_engine::MIGRATOR.run(&mut connection).await.unwrap();
}

/// The database of a context.
pub(crate) fn database_url(environment: &TestEnvironment, context: &Context) -> String {
    environment.database_url(&format!("{}_write", context.name))
}

/// The settings of an instance that serves at this address.
pub(crate) fn settings(environment: &TestEnvironment, context: &Context, address: &str) -> Settings {
    let mut variables = Environment::from([
        ("FOLDLINE_HTTP_ADDRESS", address),
        ("FOLDLINE_KAFKA_BROKERS", &environment.servers.brokers),
        ("FOLDLINE_REGISTRY_URL", &environment.servers.registry_url),
        ("FOLDLINE_DATABASE_URL", &database_url(environment, context)),
        ("FOLDLINE_TOPIC_PREFIX", &environment.topic_prefix),
        ("FOLDLINE_TOPIC_PARTITIONS", &PARTITIONS.to_string()),
        // On a busy machine a commit may be late, and the partition claimed again: callers wait for it.
        ("FOLDLINE_FORWARD_WAIT", "6s"),
        ("FOLDLINE_MAX_QUEUE_WAIT", "6s"),
    ]);
    let settings = Settings::read(&mut variables, context);
    variables.finish().unwrap();
    settings
}
