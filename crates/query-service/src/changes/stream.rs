use std::{convert::Infallible, sync::Arc};

use projection::PartitionOffsets;
use tokio::{
    select,
    sync::{OwnedSemaphorePermit, broadcast, broadcast::error::RecvError},
    time::{Instant, timeout_at},
};

use super::{
    ChangePage, Changes, ChangesFilter, client::Client, end::End, event_id, metrics, page::IndexedChange,
};

/// The stream of one client: first the changes that it missed, from the table, then those that are broadcast.
///
/// `seen` covers every change that was sent, is being sent, or does not match the filter. If a page begins after it,
/// changes are missing, and the stream reads the table again. A change before it was already sent.
pub(super) struct Stream {
    changes: Changes,
    filter: ChangesFilter,
    seen: PartitionOffsets,
    pages: broadcast::Receiver<Arc<ChangePage>>,
    client: Client,
    next_heartbeat: Instant,
    _slot: OwnedSemaphorePermit,
}

impl Stream {
    pub(super) fn new(
        changes: Changes,
        filter: ChangesFilter,
        seen: PartitionOffsets,
        client: Client,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            // Subscribe before reading the table: a change in between is then received twice instead of never.
            pages: changes.pages.subscribe(),
            next_heartbeat: Instant::now() + changes.settings.heartbeat,
            changes,
            filter,
            seen,
            client,
            _slot: slot,
        }
    }

    pub(super) async fn run(mut self) {
        let _open = metrics::OpenStream::new();
        let (closed, shutdown) = (self.client.closed(), self.changes.shutdown.clone());
        let end = select! {
            () = closed => return,
            () = shutdown.cancelled() => End::ShuttingDown,
            Err(end) = self.serve() => end,
        };
        tracing::debug!(?end, "a change stream was ended");
        metrics::ended(end);
        self.client.end(end);
    }

    async fn serve(&mut self) -> Result<Infallible, End> {
        self.client.send_start(self.id())?;
        self.catch_up().await?;
        loop {
            match timeout_at(self.next_heartbeat, self.pages.recv()).await {
                Ok(Ok(page)) if self.seen.covers(&page.from) => self.send_page(&page)?,
                Ok(Ok(_) | Err(RecvError::Lagged(_))) => self.catch_up().await?,
                Ok(Err(RecvError::Closed)) => return Err(End::ShuttingDown),
                Err(_) => self.send_heartbeat(),
            }
        }
    }

    fn send_page(&mut self, page: &ChangePage) -> Result<(), End> {
        for change in &page.changes {
            let position = &change.change.position;
            if position.offset < self.seen.next_offset(position.partition) {
                continue;
            }
            self.seen.include(position.partition, position.offset + 1);
            if self.matches(change) {
                self.client.send_now(change, self.id())?;
            }
        }
        self.seen.include_all(&page.to);
        Ok(())
    }

    /// Sends all changes that the table has and the client has not seen.
    async fn catch_up(&mut self) -> Result<(), End> {
        while self.catch_up_by_one_page().await? {
            if self.next_heartbeat <= Instant::now() {
                self.send_heartbeat();
            }
        }
        Ok(())
    }

    /// Returns whether there are more pages.
    async fn catch_up_by_one_page(&mut self) -> Result<bool, End> {
        let page = self.read().await?;
        for change in &page.changes {
            let position = &change.change.position;
            self.seen.include(position.partition, position.offset + 1);
            if self.matches(change) {
                self.client.send(change, self.id()).await?;
            }
        }
        self.seen.include_all(&page.to);
        Ok(page.has_more)
    }

    /// Whether the change belongs to the stream's kind of aggregate and passes the filter.
    fn matches(&self, change: &IndexedChange) -> bool {
        let wanted = self.changes.journal.read_model().aggregate_kind();
        change.aggregate_kind.as_deref().is_none_or(|kind| kind == wanted) && self.filter.matches(change)
    }

    async fn read(&self) -> Result<ChangePage, End> {
        let Changes { journal, first_event_field, readers, .. } = &self.changes;
        let _reader = readers.acquire().await.map_err(|_| End::ShuttingDown)?;
        let page =
            ChangePage::after(&self.seen, journal, *first_event_field, self.filter.aggregate_id.as_deref())
                .await;
        page.map_err(|error| {
            tracing::debug!(%error, "the journal could not be read");
            End::NotReady
        })
    }

    fn send_heartbeat(&mut self) {
        self.client.send_heartbeat(self.id());
        self.next_heartbeat = Instant::now() + self.changes.settings.heartbeat;
    }

    fn id(&self) -> String {
        event_id::write(&self.seen, self.changes.journal.read_model().partitions())
    }
}
