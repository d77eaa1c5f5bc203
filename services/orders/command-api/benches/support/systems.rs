//! The systems that are compared, and the processes of the one that runs.

use std::{
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use sqlx::{Connection, PgConnection};
use test_kit::{Processes, Service, TestEnvironment, eventually, free_port, program, setting, until_applied};

/// The projections of the example, which all follow the log while it is measured.
const PROJECTIONS: [&str; 3] = ["orders", "journal", "customer_totals"];

/// A system that accepts orders over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    /// The command API and the projector of this repository.
    Foldline,
    /// `services/orders/bench-peer`. It writes a snapshot after this many events of an order; 0: never.
    CqrsEs { snapshot_every: u32 },
}

/// The processes of a system. Dropping this ends them.
pub(crate) enum Running {
    Foldline { commands: Box<Service>, projector: Box<Service> },
    CqrsEs { process: Child, address: String },
}

impl System {
    pub(crate) const ALL: [Self; 3] =
        [Self::Foldline, Self::CqrsEs { snapshot_every: 0 }, Self::CqrsEs { snapshot_every: 100 }];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Foldline => "Foldline",
            Self::CqrsEs { snapshot_every: 0 } => "cqrs-es",
            Self::CqrsEs { .. } => "cqrs-es, snapshots",
        }
    }

    /// The name of its own database.
    fn database(self) -> String {
        match self {
            Self::Foldline => "orders_read".to_owned(),
            Self::CqrsEs { snapshot_every } => format!("peer_{snapshot_every}"),
        }
    }

    /// Creates what it needs beside the topics and tables of the environment.
    pub(crate) async fn prepare(self, environment: &TestEnvironment) {
        if let Self::CqrsEs { .. } = self {
            let create = format!(r#"CREATE DATABASE "{}{}""#, environment.database_prefix, self.database());
            let mut postgres = connect(&environment.servers.database_server_url, "/postgres").await;
            sqlx::query(&create).execute(&mut postgres).await.expect("the database can be created");
        }
    }

    /// Starts it, and waits until it accepts commands.
    pub(crate) async fn start(self, environment: &TestEnvironment) -> Running {
        match self {
            Self::Foldline => Running::Foldline {
                commands: Box::new(Service::command_api(environment, "orders").ready().await),
                projector: Box::new(Service::projector(environment, "orders").ready().await),
            },
            Self::CqrsEs { snapshot_every } => {
                let address = format!("127.0.0.1:{}", free_port());
                let process = Command::new(program("orders-bench-peer"))
                    .env("PEER_ADDRESS", &address)
                    .env("PEER_DATABASE_URL", environment.database_url(&self.database()))
                    .env("PEER_CONNECTIONS", pool_size().to_string())
                    .env("PEER_SNAPSHOT_EVERY", snapshot_every.to_string())
                    .stdin(Stdio::null())
                    .spawn()
                    .expect("the service can be run");
                let running = Running::CqrsEs { process, address: address.clone() };
                eventually("the peer listens", || async { TcpStream::connect(&address).is_ok() }).await;
                running
            }
        }
    }

    /// Waits until the read models of Foldline have applied every accepted command. Panics if the event store of
    /// `cqrs-es` lacks one, and returns how many orders of its read model lack an event: updates that its query has lost.
    pub(crate) async fn lost_updates(self, environment: &TestEnvironment, accepted: u64) -> i64 {
        if self == Self::Foldline {
            until_applied(environment, "orders_read", &PROJECTIONS, accepted).await;
            return 0;
        }
        let mut database = connect(&environment.database_url(&self.database()), "").await;
        let (events, lost): (i64, i64) = sqlx::query_as(
            "SELECT coalesce(sum(events), 0)::bigint, count(*) FILTER (WHERE version IS DISTINCT FROM events)
               FROM (SELECT aggregate_id, count(*) AS events FROM events GROUP BY aggregate_id) AS stored
               LEFT JOIN order_view ON view_id = aggregate_id",
        )
        .fetch_one(&mut database)
        .await
        .expect("Postgres responds");
        assert_eq!(events.cast_unsigned(), accepted, "each accepted command is one event");
        lost
    }
}

impl Running {
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Foldline { commands, .. } => commands.url.trim_start_matches("http://").to_owned(),
            Self::CqrsEs { address, .. } => address.clone(),
        }
    }

    /// The processes whose processor time is reported. Kafka is idle while the peer runs.
    pub(crate) fn parts(&self) -> Vec<(&'static str, Processes)> {
        let shared = [
            ("client", Processes::Process(std::process::id())),
            ("Kafka", Processes::Server("kafka")),
            ("Postgres", Processes::Server("postgres")),
        ];
        let own = match self {
            Self::Foldline { commands, projector } => vec![
                ("command API", Processes::Process(commands.pid())),
                ("projector", Processes::Process(projector.pid())),
            ],
            Self::CqrsEs { process, .. } => vec![("service", Processes::Process(process.id()))],
        };
        shared.into_iter().chain(own).collect()
    }

    /// Stops it. Foldline hands its shards over and leaves its groups, so that the next start need not wait for them.
    pub(crate) async fn stop(mut self) {
        if let Self::Foldline { commands, projector } = &mut self {
            for service in [commands, projector] {
                service.signal("TERM");
                service.ended().await;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Self::CqrsEs { process, .. } = self {
            drop(process.kill());
            drop(process.wait());
        }
    }
}

/// The number of connections in the peer's pool.
pub(crate) fn pool_size() -> u64 {
    setting("FOLDLINE_BENCH_PEER_POOL", 16)
}

async fn connect(server: &str, database: &str) -> PgConnection {
    PgConnection::connect(&format!("{server}{database}")).await.expect("Postgres accepts connections")
}
