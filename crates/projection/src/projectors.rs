use std::{io, sync::Arc};

use event_log::{ClientSettings, Registry, Topics};
use service_kit::health::Health;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;

use crate::{Projection, ProjectorSettings, supervisor::Supervisor};

/// What the projections of one process share: where they read and where they write.
#[derive(Clone)]
pub struct Projectors {
    /// The process's name, from which the names of its consumer groups are made.
    pub service: String,
    /// The topics of the context whose events are read.
    pub topics: Topics,
    /// How to reach Kafka.
    pub client: ClientSettings,
    /// Where the schemas are.
    pub registry: Registry,
    /// Where the rows are.
    pub database: PgConnectOptions,
    /// How they work.
    pub settings: ProjectorSettings,
    /// Says whether they work.
    pub health: Health,
    /// Ends them.
    pub shutdown: CancellationToken,
}

impl Projectors {
    /// Keeps every generation of this version of a projection up with the log, each on a thread of its own, until the
    /// end. It is an error if a thread panics.
    pub fn run<P: Projection>(&self, projection: P) -> impl Future<Output = io::Result<()>> + Send + use<P> {
        Supervisor::new(self.clone(), Arc::new(projection)).run()
    }

    /// The consumer group that follows a generation: each has one of its own, so that all instances divide its
    /// partitions. The first generation of a context's main projection has the name of the process itself, which
    /// projectors had before there were generations.
    pub(crate) fn group(&self, projection: &str, generation: i32) -> String {
        if projection == self.topics.context() && generation == 1 {
            self.topics.group(&self.service)
        } else {
            self.topics.group(&format!("{}-{projection}-g{generation}", self.service))
        }
    }
}
