//! Instances of a command API in this process, and the requests that they get.

use command_service::{CommandAggregate, CommandState, Context, Settings, Startup, router};
use event_log::{ClientSettings, SchemaFile, Topics, apply_topics};
use reqwest::{Client, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::Value;
use service_kit::{health::Health, http, settings::Environment};
use sqlx::{Connection, Executor, PgConnection};
use test_kit::{LogView, SeenEvent, TestEnvironment, eventually, eventually_some, free_port};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

/// How many partitions the contexts have here.
pub(crate) const PARTITIONS: i32 = 2;

/// The first version of a schema.
pub(crate) const fn schema(text: &'static str) -> SchemaFile {
    SchemaFile { version: 1, text }
}

/// A running instance.
pub(crate) struct Instance {
    pub(crate) environment: TestEnvironment,
    context: &'static Context,
    url: String,
    http: Client,
    pub(crate) health: Health,
    shutdown: CancellationToken,
    server: JoinHandle<()>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// Topics and a database for a context.
pub(crate) async fn prepared(context: &Context) -> TestEnvironment {
    let environment = TestEnvironment::empty();
    let client = ClientSettings { brokers: environment.servers.brokers.clone() };
    let topics = Topics::new(&environment.topic_prefix, context.name);
    apply_topics(&client, &topics, PARTITIONS, 1).await.unwrap();
    let database = format!("{}_write", context.name);
    let server = format!("{}/postgres", environment.servers.database_server_url);
    let mut connection = PgConnection::connect(&server).await.unwrap();
    let name = format!("{}{database}", environment.database_prefix);
    connection.execute(format!("CREATE DATABASE {name}").as_str()).await.unwrap();
    let mut connection = PgConnection::connect(&environment.database_url(&database)).await.unwrap();
    command_engine::MIGRATOR.run(&mut connection).await.unwrap();
    environment
}

impl Instance {
    /// The only instance of a context, ready.
    pub(crate) async fn ready<A: CommandAggregate>(
        context: &'static Context,
        routes: OpenApiRouter<CommandState<A>>,
    ) -> Self {
        let instance = Self::start(prepared(context).await, context, routes).await;
        instance.until_ready().await;
        instance
    }

    /// An instance of a context in an environment that may have others.
    pub(crate) async fn start<A: CommandAggregate>(
        environment: TestEnvironment,
        context: &'static Context,
        routes: OpenApiRouter<CommandState<A>>,
    ) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let settings = settings(&environment, context, &address);
        let (health, shutdown) = (Health::default(), CancellationToken::new());
        let listener = settings.http.listen().await.unwrap();
        let startup = Startup::begin(context, &settings, &health, &shutdown);
        let app = router(routes, &startup);
        let server = tokio::spawn(async move {
            http::serve(app, listener, &settings.http.limits, startup.handed_over()).await;
            startup.finish().await.unwrap();
        });
        let url = format!("http://{address}");
        Self { environment, context, url, http: Client::new(), health, shutdown, server }
    }

    pub(crate) async fn until_ready(&self) {
        eventually("the instance is ready", || async { self.health.is_ready() }).await;
    }

    /// Ends the instance as a signal would.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.server.await.unwrap();
    }

    /// A command, to be given headers and sent.
    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.url)).json(body)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.http.get(format!("{}{path}", self.url))).await
    }

    /// The outcome of a command that is decided later, once it is known.
    pub(crate) async fn outcome(&self, location: &str) -> Answer {
        eventually_some("the command has an outcome", || async {
            let answer = self.get(location).await;
            (answer.status == 200 && answer.body["status"] != "pending").then_some(answer)
        })
        .await
    }

    /// Every committed event of the context.
    pub(crate) fn events(&self) -> Vec<SeenEvent> {
        let topic = self.environment.topic(&format!("{}.events", self.context.name));
        LogView::of(&self.environment.servers.brokers, &topic)
    }
}

fn settings(environment: &TestEnvironment, context: &Context, address: &str) -> Settings {
    let database = environment.database_url(&format!("{}_write", context.name));
    let mut variables = Environment::from([
        ("FOLDLINE_HTTP_ADDRESS", address),
        ("FOLDLINE_KAFKA_BROKERS", &environment.servers.brokers),
        ("FOLDLINE_REGISTRY_URL", &environment.servers.registry_url),
        ("FOLDLINE_DATABASE_URL", &database),
        ("FOLDLINE_TOPIC_PREFIX", &environment.topic_prefix),
        ("FOLDLINE_TOPIC_PARTITIONS", &PARTITIONS.to_string()),
        // On a busy machine a commit may be late, and the partition claimed again: callers wait for it.
        ("FOLDLINE_FORWARD_WAIT", "6s"),
    ]);
    let settings = Settings::read(&mut variables, context);
    variables.finish().unwrap();
    settings
}

/// Sends a request that must be answered.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, body: response.json().await.unwrap_or_default() }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A field of the body, as text.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_else(|| panic!("{field} is not a text: {}", self.body))
    }

    /// The answer, after a look at its status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// The answer, after a look at the problem that it is.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Self {
        assert_eq!(self.body["type"], format!("/problems/{code}"), "{}", self.body);
        self.expect(status)
    }
}
