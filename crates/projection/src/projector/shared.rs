use event_log::{ClientSettings, Registry, Topics};
use service_kit::health::Health;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;

use crate::ProjectorSettings;

/// The settings and clients that the projections of one process share.
#[derive(Clone)]
pub(crate) struct Shared {
    /// The name of the service, from which the names of its consumer groups are derived.
    pub(crate) service: String,
    pub(crate) topics: Topics,
    pub(crate) client: ClientSettings,
    pub(crate) registry: Registry,
    pub(crate) database: PgConnectOptions,
    pub(crate) settings: ProjectorSettings,
    pub(crate) health: Health,
    pub(crate) shutdown: CancellationToken,
}

impl Shared {
    /// The consumer group of a generation, whose partitions are divided among all instances. The first generation of a
    /// context's main projection uses just the name of the service.
    pub(crate) fn group(&self, projection: &str, generation: i32) -> String {
        if projection == self.topics.context() && generation == 1 {
            self.topics.group(&self.service)
        } else {
            self.topics.group(&format!("{}-{projection}-g{generation}", self.service))
        }
    }
}
