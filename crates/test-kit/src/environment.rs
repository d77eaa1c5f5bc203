use std::{process::Command, thread};

use tokio::runtime::Builder;
use uuid::Uuid;

use crate::{
    databases::copy_templates,
    program::{program, repository},
};

/// So that two instances share the writing.
const SHARDS: i32 = 2;

/// The addresses of the servers that a test uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Servers {
    /// Kafka's brokers: `host:port`, separated by commas.
    pub brokers: String,
    /// The schema registry.
    pub registry_url: String,
    /// Postgres: a URL without a database.
    pub database_server_url: String,
}

/// The part of the stack that belongs to one test: a prefix for its topics and one for its databases.
#[derive(Debug, Clone)]
pub struct TestEnvironment {
    /// The servers.
    pub servers: Servers,
    /// The prefix of every topic.
    pub topic_prefix: String,
    /// The prefix of every database.
    pub database_prefix: String,
    /// The number of shards of every context.
    pub shards: i32,
}

impl Servers {
    /// The servers that `make test` has started.
    pub fn shared() -> Self {
        Self {
            brokers: variable("FOLDLINE_TEST_KAFKA_BROKERS"),
            registry_url: variable("FOLDLINE_TEST_REGISTRY_URL"),
            database_server_url: variable("FOLDLINE_TEST_DATABASE_SERVER_URL"),
        }
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: `make test` starts the servers that this test needs and sets it")
    })
}

impl TestEnvironment {
    /// An empty environment on the servers of the test run.
    pub fn empty() -> Self {
        Self::on(Servers::shared())
    }

    /// An empty environment on these servers.
    pub fn on(servers: Servers) -> Self {
        let name = Uuid::now_v7().simple().to_string();
        Self {
            servers,
            topic_prefix: format!("t{name}."),
            database_prefix: format!("t{name}_"),
            shards: SHARDS,
        }
    }

    /// The same environment, with this number of shards in every context.
    #[must_use]
    pub fn with_shards(self, shards: i32) -> Self {
        Self { shards, ..self }
    }

    /// An environment with the topics, schemas and tables of every context.
    pub fn prepared() -> Self {
        Self::empty().prepare()
    }

    /// Creates the topics, schemas and tables of every context with `foldline`.
    #[must_use]
    pub fn prepare(self) -> Self {
        thread::scope(|scope| {
            scope.spawn(|| self.foldline("topics apply"));
            scope.spawn(|| self.foldline("schemas apply"));
            scope.spawn(|| self.migrate());
        });
        self
    }

    /// Creates the databases and tables of every context.
    pub fn migrate(&self) {
        self.create_databases("migrations apply");
    }

    /// Creates two databases that hold only the platform's own tables: `platform_read` and `platform_write`.
    pub fn platform_databases(&self) {
        let lists = "crates/test-kit/platform";
        self.create_databases(&format!(
            "migrations apply --services-list {lists}/services.list --migrations-dir {lists}"
        ));
    }

    /// Runs on its own thread and runtime, since the calling test may be on one that must not block.
    fn create_databases(&self, command: &str) {
        let create = || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
            runtime.block_on(copy_templates(self, command));
        };
        thread::scope(|scope| scope.spawn(create).join()).expect("the databases can be created");
    }

    /// Runs a `foldline` command in this environment, and panics if it fails.
    pub fn foldline(&self, arguments: &str) {
        self.try_foldline(arguments).unwrap_or_else(|error| panic!("foldline {arguments}: {error}"));
    }

    /// Runs a `foldline` command in this environment. Returns its standard output, or its standard error if it fails.
    pub fn try_foldline(&self, arguments: &str) -> Result<String, String> {
        // Every broker has a copy of every partition.
        let replication = self.servers.brokers.split(',').count().to_string();
        let output = Command::new(program("foldline"))
            .args(arguments.split(' '))
            .current_dir(repository())
            .env_clear()
            .env("FOLDLINE_KAFKA_BROKERS", &self.servers.brokers)
            .env("FOLDLINE_REGISTRY_URL", &self.servers.registry_url)
            .env("FOLDLINE_TOPIC_PREFIX", &self.topic_prefix)
            .env("FOLDLINE_TOPIC_REPLICATION", replication)
            .env("FOLDLINE_SHARDS", self.shards.to_string())
            .env("FOLDLINE_DATABASE_SERVER_URL", as_user("migrator", &self.servers.database_server_url))
            .env("FOLDLINE_DATABASE_PREFIX", &self.database_prefix)
            .output()
            .expect("foldline can be run");
        let output = if output.status.success() { Ok(output.stdout) } else { Err(output.stderr) };
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        output.map(text).map_err(text)
    }

    /// The name of a topic of this environment: `topic("orders.events")`.
    pub fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.topic_prefix)
    }

    /// The URL of a database of this environment for the superuser: `database_url("orders_read")`.
    pub fn database_url(&self, name: &str) -> String {
        format!("{}/{}{name}", self.servers.database_server_url, self.database_prefix)
    }

    /// The URL of a database of this environment for a user: `database_url_as("orders_query", "orders_read")`.
    pub fn database_url_as(&self, user: &str, name: &str) -> String {
        as_user(user, &self.database_url(name))
    }
}

/// The URL with another user. In a local stack, each user's password equals the user's name.
fn as_user(user: &str, url: &str) -> String {
    let (_, address) = url.split_once('@').expect("the URL of a database names a user");
    format!("postgres://{user}:{user}@{address}")
}
