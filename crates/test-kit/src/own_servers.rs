use std::{
    net::TcpStream,
    path::PathBuf,
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tokio::task::spawn_blocking;

use crate::{Servers, free_port, program::repository};

/// How long a killed server may hold its port.
const DEADLINE: Duration = Duration::from_secs(10);
/// The time between two checks of the port.
const PAUSE: Duration = Duration::from_millis(10);

/// Servers for a single test that breaks them. Dropping this stops them and deletes their data.
pub struct OwnServers {
    /// Their addresses.
    pub servers: Servers,
    folder: PathBuf,
    ports: [(&'static str, u16); 4],
    /// Further settings of the stack.
    pub(crate) settings: Vec<(&'static str, String)>,
}

impl OwnServers {
    /// Runs a blocking change to the servers on a thread that may block.
    pub async fn change(self: &Arc<Self>, change: impl FnOnce(&Self) + Send + 'static) {
        let own = Arc::clone(self);
        spawn_blocking(move || change(&own)).await.expect("the servers can be changed");
    }

    /// Starts Kafka, the registry and Postgres on free ports. It takes about ten seconds.
    pub fn start() -> Self {
        let own = Self::not_started();
        own.stack(&["up"]);
        own
    }

    /// Starts only Postgres, on a free port. Kafka and the registry are those of `servers`.
    pub fn postgres_only(servers: Servers) -> Self {
        let mut own = Self::not_started();
        own.servers = Servers { database_server_url: own.servers.database_server_url.clone(), ..servers };
        own.stack(&["up", "postgres"]);
        own
    }

    /// Starts only the registry and Postgres, on free ports. Kafka is elsewhere.
    pub fn with_brokers(brokers: String) -> Self {
        let mut own = Self::not_started();
        own.servers.brokers = brokers;
        own.stack(&["up", "postgres", "registry"]);
        own
    }

    /// Picks free ports for Kafka, the registry and Postgres, without starting them.
    pub fn not_started() -> Self {
        let ports = [
            "FOLDLINE_STACK_KAFKA_PORT",
            "FOLDLINE_STACK_KAFKA_CONTROLLER_PORT",
            "FOLDLINE_STACK_REGISTRY_PORT",
            "FOLDLINE_STACK_POSTGRES_PORT",
        ]
        .map(|name| (name, free_port()));
        let [(_, kafka), _, (_, registry), (_, postgres)] = ports;
        let servers = Servers {
            brokers: format!("127.0.0.1:{kafka}"),
            registry_url: format!("http://127.0.0.1:{registry}/apis/ccompat/v7"),
            database_server_url: format!("postgres://foldline:foldline@127.0.0.1:{postgres}"),
        };
        let folder = repository().join(format!("target/own-servers-{kafka}"));
        Self { servers, folder, ports, settings: Vec::new() }
    }

    /// Kills a server (`kafka`, `registry` or `postgres`) with SIGKILL, and waits until its port is free.
    pub fn kill(&self, server: &str) {
        self.signal(server, "KILL");
        let port = self.port(&server.to_uppercase());
        let deadline = Instant::now() + DEADLINE;
        while TcpStream::connect(("127.0.0.1", port)).is_ok() {
            assert!(Instant::now() < deadline, "{server} is still running");
            thread::sleep(PAUSE);
        }
    }

    /// Sends a server (`kafka`, `registry` or `postgres`) a signal by name, such as `STOP` or `CONT`.
    pub fn signal(&self, server: &str, signal: &str) {
        let file = self.folder.join("run").join(format!("{server}.pid"));
        let pid = std::fs::read_to_string(&file).expect("a running server has a pid file");
        let status = Command::new("kill").arg(format!("-{signal}")).arg(pid.trim()).status();
        assert!(status.expect("kill can be run").success(), "{server} cannot be sent {signal}");
    }

    /// Starts a server. If it ran before, it keeps its data.
    pub fn start_server(&self, server: &str) {
        self.stack(&["up", server]);
    }

    /// The port in `FOLDLINE_STACK_<name>_PORT`.
    pub(crate) fn port(&self, name: &str) -> u16 {
        let variable = format!("FOLDLINE_STACK_{name}_PORT");
        let found = self.ports.iter().find(|(name, _)| *name == variable);
        found.expect("every server has a port").1
    }

    fn stack(&self, arguments: &[&str]) {
        let output = self.command(arguments).output().expect("the stack program can be run");
        assert!(output.status.success(), "stack {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(repository().join("deploy/native/stack"));
        command
            .args(arguments)
            .env("FOLDLINE_STACK_DIR", &self.folder)
            .env("FOLDLINE_STACK_CACHE", repository().join(".stack/cache"))
            .envs(self.ports.map(|(name, port)| (name, port.to_string())))
            .envs(self.settings.iter().cloned());
        command
    }
}

impl Drop for OwnServers {
    fn drop(&mut self) {
        drop(self.command(&["reset"]).output());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
