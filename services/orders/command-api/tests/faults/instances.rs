//! The servers and the instances of one run, each instance behind a network of its own.

use std::sync::Arc;

use futures_util::future::join_all;
use test_kit::{KafkaProxy, OwnServers, Service, TestEnvironment};
use tokio::task::spawn_blocking;

/// A command API and its way to Kafka.
pub(crate) struct Instance {
    pub(crate) service: Service,
    pub(crate) proxy: KafkaProxy,
}

/// Servers that may be broken.
pub(crate) async fn own_servers() -> Arc<OwnServers> {
    Arc::new(spawn_blocking(OwnServers::start).await.unwrap())
}

/// So many instances in an environment, all ready.
pub(crate) async fn start(environment: &TestEnvironment, count: usize) -> Vec<Instance> {
    let instances = join_all((0..count).map(|_| async {
        let proxy = KafkaProxy::in_front_of(&environment.servers.brokers).await;
        let mut behind = environment.clone();
        behind.servers.brokers = proxy.address();
        Instance { service: Service::command_api(&behind, "orders"), proxy }
    }))
    .await;
    for instance in &instances {
        instance.service.until_ready().await;
    }
    instances
}
