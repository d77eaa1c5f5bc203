#![expect(clippy::disallowed_methods, reason = "it has a thread of its own")]

use std::{sync::Arc, time::Duration};

use event_log::Codec;
use metrics::counter;
use service_kit::health::Component;
use tokio::{runtime::Handle, sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    GenerationState, PartitionOffsets, Projection, ProjectionError, Projectors, instruction::Instruction,
    lag::Lag, membership::Membership, retry::Retry,
};

/// Keeps one generation of a projection up with its topic, on a thread of its own. What is here stays from one
/// membership in the consumer group to the next.
pub(crate) struct Projector<P> {
    pub(crate) projectors: Projectors,
    pub(crate) projection: Arc<P>,
    pub(crate) topic: String,
    /// Where the live generation stands.
    pub(crate) live: watch::Receiver<PartitionOffsets>,
    pub(crate) instructions: watch::Receiver<Instruction>,
    pub(crate) stop: CancellationToken,
    pub(crate) runtime: Handle,
    pub(crate) codec: Codec,
    pub(crate) lag: Lag,
    pub(crate) retry: Retry,
    part: Component,
    registry_answered: bool,
}

impl<P: Projection> Projector<P> {
    pub(crate) fn new(
        projectors: Projectors,
        projection: Arc<P>,
        live: watch::Receiver<PartitionOffsets>,
        instructions: watch::Receiver<Instruction>,
        part: Component,
        stop: CancellationToken,
    ) -> Self {
        let generation = instructions.borrow().generation.number;
        Self {
            projection,
            topic: projectors.topics.events(),
            live,
            instructions,
            stop,
            runtime: Handle::current(),
            codec: Codec::reading(projectors.registry.clone()),
            lag: Lag::new(P::NAME, generation),
            retry: Retry::new(&projectors.settings),
            part,
            registry_answered: false,
            projectors,
        }
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

    /// It can work, though an operator may have something to look after.
    pub(crate) fn ready(&self, trouble: Option<String>) {
        match trouble {
            Some(trouble) => self.part.degraded(trouble),
            None => self.part.ready(),
        }
    }

    /// Queries depend on the live generation alone.
    pub(crate) fn not_ready(&self, reason: impl Into<String>) {
        if self.instructions.borrow().generation.state == GenerationState::Live {
            self.part.not_ready(reason);
        } else {
            self.part.degraded(reason);
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
            self.runtime.block_on(self.projectors.registry.is_there())?;
            self.registry_answered = true;
        }
        Ok(())
    }

    fn pause(&mut self, error: &ProjectionError) {
        counter!("projection_restarts_total", "projection" => P::NAME).increment(1);
        self.not_ready(error.to_string());
        self.lag.interrupted();
        self.lag.report(|_| None);
        let delay = self.retry.failed(P::NAME, error);
        self.rest(delay);
    }

    /// Until the end or the next instruction, if it does not take longer than this.
    pub(crate) fn rest(&mut self, longest: Duration) {
        let (stop, instructions) = (&self.stop, &mut self.instructions);
        let woken = async {
            tokio::select! {
                () = stop.cancelled() => {}
                // Nobody instructs any more: it is the end.
                _ = instructions.changed() => {}
            }
        };
        // Running out is as good as being woken.
        let _ = self.runtime.block_on(async { timeout(longest, woken).await });
    }
}
