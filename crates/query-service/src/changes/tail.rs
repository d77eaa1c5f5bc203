use std::{sync::Arc, time::Duration};

use projection::PartitionOffsets;
use tokio::{
    sync::{broadcast, watch},
    time::sleep,
};

use super::ChangePage;
use crate::Projection;

/// How long to wait before the journal is read again after an error.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// The task that reads the new events of the journal whenever its checkpoint moves.
pub(super) struct Tail {
    journal: Projection,
    first_event_field: Option<&'static str>,
    checkpoint: watch::Receiver<PartitionOffsets>,
    pages: broadcast::Sender<Arc<ChangePage>>,
}

impl Tail {
    pub(super) fn new(
        journal: Projection,
        first_event_field: Option<&'static str>,
        pages: broadcast::Sender<Arc<ChangePage>>,
    ) -> Self {
        Self { checkpoint: journal.watch_offsets(), journal, first_event_field, pages }
    }

    pub(super) async fn run(mut self) {
        let mut seen = None;
        while self.checkpoint.changed().await.is_ok() {
            let offsets = self.checkpoint.borrow_and_update().clone();
            let has_clients = self.pages.receiver_count() > 0;
            seen = match seen {
                Some(seen) if has_clients => Some(self.read(seen).await),
                // Without clients nothing is read. A client that has just connected can tell by this empty page whether
                // it has missed changes.
                _ => Some(self.broadcast(ChangePage {
                    from: offsets.clone(),
                    to: offsets,
                    ..ChangePage::default()
                })),
            };
        }
    }

    /// Broadcasts all new events, and returns the offsets after them. If Postgres was restored from a backup, the
    /// offsets go back, and the same events are read again.
    async fn read(&self, mut seen: PartitionOffsets) -> PartitionOffsets {
        loop {
            match ChangePage::after(&seen, &self.journal, self.first_event_field, None).await {
                Ok(page) => {
                    let has_more = page.has_more;
                    seen = self.broadcast(page);
                    if !has_more {
                        return seen;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "the journal could not be read");
                    sleep(RETRY_DELAY).await;
                }
            }
        }
    }

    fn broadcast(&self, page: ChangePage) -> PartitionOffsets {
        let to = page.to.clone();
        // Fails only if there are no receivers.
        let _ = self.pages.send(Arc::new(page));
        to
    }
}
