//! The services of a run, and their servers.

use std::sync::Arc;

use test_kit::{OwnServers, Service, TestEnvironment};

/// The projections. The sessions query only the orders.
pub(crate) const PROJECTIONS: [&str; 3] = ["orders", "journal", "customer_totals"];

/// The number of projectors and of query APIs. Further projectors join and leave.
const INSTANCES: usize = 2;

pub(crate) struct Services {
    pub(crate) own: Arc<OwnServers>,
    pub(crate) environment: TestEnvironment,
    pub(crate) commands: Service,
    pub(crate) projectors: Vec<Service>,
    pub(crate) queries: Vec<Service>,
}

impl Services {
    /// Starts all services, and waits until they are ready.
    pub(crate) async fn start(own: Arc<OwnServers>, environment: TestEnvironment) -> Self {
        let projectors: Vec<_> = (0..INSTANCES).map(|_| Service::projector(&environment, "orders")).collect();
        let queries: Vec<_> = (0..INSTANCES).map(|_| Service::query_api(&environment, "orders")).collect();
        let commands = Service::command_api(&environment, "orders");
        let services = Self { own, environment, commands, projectors, queries };
        for service in services.all() {
            service.until_ready().await;
        }
        services
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Service> {
        [&self.commands].into_iter().chain(&self.projectors).chain(&self.queries)
    }
}
