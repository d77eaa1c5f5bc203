//! The instances of a run.

use futures_util::future::join_all;
use test_kit::{KafkaProxy, Service, TestEnvironment};

/// A command API, and its proxy to Kafka if there is only one broker.
pub(crate) struct Instance {
    pub(crate) service: Service,
    pub(crate) proxy: Option<KafkaProxy>,
}

/// What is slow for one instance is unknown for another.
const COMMIT_TIMEOUTS: [&str; 2] = ["1s", "5s"];

/// Starts this many instances in an environment, and waits until they are ready.
pub(crate) async fn start(environment: &TestEnvironment, count: usize) -> Vec<Instance> {
    let instances = join_all((0..count).map(|number| async move {
        let mut proxied = environment.clone();
        let proxy = proxy(&environment.servers.brokers).await;
        if let Some(proxy) = &proxy {
            proxied.servers.brokers = proxy.address();
        }
        let settings = [("FOLDLINE_COMMIT_TIMEOUT", COMMIT_TIMEOUTS[number % COMMIT_TIMEOUTS.len()])];
        Instance { service: Service::command_api_with(&proxied, "orders", &settings), proxy }
    }))
    .await;
    for instance in &instances {
        instance.service.until_ready().await;
    }
    instances
}

async fn proxy(brokers: &str) -> Option<KafkaProxy> {
    if brokers.contains(',') { None } else { Some(KafkaProxy::in_front_of(brokers).await) }
}
