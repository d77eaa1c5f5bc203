use event_log::{ClientSettings, Topics};
use projection::{ProjectorSettings, Settings, kit::Running};
use test_kit::TestEnvironment;

use crate::orders::Orders;

/// Starts a projector of orders in the process of the test.
pub(super) fn start(environment: &TestEnvironment, service: &str, projector: ProjectorSettings) -> Running {
    let settings = Settings {
        client: ClientSettings { brokers: environment.servers.brokers.clone() },
        topics: Topics::new(&environment.topic_prefix, "orders"),
        registry_url: environment.servers.registry_url.clone(),
        database: environment.database_url("orders_read").parse().unwrap(),
        projector,
    };
    Running::start(Orders, service, settings)
}
