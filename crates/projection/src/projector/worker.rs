#![expect(clippy::disallowed_methods, reason = "it blocks only the thread of its projector")]

use std::{sync::Arc, time::Duration};

use event_log::Codec;
use metrics::counter;
use service_kit::health::Component;
use tokio::{runtime::Handle, sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    batch_limit::BatchLimit, generation::write_trouble, instruction::Instruction, lag::Lag,
    membership::Membership, retry::Retry, shared::Shared, write::within,
};
use crate::{GenerationState, PartitionOffsets, Projection, ProjectionError};

/// How long Postgres may take to store why a generation makes no progress.
const TROUBLE_TIMEOUT: Duration = Duration::from_secs(1);

/// Fills one generation of a projection, on its own thread. It holds the state that outlives a membership in the
/// consumer group.
pub(crate) struct Worker<P> {
    pub(crate) shared: Shared,
    pub(crate) projection: Arc<P>,
    pub(crate) topic: String,
    /// The offsets of the live generation.
    pub(crate) live: watch::Receiver<PartitionOffsets>,
    pub(crate) instructions: watch::Receiver<Instruction>,
    pub(crate) stop: CancellationToken,
    pub(crate) runtime: Handle,
    pub(crate) codec: Codec,
    pub(crate) lag: Lag,
    pub(crate) retry: Retry,
    pub(crate) batch_limit: BatchLimit,
    health: Component,
    registry_responded: bool,
    /// Why the generation makes no progress, as this process last read or stored it.
    trouble: Option<String>,
}

impl<P: Projection> Worker<P> {
    pub(crate) fn new(
        shared: Shared,
        projection: Arc<P>,
        live: watch::Receiver<PartitionOffsets>,
        instructions: watch::Receiver<Instruction>,
        health: Component,
        stop: CancellationToken,
    ) -> Self {
        let generation = instructions.borrow().generation.clone();
        let worker = Self {
            projection,
            topic: shared.topics.events(),
            live,
            instructions,
            stop,
            runtime: Handle::current(),
            codec: Codec::reading(shared.registry.clone()),
            lag: Lag::new(P::NAME, generation.number),
            retry: Retry::new(&shared.settings),
            batch_limit: BatchLimit::default(),
            health,
            registry_responded: false,
            trouble: generation.trouble,
            shared,
        };
        worker.not_ready("starting");
        worker
    }

    /// Runs until it is told to stop.
    pub(crate) fn run(&mut self) {
        while !self.stop.is_cancelled() {
            if self.instructions.borrow_and_update().generation.paused {
                self.not_ready("paused");
                self.sleep(Duration::MAX);
            } else if let Err(error) = self.run_membership() {
                self.recover(&error);
            }
        }
    }

    /// Reports that the projection works, though there may be something that an operator should look at.
    pub(crate) fn ready(&self, degraded: Option<String>) {
        match degraded {
            Some(reason) => self.health.degraded(reason),
            None => self.health.ready(),
        }
    }

    /// Reports that the projection does not work. Only the live generation makes the service not ready, because queries
    /// read no other.
    pub(crate) fn not_ready(&self, reason: impl Into<String>) {
        if self.instructions.borrow().generation.state == GenerationState::Live {
            self.health.not_ready(reason);
        } else {
            self.health.degraded(reason);
        }
    }

    /// Runs until any failure. The failure ends the membership, so that other instances can take over the partitions.
    fn run_membership(&mut self) -> Result<(), ProjectionError> {
        self.require_registry()?;
        Membership::begin(self)?.run()
    }

    /// Schemas are fetched only when an event needs them, so this reports an unreachable registry earlier.
    fn require_registry(&mut self) -> Result<(), ProjectionError> {
        if !self.registry_responded {
            self.runtime.block_on(self.shared.registry.is_there())?;
            self.registry_responded = true;
        }
        Ok(())
    }

    /// Reports a failure, and waits before the next attempt.
    fn recover(&mut self, error: &ProjectionError) {
        counter!("projection_restarts_total", "projection" => P::NAME).increment(1);
        if matches!(error, ProjectionError::PostgresTimedOut(_)) {
            self.batch_limit.timed_out();
        }
        self.not_ready(error.to_string());
        self.report_trouble(Some(error.to_string()));
        self.lag.interrupted();
        self.lag.report(|_| None);
        let delay = self.retry.failed(P::NAME, error);
        self.sleep(delay);
    }

    /// Stores for operators why the generation makes no progress, or that it does. If that fails, the next report tries
    /// again.
    pub(crate) fn report_trouble(&mut self, trouble: Option<String>) {
        if self.trouble == trouble {
            return;
        }
        let number = self.instructions.borrow().generation.number;
        let written = write_trouble(&self.shared.database, P::NAME, number, trouble.as_deref());
        if self.runtime.block_on(within(TROUBLE_TIMEOUT, written)).is_ok() {
            self.trouble = trouble;
        }
    }

    /// Waits until it is told to stop or receives an instruction, but at most for `limit`.
    pub(crate) fn sleep(&mut self, limit: Duration) {
        let (stop, instructions) = (&self.stop, &mut self.instructions);
        let woken = async {
            tokio::select! {
                () = stop.cancelled() => {}
                // An error means that the supervisor has ended, and this thread is about to be stopped.
                _ = instructions.changed() => {}
            }
        };
        // It makes no difference whether it was woken or timed out.
        let _ = self.runtime.block_on(async { timeout(limit, woken).await });
    }
}
