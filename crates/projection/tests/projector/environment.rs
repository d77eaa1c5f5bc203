//! Topics and a database for the tests.

use event_log::{ClientSettings, Shards, Topics, apply_topics};
use sqlx::{Connection, Executor, PgConnection};
use test_kit::TestEnvironment;

use crate::{accounts::TABLES, events::CONTEXT};

/// The number of partitions.
pub(crate) const PARTITIONS: i32 = 2;

const DATABASE: &str = "platform_read";

/// An environment with the topics and the tables of the accounts.
pub(crate) async fn prepared() -> TestEnvironment {
    let environment = TestEnvironment::empty();
    let client = ClientSettings { brokers: environment.servers.brokers.clone() };
    let topics = Topics::new(&environment.topic_prefix, CONTEXT);
    apply_topics(&client, &topics, Shards::new(PARTITIONS, 1).unwrap(), 1).await.unwrap();
    create_database(&environment).await;
    environment
}

/// The same topics with a new database.
pub(crate) async fn with_new_database(environment: &TestEnvironment) -> TestEnvironment {
    let database_prefix = TestEnvironment::empty().database_prefix;
    let environment = TestEnvironment { database_prefix, ..environment.clone() };
    create_database(&environment).await;
    environment
}

async fn create_database(environment: &TestEnvironment) {
    environment.platform_databases();
    connect(environment).await.execute(TABLES).await.unwrap();
}

pub(crate) fn database_url(environment: &TestEnvironment) -> String {
    environment.database_url(DATABASE)
}

pub(crate) async fn connect(environment: &TestEnvironment) -> PgConnection {
    PgConnection::connect(&database_url(environment)).await.unwrap()
}
