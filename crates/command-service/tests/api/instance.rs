//! Instances of a command API in the process of the test.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use axum::{
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use command_service::{CommandAggregate, CommandState, Context, Settings, Startup, StartupError, router};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use service_kit::{
    health::{Health, State as Readiness},
    http,
};
use test_kit::{ConsumedRecord, LogView, TestEnvironment, eventually, eventually_some, free_port};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::{
    answer::{Answer, send},
    environment::{prepared, settings},
};

/// A running instance.
pub(crate) struct Instance {
    pub(crate) environment: TestEnvironment,
    context: &'static Context,
    /// Its address: `host:port`.
    pub(crate) address: String,
    http: Client,
    pub(crate) health: Health,
    hops: Arc<AtomicU64>,
    shutdown: CancellationToken,
    server: JoinHandle<Result<(), StartupError>>,
}

impl Instance {
    /// Starts the only instance of a context, and waits until it is ready.
    pub(crate) async fn ready<A: CommandAggregate>(
        context: &'static Context,
        routes: OpenApiRouter<CommandState<A>>,
    ) -> Self {
        let instance = Self::start(prepared(context).await, context, routes).await;
        instance.until_ready().await;
        instance
    }

    /// Starts an instance of a context in an environment that may have other instances.
    pub(crate) async fn start<A: CommandAggregate>(
        environment: TestEnvironment,
        context: &'static Context,
        routes: OpenApiRouter<CommandState<A>>,
    ) -> Self {
        Self::start_with(environment, context, routes, |_| {}).await
    }

    /// Starts an instance with changed settings.
    pub(crate) async fn start_with<A: CommandAggregate>(
        environment: TestEnvironment,
        context: &'static Context,
        routes: OpenApiRouter<CommandState<A>>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let mut settings = settings(&environment, context, &address);
        change(&mut settings);
        let (health, shutdown) = (Health::default(), CancellationToken::new());
        let hops = Arc::new(AtomicU64::new(0));
        let listener = settings.http.listen().await.unwrap();
        let startup = Startup::begin(context, &settings, &health, &shutdown);
        let app = router(routes, &startup).layer(from_fn_with_state(Arc::clone(&hops), count_hops));
        let server = tokio::spawn(async move {
            http::serve(app, listener, &settings.http.limits, startup.handed_over()).await;
            startup.finish().await
        });
        // A pooled connection would end with the test that opened it.
        let http = Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self { environment, context, address, http, health, hops, shutdown, server }
    }

    pub(crate) async fn until_ready(&self) {
        eventually("the instance is ready", || async { self.health.is_ready() }).await;
    }

    /// Tells the instance to shut down, as a signal would.
    pub(crate) fn begin_stop(&self) {
        self.shutdown.cancel();
    }

    /// Shuts the instance down, as a signal would, and waits until it has ended.
    pub(crate) async fn stop(self) {
        self.begin_stop();
        self.ended().await.unwrap();
    }

    /// Waits until the instance has ended.
    pub(crate) async fn ended(self) -> Result<(), StartupError> {
        self.server.await.unwrap()
    }

    /// Waits until a component is not ready for a reason that contains this text.
    pub(crate) async fn until_not_ready(&self, component: &str, text: &str) {
        eventually(format!("{component} is not ready: {text}"), || async {
            let reason = self.health.components().remove(component);
            matches!(reason, Some(Readiness::NotReady { reason }) if reason.contains(text))
        })
        .await;
    }

    /// A request with a command. The caller can add headers, and sends it.
    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http.post(format!("http://{}{path}", self.address)).json(body)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.http.get(format!("http://{}{path}", self.address))).await
    }

    /// Waits for the outcome of an asynchronous command.
    pub(crate) async fn outcome(&self, location: &str) -> Answer {
        eventually_some(format!("{location} has an outcome"), || async {
            let answer = self.get(location).await;
            (answer.status == 200 && answer.body["status"] != "pending").then_some(answer)
        })
        .await
    }

    /// Every committed record of a topic of the context, such as `events`.
    pub(crate) fn records(&self, topic: &str) -> Vec<ConsumedRecord> {
        LogView::of(&self.environment.servers.brokers, &self.topic(topic))
    }

    /// Every committed event of the context.
    pub(crate) fn events(&self) -> Vec<ConsumedRecord> {
        self.records("events")
    }

    /// The events of one aggregate.
    pub(crate) fn events_of(&self, id: Uuid) -> Vec<ConsumedRecord> {
        let id = id.to_string();
        self.events().into_iter().filter(|event| event.key == id).collect()
    }

    /// The name of a topic of the context.
    pub(crate) fn topic(&self, name: &str) -> String {
        self.environment.topic(&format!("{}.{name}", self.context.name))
    }

    /// The number of requests that were forwarded, or have the headers of a forwarded request.
    pub(crate) fn hops(&self) -> u64 {
        self.hops.load(Relaxed)
    }
}

/// Layer that counts the requests with an epoch header, which forwarded requests have.
async fn count_hops(State(hops): State<Arc<AtomicU64>>, request: Request, next: Next) -> Response {
    if request.headers().contains_key("foldline-owner-epoch") {
        hops.fetch_add(1, Relaxed);
    }
    next.run(request).await
}
