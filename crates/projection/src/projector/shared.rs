use event_log::{ClientSettings, EventReader, LogError, Registry, Topics};
use service_kit::health::Health;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;

use super::{log_reader::LogReader, shared_reader::SharedReaders, shared_transactions::SharedTransactions};
use crate::{Generation, GenerationState, ProjectorSettings};

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
    /// The reader of the live generations.
    pub(crate) readers: SharedReaders,
    /// The transactions of the live generations.
    pub(crate) transactions: SharedTransactions,
}

impl Shared {
    /// A reader for a generation. Its consumer group, which divides the partitions among all instances, is that of the
    /// live generations, or its own while it is not live.
    pub(crate) fn reader(
        &self,
        projection: &'static str,
        generation: &Generation,
    ) -> Result<LogReader, LogError> {
        let topic = self.topics.events();
        if generation.state == GenerationState::Live {
            let group = self.topics.group(&format!("{}-live", self.service));
            let max_bytes = self.settings.shared_bytes.get();
            let subscription = self.readers.subscribe(projection, &self.client, &group, &topic, max_bytes)?;
            return Ok(LogReader::Shared(subscription));
        }
        let group = self.topics.group(&format!("{}-{projection}-g{}", self.service, generation.number));
        Ok(LogReader::Own(EventReader::join(&self.client, &group, &[&topic])?))
    }
}
