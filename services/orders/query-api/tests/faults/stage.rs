//! The services of one run, and the servers that they live on.

use std::sync::Arc;

use test_kit::{OwnServers, Service, TestEnvironment};

/// What the projectors fill. The query APIs are asked for orders alone.
pub(crate) const PROJECTIONS: [&str; 3] = ["orders", "journal", "customer_totals"];

/// How many projectors and query APIs there are. More projectors come and go.
const INSTANCES: usize = 2;

pub(crate) struct Stage {
    pub(crate) own: Arc<OwnServers>,
    pub(crate) environment: TestEnvironment,
    pub(crate) commands: Service,
    pub(crate) projectors: Vec<Service>,
    pub(crate) queries: Vec<Service>,
}

impl Stage {
    /// Everything is there and ready.
    pub(crate) async fn set(own: Arc<OwnServers>, environment: TestEnvironment) -> Self {
        let projectors: Vec<_> = (0..INSTANCES).map(|_| Service::projector(&environment, "orders")).collect();
        let queries: Vec<_> = (0..INSTANCES).map(|_| Service::query_api(&environment, "orders")).collect();
        let commands = Service::command_api(&environment, "orders");
        let stage = Self { own, environment, commands, projectors, queries };
        for service in stage.services() {
            service.until_ready().await;
        }
        stage
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = &Service> {
        [&self.commands].into_iter().chain(&self.projectors).chain(&self.queries)
    }
}
