use std::{io, sync::Arc, time::Duration};

use event_log::{Registry, RegistryError};
use service_kit::{health::Health, shutdown::within};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    shared::Shared,
    shared_reader::SharedReaders,
    shared_transactions::{GATHERING, SharedTransactions},
    supervisor::Supervisor,
};
use crate::{Projection, Settings};

/// How long to wait for the batches in flight at shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The projections of one process.
///
/// ```no_run
/// # use projection::{Journal, Projectors, Settings};
/// # use service_kit::{Start, start};
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let Start { settings, health, shutdown } =
///     start("127.0.0.1:9113", |environment| Settings::read(environment, "bookings")).await?;
///
/// let mut projectors = Projectors::new("bookings-projector", settings, health, shutdown)?;
/// projectors.run(Journal);
/// projectors.until_shutdown().await?;
/// # Ok(())
/// # }
/// ```
pub struct Projectors {
    shared: Shared,
    projections: JoinSet<io::Result<()>>,
}

impl Projectors {
    /// Creates an instance without projections. The names of the consumer groups are derived from the name of the
    /// service. It has to be called on a Tokio runtime.
    pub fn new(
        service: &str,
        settings: Settings,
        health: Health,
        shutdown: CancellationToken,
    ) -> Result<Self, RegistryError> {
        let limit = settings.projector.transaction_timeout;
        let shared = Shared {
            transactions: SharedTransactions::new(&settings.database, limit, GATHERING),
            service: service.to_owned(),
            topics: settings.topics,
            client: settings.client,
            registry: Registry::new(&settings.registry_url)?,
            database: settings.database,
            settings: settings.projector,
            health,
            shutdown,
            readers: SharedReaders::default(),
        };
        Ok(Self { shared, projections: JoinSet::new() })
    }

    /// Starts filling every generation of this version of a projection, each on its own thread.
    pub fn run<P: Projection>(&mut self, projection: P) {
        self.projections.spawn(Supervisor::new(self.shared.clone(), Arc::new(projection)).run());
    }

    /// Returns after the shutdown, once the batches in flight are written. Fails if a thread panics before that.
    pub async fn until_shutdown(mut self) -> io::Result<()> {
        tokio::select! {
            biased;
            () = self.shared.shutdown.cancelled() => {}
            Some(ended) = self.projections.join_next() => return ended?,
        }
        within(DRAIN_TIMEOUT, "the projections", self.projections.join_all()).await;
        Ok(())
    }
}
