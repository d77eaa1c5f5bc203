use std::{sync::Arc, thread};

use service_kit::health::Component;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::DropGuard;

use super::{instruction::Instruction, shared::Shared, worker::Worker};
use crate::{PartitionOffsets, Projection};

/// The thread that fills a generation. Dropping the handle asks the thread to end, without waiting for it.
pub(crate) struct GenerationHandle {
    instructions: watch::Sender<Instruction>,
    health: Component,
    _stop: DropGuard,
}

impl GenerationHandle {
    /// Starts the thread. The receiver resolves when the thread has ended, to an error if it panicked.
    pub(crate) fn start<P: Projection>(
        shared: Shared,
        projection: Arc<P>,
        live: watch::Receiver<PartitionOffsets>,
        first: Instruction,
    ) -> (Self, oneshot::Receiver<()>) {
        let name = format!("{} generation {}", P::NAME, first.generation.number);
        let (health, stop) = (shared.health.component(&*name), shared.shutdown.child_token());
        let (sender, instructions) = watch::channel(first);
        let (ended, end) = oneshot::channel();
        let handle = Self { instructions: sender, health: health.clone(), _stop: stop.clone().drop_guard() };
        let mut worker = Worker::new(shared, projection, live, instructions, health, stop);
        // If the thread cannot be started, `ended` is dropped, as after a panic.
        let _ = thread::Builder::new().name(name).spawn(move || {
            worker.run();
            // An error means that the receiver was dropped.
            let _ = ended.send(());
        });
        (handle, end)
    }

    pub(crate) fn instruct(&self, instruction: Instruction) {
        self.instructions.send_replace(instruction);
    }
}

impl Drop for GenerationHandle {
    fn drop(&mut self) {
        self.health.remove();
    }
}
