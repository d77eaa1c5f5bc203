//! A projector of the accounts in the test's process.

use event_log::{ClientSettings, Topics};
use projection::{Projection, ProjectorSettings, Settings, kit::Running};
use test_kit::TestEnvironment;

use crate::{accounts::Accounts, environment::database_url, events::CONTEXT};

/// Starts a projector of the accounts.
pub(crate) fn start(environment: &TestEnvironment, service: &str, settings: ProjectorSettings) -> Running {
    start_of(Accounts, environment, service, settings)
}

/// Starts a projector of another projection.
pub(crate) fn start_of(
    projection: impl Projection,
    environment: &TestEnvironment,
    service: &str,
    projector: ProjectorSettings,
) -> Running {
    Running::start(projection, service, settings(environment, projector))
}

/// The settings of a projector in this environment.
pub(crate) fn settings(environment: &TestEnvironment, projector: ProjectorSettings) -> Settings {
    Settings {
        client: ClientSettings { brokers: environment.servers.brokers.clone() },
        topics: Topics::new(&environment.topic_prefix, CONTEXT),
        registry_url: environment.servers.registry_url.clone(),
        database: database_url(environment).parse().unwrap(),
        projector,
    }
}
