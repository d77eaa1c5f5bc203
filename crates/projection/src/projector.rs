#![expect(clippy::disallowed_methods, reason = "it has a thread of its own")]

use std::{io, thread};

use event_log::{ClientSettings, Codec, Registry};
use metrics::counter;
use service_kit::health::Part;
use sqlx::{PgConnection, postgres::PgConnectOptions};
use tokio::{runtime::Handle, sync::oneshot, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    History, ProjectionError, ProjectorSettings, lag::Lag, membership::Membership, retry::Retry,
    source::Source,
};

/// What the events of one topic mean as rows.
pub trait Projection: Send + 'static {
    /// What is read from the log.
    type Event: aggregate::Message;

    /// Writes what happened into the rows, inside of the transaction that also moves the checkpoint.
    ///
    /// It must find the version [`History::before`] in the rows of each aggregate, and fail with
    /// [`History::does_not_follow`] where it does not. It is called once for each event that stays: a failure, or
    /// somebody newer, undoes it. So it has no effect but in this transaction.
    fn apply(
        &mut self,
        transaction: &mut PgConnection,
        batch: &[&History<Self::Event>],
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send;
}

/// Keeps a read model up with its topic, on a thread of its own, until it is told to end.
pub struct Projector<P> {
    /// What the events mean.
    pub projection: P,
    /// Names the checkpoints: projection and topic.
    pub source: Source,
    /// The consumer group that divides the partitions among all instances.
    pub group: String,
    /// How to reach Kafka.
    pub client: ClientSettings,
    /// Where the schemas are.
    pub registry: Registry,
    /// Where the rows are.
    pub database: PgConnectOptions,
    /// How it works.
    pub settings: ProjectorSettings,
    /// Says whether it works.
    pub health: Part,
    /// Ends it.
    pub shutdown: CancellationToken,
}

/// What stays from one membership to the next.
pub(crate) struct Run<P> {
    pub(crate) projector: Projector<P>,
    pub(crate) runtime: Handle,
    pub(crate) codec: Codec,
    pub(crate) lag: Lag,
    pub(crate) retry: Retry,
    registry_answered: bool,
}

impl<P: Projection> Projector<P> {
    /// Starts the thread. The answer comes when it has ended; it is an error if that was by a panic.
    pub fn start(self) -> io::Result<oneshot::Receiver<()>> {
        let (ended, end) = oneshot::channel();
        let mut run = Run {
            runtime: Handle::current(),
            codec: Codec::reading(self.registry.clone()),
            lag: Lag::new(&self.source.projection),
            retry: Retry::new(&self.settings),
            projector: self,
            registry_answered: false,
        };
        thread::Builder::new().name("projector".to_owned()).spawn(move || {
            run.until_shutdown();
            // Nobody waits any more where this fails.
            let _ = ended.send(());
        })?;
        Ok(end)
    }
}

impl<P: Projection> Run<P> {
    fn until_shutdown(&mut self) {
        while !self.projector.shutdown.is_cancelled() {
            if let Err(error) = self.membership() {
                self.pause(&error);
            }
        }
    }

    /// One way back from every failure: leave the group, so that others can take over, and begin anew.
    fn membership(&mut self) -> Result<(), ProjectionError> {
        self.require_registry()?;
        Membership::begin(self)?.work()
    }

    /// The registry is asked for each schema once, when it first comes up; that it is missing should show earlier.
    fn require_registry(&mut self) -> Result<(), ProjectionError> {
        if !self.registry_answered {
            self.runtime.block_on(self.projector.registry.is_there())?;
            self.registry_answered = true;
        }
        Ok(())
    }

    fn pause(&mut self, error: &ProjectionError) {
        let name = &self.projector.source.projection;
        counter!("projection_restarts_total", "projection" => name.clone()).increment(1);
        self.projector.health.not_ready(error.to_string());
        self.lag.interrupted();
        self.lag.report(|_| None);
        let delay = self.retry.failed(name, error);
        let shutdown = self.projector.shutdown.cancelled();
        // Running out is the usual case, being told to end the other.
        let _ = self.runtime.block_on(async { timeout(delay, shutdown).await });
    }
}
