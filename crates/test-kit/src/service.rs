use std::{
    env,
    fmt::{self, Display, Formatter},
    fs::File,
    path::PathBuf,
    process::{Child, Command, ExitStatus},
    thread,
};

use crate::{TestEnvironment, eventually, eventually_some, free_port, program::program};

/// A service of the workspace as a separate process with its own ports. Dropping it kills the process.
pub struct Service {
    /// The URL of its API, if it has one: `http://127.0.0.1:port`.
    pub url: String,
    /// The URL of its health checks and metrics.
    pub admin_url: String,
    name: String,
    command: Command,
    child: Child,
    log: PathBuf,
}

/// What a service connects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Http,
    Kafka,
    /// The number of shards.
    Shards,
    Registry,
    /// The context's database (`read` or `write`), and the context's user for it (`command`, `projector` or `query`).
    Database(&'static str, &'static str),
}

/// What every command API connects to.
const COMMAND_API_NEEDS: [Need; 5] =
    [Need::Http, Need::Kafka, Need::Shards, Need::Registry, Need::Database("write", "command")];

/// What every projector connects to.
const PROJECTOR_NEEDS: [Need; 3] = [Need::Kafka, Need::Registry, Need::Database("read", "projector")];

/// What every query API connects to.
const QUERY_API_NEEDS: [Need; 2] = [Need::Http, Need::Database("read", "query")];

impl Service {
    /// The command API of a context.
    pub fn command_api(environment: &TestEnvironment, context: &str) -> Self {
        Self::start(environment, context, "command-api", &COMMAND_API_NEEDS, &[])
    }

    /// The command API of a context, with extra settings.
    pub fn command_api_with(environment: &TestEnvironment, context: &str, settings: &[(&str, &str)]) -> Self {
        Self::start(environment, context, "command-api", &COMMAND_API_NEEDS, settings)
    }

    /// The command API of a context, served by the current test program, which is started again to run only the test
    /// with this name. That test is ignored in normal runs.
    pub fn command_api_in_test(
        environment: &TestEnvironment,
        context: &str,
        test: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut program = Command::new(env::current_exe().expect("the program is known"));
        program.args(["--exact", test, "--ignored", "--nocapture"]);
        Self::start_program(program, environment, context, "command-api", &COMMAND_API_NEEDS, settings)
    }

    /// The projector of a context.
    pub fn projector(environment: &TestEnvironment, context: &str) -> Self {
        Self::projector_with(environment, context, &[])
    }

    /// The projector of a context, with extra settings.
    pub fn projector_with(environment: &TestEnvironment, context: &str, settings: &[(&str, &str)]) -> Self {
        Self::start(environment, context, "projector", &PROJECTOR_NEEDS, settings)
    }

    /// The query API of a context.
    pub fn query_api(environment: &TestEnvironment, context: &str) -> Self {
        Self::query_api_with(environment, context, &[])
    }

    /// The query API of a context, with extra settings.
    pub fn query_api_with(environment: &TestEnvironment, context: &str, settings: &[(&str, &str)]) -> Self {
        Self::start(environment, context, "query-api", &QUERY_API_NEEDS, settings)
    }

    fn start(
        environment: &TestEnvironment,
        context: &str,
        kind: &str,
        needs: &[Need],
        settings: &[(&str, &str)],
    ) -> Self {
        let program = Command::new(program(&format!("{context}-{kind}")));
        Self::start_program(program, environment, context, kind, needs, settings)
    }

    fn start_program(
        mut command: Command,
        environment: &TestEnvironment,
        context: &str,
        kind: &str,
        needs: &[Need],
        settings: &[(&str, &str)],
    ) -> Self {
        let name = format!("{context}-{kind}");
        let (http, admin) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
        command
            .env_clear()
            .env("FOLDLINE_LOG", "info,sqlx=warn")
            .env("FOLDLINE_ADMIN_ADDRESS", &admin)
            .env("FOLDLINE_TOPIC_PREFIX", &environment.topic_prefix);
        for need in needs {
            match need {
                Need::Http => command.env("FOLDLINE_HTTP_ADDRESS", &http),
                Need::Kafka => command.env("FOLDLINE_KAFKA_BROKERS", &environment.servers.brokers),
                Need::Shards => command.env("FOLDLINE_SHARDS", environment.shards.to_string()),
                Need::Registry => command.env("FOLDLINE_REGISTRY_URL", &environment.servers.registry_url),
                Need::Database(name, user) => command.env(
                    "FOLDLINE_DATABASE_URL",
                    environment.database_url_as(&format!("{context}_{user}"), &format!("{context}_{name}")),
                ),
            };
        }
        command.envs(settings.iter().copied());
        // Several instances of a service may run in one environment.
        let log = std::env::temp_dir().join(format!("{}{name}-{http}.log", environment.topic_prefix));
        let child = spawn(&mut command, &log);
        Self {
            url: format!("http://{http}"),
            admin_url: format!("http://{admin}"),
            name,
            command,
            child,
            log,
        }
    }

    /// Waits until it reports that it is ready.
    pub async fn ready(self) -> Self {
        self.until_ready().await;
        self
    }

    /// Waits until it reports that it is ready.
    pub async fn until_ready(&self) {
        eventually(self, || self.is_ready()).await;
    }

    /// Whether it reports that it is ready.
    pub async fn is_ready(&self) -> bool {
        reqwest::get(format!("{}/health/ready", self.admin_url))
            .await
            .is_ok_and(|answer| answer.status() == 200)
    }

    /// The health of its components as text, which is empty while it starts.
    pub async fn health(&self) -> String {
        match reqwest::get(format!("{}/health/ready", self.admin_url)).await {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Its metrics, as text.
    pub async fn metrics(&self) -> String {
        let answer = reqwest::get(format!("{}/metrics", self.admin_url)).await.expect("the service is up");
        answer.text().await.expect("metrics are text")
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by name, such as `TERM`, `KILL`, `STOP` or `CONT`.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").arg(format!("-{signal}")).arg(self.pid().to_string()).status();
        assert!(status.expect("kill can be run").success(), "{} cannot be sent {signal}", self.name);
    }

    /// Waits until its process has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        let name = self.name.clone();
        eventually_some(&format!("{name} ends"), || {
            let status = self.child.try_wait().expect("it is a child of this process");
            async move { status }
        })
        .await
    }

    /// Kills it without warning, and restarts it on the same ports.
    pub async fn kill_and_restart(&mut self) {
        self.signal("KILL");
        self.ended().await;
        self.restart();
    }

    /// Restarts it after it has ended.
    pub fn restart(&mut self) {
        self.child = spawn(&mut self.command, &self.log);
    }

    /// The end of its log.
    fn log_tail(&self) -> String {
        let log = self.log();
        let start = log.floor_char_boundary(log.len().saturating_sub(3_000));
        format!("its log ends with:\n{}", &log[start..])
    }
}

/// The message when it is not ready in time.
impl Display for Service {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} is ready; {}", self.name, self.log_tail())
    }
}

fn spawn(command: &mut Command, log: &PathBuf) -> Child {
    let log = File::options().create(true).append(true).open(log).expect("the log can be written");
    let errors = log.try_clone().expect("a file can be opened twice");
    command.stdout(log).stderr(errors).spawn().expect("the service can be run")
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if thread::panicking() {
            eprintln!("{}: {}", self.name, self.log_tail());
        }
        drop(std::fs::remove_file(&self.log));
    }
}
