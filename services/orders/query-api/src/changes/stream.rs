use std::{convert::Infallible, sync::Arc};

use projection::PartitionOffsets;
use tokio::{
    select,
    sync::{OwnedSemaphorePermit, broadcast, broadcast::error::RecvError},
    time::{Instant, timeout_at},
};

use super::{ChangePage, Changes, Filter, client::Client, end::End, event_id, measures};

/// What one client gets: first from the table what it has missed, then what is broadcast.
///
/// `seen` is what it has got, is about to get, or does not want. A stretch that begins beyond it shows that something is
/// missing, and sends it back to the table; an event before it has been sent already.
pub(super) struct Stream {
    changes: Changes,
    filter: Filter,
    seen: PartitionOffsets,
    stretches: broadcast::Receiver<Arc<ChangePage>>,
    client: Client,
    next_beat: Instant,
    _slot: OwnedSemaphorePermit,
}

impl Stream {
    pub(super) fn new(
        changes: Changes,
        filter: Filter,
        seen: PartitionOffsets,
        client: Client,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            // Subscribed before the table is read: what comes in between is heard twice rather than never.
            stretches: changes.stretches.subscribe(),
            next_beat: Instant::now() + changes.settings.heartbeat,
            changes,
            filter,
            seen,
            client,
            _slot: slot,
        }
    }

    pub(super) async fn run(mut self) {
        let _open = measures::Open::new();
        let (gone, shutdown) = (self.client.gone(), self.changes.shutdown.clone());
        let end = select! {
            () = gone => return,
            () = shutdown.cancelled() => End::ShuttingDown,
            Err(end) = self.serve() => end,
        };
        tracing::debug!(?end, "a stream of changes is ended");
        measures::ended(end);
        self.client.end(end);
    }

    async fn serve(&mut self) -> Result<Infallible, End> {
        self.client.greet(self.id())?;
        self.catch_up().await?;
        loop {
            match timeout_at(self.next_beat, self.stretches.recv()).await {
                Ok(Ok(stretch)) if self.seen.covers(&stretch.from) => self.pass_on(&stretch)?,
                Ok(Ok(_) | Err(RecvError::Lagged(_))) => self.catch_up().await?,
                Ok(Err(RecvError::Closed)) => return Err(End::ShuttingDown),
                Err(_) => self.beat(),
            }
        }
    }

    fn pass_on(&mut self, stretch: &ChangePage) -> Result<(), End> {
        for change in &stretch.changes {
            if change.offset < self.seen.next_offset(change.partition) {
                continue;
            }
            self.seen.include(change.partition, change.offset + 1);
            if self.filter.wants(change) {
                self.client.tell(change, self.id())?;
            }
        }
        self.seen.include_all(&stretch.to);
        Ok(())
    }

    /// Reads from the table up to its end.
    async fn catch_up(&mut self) -> Result<(), End> {
        while self.catch_up_a_page().await? {
            if self.next_beat <= Instant::now() {
                self.beat();
            }
        }
        Ok(())
    }

    /// Answers whether there is more.
    async fn catch_up_a_page(&mut self) -> Result<bool, End> {
        let stretch = self.read().await?;
        for change in &stretch.changes {
            self.seen.include(change.partition, change.offset + 1);
            if self.filter.wants(change) {
                self.client.retell(change, self.id()).await?;
            }
        }
        self.seen.include_all(&stretch.to);
        Ok(stretch.has_more)
    }

    async fn read(&self) -> Result<ChangePage, End> {
        let _reader = self.changes.readers.acquire().await.map_err(|_| End::ShuttingDown)?;
        let stretch = self.changes.read_model.changes_after(&self.seen, self.filter.order_id).await;
        stretch.map_err(|error| {
            tracing::debug!(%error, "the journal was not read");
            End::NotReady
        })
    }

    fn beat(&mut self) {
        self.client.beat(self.id());
        self.next_beat = Instant::now() + self.changes.settings.heartbeat;
    }

    fn id(&self) -> String {
        event_id::write(&self.seen, self.changes.partitions)
    }
}
