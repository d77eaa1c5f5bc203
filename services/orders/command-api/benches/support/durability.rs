//! The durability classes in which systems are compared: what an acknowledged command survives.

use std::process::Command;

use sqlx::{Connection, PgConnection};
use test_kit::{Servers, eventually, repository};

/// What an acknowledged command survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The death of the server process: Kafka's defaults; Postgres with `synchronous_commit=on` and `fsync=off`.
    Crash,
    /// A power cut: Kafka flushes each record batch before it acknowledges it; Postgres with `fsync=on`.
    PowerCut,
}

impl Durability {
    /// Both, in the order in which they can be applied: `Crash` expects the defaults of Kafka.
    pub(crate) const ALL: [Self; 2] = [Self::Crash, Self::PowerCut];

    /// The letter that the tables use.
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Crash => 'C',
            Self::PowerCut => 'P',
        }
    }

    /// Changes the settings of the running servers, which must belong to this run.
    pub(crate) async fn apply(self, servers: &Servers) {
        match self {
            Self::Crash => set_fsync(servers, "off").await,
            Self::PowerCut => {
                set_fsync(servers, "on").await;
                flush_each_message(servers);
            }
        }
    }
}

async fn set_fsync(servers: &Servers, value: &str) {
    let url = format!("{}/postgres", servers.database_server_url);
    let mut postgres = PgConnection::connect(&url).await.expect("Postgres accepts connections");
    for statement in [&*format!("ALTER SYSTEM SET fsync = {value}"), "SELECT pg_reload_conf()"] {
        sqlx::query(statement).execute(&mut postgres).await.expect("the superuser may change settings");
    }
    // Each new connection starts with the settings of that moment.
    eventually(format!("fsync is {value}"), || async {
        let mut postgres = PgConnection::connect(&url).await.expect("Postgres accepts connections");
        let current: String =
            sqlx::query_scalar("SHOW fsync").fetch_one(&mut postgres).await.expect("Postgres responds");
        current == value
    })
    .await;
}

/// Applies to every topic, present and future, also to Kafka's own.
fn flush_each_message(servers: &Servers) {
    let status = Command::new(repository().join("deploy/native/stack"))
        .args(["run-kafka-tool", "kafka.admin.ConfigCommand", "--bootstrap-server", &servers.brokers])
        .args(["--entity-type", "brokers", "--entity-default"])
        .args(["--alter", "--add-config", "log.flush.interval.messages=1"])
        .status();
    assert!(status.expect("the tool can be run").success(), "the broker accepts the setting");
}
