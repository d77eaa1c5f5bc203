//! Everything that happens to orders, told to many clients while it happens.
//!
//! One reader per process follows the journal and broadcasts what it reads; each client has a task that first reads
//! from the table what the client has missed. Positions decide what a client gets, so that nothing is lost or told
//! twice, wherever the one ends and the other begins. A client must never hold up another one, or the reader.

mod change;
mod client;
mod end;
mod event_id;
mod measures;
mod stream;
mod tail;

use std::{sync::Arc, time::Duration};

use axum::response::Response;
use projection::PartitionOffsets;
use service_kit::{Problem, problem::kinds};
use tokio::sync::{Semaphore, broadcast, watch};
use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    change::{Change, ChangePage, Filter},
    event_id::parse as parse_event_id,
};
use self::{client::Client, stream::Stream, tail::Tail};
use crate::{problems, read_model::ReadModel, settings::ChangesSettings};

/// How many stretches a task may be behind before it has to read from the table.
const BACKLOG: usize = 64;
/// How many tasks may read from the table at once; the other connections are for questions.
const READERS: usize = 3;
/// When it is worth trying again for a stream.
const LATER: Duration = Duration::from_secs(5);

/// Where streams of changes begin.
#[derive(Debug, Clone)]
pub(crate) struct Changes {
    read_model: ReadModel,
    stretches: broadcast::Sender<Arc<ChangePage>>,
    slots: Arc<Semaphore>,
    readers: Arc<Semaphore>,
    settings: ChangesSettings,
    partitions: i32,
    shutdown: CancellationToken,
}

/// Where a client wants to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// With what happens from now on.
    Now,
    /// After what it has seen.
    After(PartitionOffsets),
}

impl Changes {
    /// Begins to read, woken by the moves of the journal.
    pub(crate) fn follow(
        read_model: ReadModel,
        moves: watch::Receiver<PartitionOffsets>,
        settings: ChangesSettings,
        partitions: i32,
        shutdown: CancellationToken,
    ) -> Self {
        let (stretches, _) = broadcast::channel(BACKLOG);
        let tail = Tail::new(read_model.clone(), moves, stretches.clone());
        tokio::spawn(shutdown.clone().run_until_cancelled_owned(tail.run()));
        Self {
            read_model,
            stretches,
            slots: Arc::new(Semaphore::new(settings.streams.get())),
            readers: Arc::new(Semaphore::new(READERS)),
            settings,
            partitions,
            shutdown,
        }
    }

    /// Begins a stream; its task ends with the client, or when the service is to end.
    pub(crate) async fn begin(&self, start: Start, filter: Filter) -> Result<Response, Problem> {
        let slots = Arc::clone(&self.slots);
        let slot = slots.try_acquire_owned().map_err(|_| {
            Problem::new(kinds::OVERLOADED).detail("no more streams can be served").retry_after(LATER)
        })?;
        // Asked also where it is not needed: better 503 now than a stream that ends at once.
        let now = self.read_model.journal_stand().await.map_err(problems::unanswered)?;
        let seen = match start {
            Start::Now => now,
            Start::After(seen) => seen,
        };
        let (client, answer) = Client::new(self.settings.buffer);
        tokio::spawn(Stream::new(self.clone(), filter, seen, client, slot).run());
        Ok(answer)
    }
}

#[cfg(test)]
mod tests;
