use std::{sync::Arc, thread};

use service_kit::health::Component;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::DropGuard;

use crate::{PartitionOffsets, Projection, Projectors, instruction::Instruction, projector::Projector};

/// A generation that a thread follows. Dropping it ends the thread, in its own time.
pub(crate) struct GenerationHandle {
    told: watch::Sender<Instruction>,
    part: Component,
    _stop: DropGuard,
}

impl GenerationHandle {
    /// Starts the thread. The second answer comes when it has ended; it is an error if that was by a panic.
    pub(crate) fn start<P: Projection>(
        projectors: Projectors,
        projection: Arc<P>,
        live: watch::Receiver<PartitionOffsets>,
        first: Instruction,
    ) -> (Self, oneshot::Receiver<()>) {
        let name = format!("{} generation {}", P::NAME, first.generation.number);
        let (part, stop) = (projectors.health.component(&*name), projectors.shutdown.child_token());
        let (told, instructions) = watch::channel(first);
        let (ended, end) = oneshot::channel();
        let generation_handle = Self { told, part: part.clone(), _stop: stop.clone().drop_guard() };
        let mut projector = Projector::new(projectors, projection, live, instructions, part, stop);
        // Where there can be no thread, `ended` is dropped as by a panic.
        let _ = thread::Builder::new().name(name).spawn(move || {
            projector.until_stopped();
            // Nobody waits any more where this fails.
            let _ = ended.send(());
        });
        (generation_handle, end)
    }

    pub(crate) fn tell(&self, instruction: Instruction) {
        self.told.send_replace(instruction);
    }
}

impl Drop for GenerationHandle {
    fn drop(&mut self) {
        self.part.remove();
    }
}
