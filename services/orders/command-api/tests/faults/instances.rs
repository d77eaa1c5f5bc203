//! The servers and instances of a run. Each instance has its own proxy to Kafka.

use std::sync::Arc;

use futures_util::future::join_all;
use test_kit::{KafkaProxy, OwnServers, Service, TestEnvironment};
use tokio::task::spawn_blocking;

/// A command API and its proxy to Kafka.
pub(crate) struct Instance {
    pub(crate) service: Service,
    pub(crate) proxy: KafkaProxy,
}

/// What is slow for one instance is unknown for another.
const COMMIT_TIMEOUTS: [&str; 2] = ["1s", "5s"];

/// Starts servers that faults may affect.
pub(crate) async fn own_servers() -> Arc<OwnServers> {
    Arc::new(spawn_blocking(OwnServers::start).await.unwrap())
}

/// Starts this many instances in an environment, and waits until they are ready.
pub(crate) async fn start(environment: &TestEnvironment, count: usize) -> Vec<Instance> {
    let instances = join_all((0..count).map(|number| async move {
        let proxy = KafkaProxy::in_front_of(&environment.servers.brokers).await;
        let mut proxied = environment.clone();
        proxied.servers.brokers = proxy.address();
        let settings = [("FOLDLINE_COMMIT_TIMEOUT", COMMIT_TIMEOUTS[number % COMMIT_TIMEOUTS.len()])];
        Instance { service: Service::command_api_with(&proxied, "orders", &settings), proxy }
    }))
    .await;
    for instance in &instances {
        instance.service.until_ready().await;
    }
    instances
}
