#![expect(clippy::disallowed_methods, reason = "it has a thread of its own")]

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

/// How long Postgres may take to write down a trouble.
const TROUBLE_TIMEOUT: Duration = Duration::from_secs(1);

/// Keeps one generation of a projection up with its topic, on a thread of its own. It holds what outlives a membership
/// in the consumer group.
pub(crate) struct Worker<P> {
    pub(crate) shared: Shared,
    pub(crate) projection: Arc<P>,
    pub(crate) topic: String,
    /// How far the live generation is.
    pub(crate) live: watch::Receiver<PartitionOffsets>,
    pub(crate) instructions: watch::Receiver<Instruction>,
    pub(crate) stop: CancellationToken,
    pub(crate) runtime: Handle,
    pub(crate) codec: Codec,
    pub(crate) lag: Lag,
    pub(crate) retry: Retry,
    pub(crate) batch_limit: BatchLimit,
    health: Component,
    registry_answered: bool,
    /// Its trouble as it is written down, as far as this process knows.
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
            registry_answered: false,
            trouble: generation.trouble,
            shared,
        };
        worker.not_ready("starting");
        worker
    }

    pub(crate) fn until_stopped(&mut self) {
        while !self.stop.is_cancelled() {
            if self.instructions.borrow_and_update().generation.paused {
                self.not_ready("paused");
                self.rest(Duration::MAX);
            } else if let Err(error) = self.membership() {
                self.pause(&error);
            }
        }
    }

    /// It works, though there may be something that an operator should look at.
    pub(crate) fn ready(&self, remark: Option<String>) {
        match remark {
            Some(remark) => self.health.degraded(remark),
            None => self.health.ready(),
        }
    }

    /// Only the live generation makes the service not ready: queries depend on no other.
    pub(crate) fn not_ready(&self, reason: impl Into<String>) {
        if self.instructions.borrow().generation.state == GenerationState::Live {
            self.health.not_ready(reason);
        } else {
            self.health.degraded(reason);
        }
    }

    /// Every failure is recovered from in the same way: leave the group, so that others can take over, and start again.
    fn membership(&mut self) -> Result<(), ProjectionError> {
        self.require_registry()?;
        Membership::begin(self)?.work()
    }

    /// A schema is only fetched when an event needs it; a registry that cannot be reached should show earlier.
    fn require_registry(&mut self) -> Result<(), ProjectionError> {
        if !self.registry_answered {
            self.runtime.block_on(self.shared.registry.is_there())?;
            self.registry_answered = true;
        }
        Ok(())
    }

    fn pause(&mut self, error: &ProjectionError) {
        counter!("projection_restarts_total", "projection" => P::NAME).increment(1);
        if matches!(error, ProjectionError::PostgresTimedOut(_)) {
            self.batch_limit.timed_out();
        }
        self.not_ready(error.to_string());
        self.report_trouble(Some(error.to_string()));
        self.lag.interrupted();
        self.lag.report(|_| None);
        let delay = self.retry.failed(P::NAME, error);
        self.rest(delay);
    }

    /// Writes why the generation stands still, or that it does not, for operators who wait for it. If that fails, the next
    /// report writes it.
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

    /// Waits for the end or the next instruction, for this long at most.
    pub(crate) fn rest(&mut self, longest: Duration) {
        let (stop, instructions) = (&self.stop, &mut self.instructions);
        let woken = async {
            tokio::select! {
                () = stop.cancelled() => {}
                // An error means that the supervisor is gone: it is the end.
                _ = instructions.changed() => {}
            }
        };
        // It makes no difference whether it was woken or the time is up.
        let _ = self.runtime.block_on(async { timeout(longest, woken).await });
    }
}
