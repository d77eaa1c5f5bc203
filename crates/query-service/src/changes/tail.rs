use std::{sync::Arc, time::Duration};

use projection::PartitionOffsets;
use tokio::{
    sync::{broadcast, watch},
    time::sleep,
};

use super::ChangePage;
use crate::Projection;

/// The pause after the journal could not be read.
const PAUSE: Duration = Duration::from_millis(200);

/// The one task that reads the end of the journal, whenever its checkpoint moves.
pub(super) struct Tail {
    journal: Projection,
    first_event_field: Option<&'static str>,
    moves: watch::Receiver<PartitionOffsets>,
    pages: broadcast::Sender<Arc<ChangePage>>,
}

impl Tail {
    pub(super) fn new(
        journal: Projection,
        first_event_field: Option<&'static str>,
        pages: broadcast::Sender<Arc<ChangePage>>,
    ) -> Self {
        Self { moves: journal.moves(), journal, first_event_field, pages }
    }

    pub(super) async fn run(mut self) {
        let mut at = None;
        while self.moves.changed().await.is_ok() {
            let offsets = self.moves.borrow_and_update().clone();
            let has_clients = self.pages.receiver_count() > 0;
            at = match at {
                Some(at) if has_clients => Some(self.read(at).await),
                // Without clients nothing is read. A client that has just come sees by this page whether it misses
                // something.
                _ => Some(self.broadcast(ChangePage {
                    from: offsets.clone(),
                    to: offsets,
                    ..ChangePage::default()
                })),
            };
        }
    }

    /// Reads everything new, and returns the offsets after it. If Postgres was restored to an older state these go back,
    /// and the same events are read again.
    async fn read(&self, mut at: PartitionOffsets) -> PartitionOffsets {
        loop {
            match ChangePage::after(&at, &self.journal, self.first_event_field, None).await {
                Ok(page) => {
                    let has_more = page.has_more;
                    at = self.broadcast(page);
                    if !has_more {
                        return at;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "the journal could not be read");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn broadcast(&self, page: ChangePage) -> PartitionOffsets {
        let to = page.to.clone();
        // It fails if there are no receivers.
        let _ = self.pages.send(Arc::new(page));
        to
    }
}
