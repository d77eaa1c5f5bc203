use std::{sync::Arc, time::Duration};

use projection::PartitionOffsets;
use tokio::{
    sync::{broadcast, watch},
    time::sleep,
};

use super::ChangePage;
use crate::read_model::ReadModel;

/// The pause after the journal could not be read.
const PAUSE: Duration = Duration::from_millis(200);

/// The one reader of what is new in the journal, woken by its moves.
pub(super) struct Tail {
    read_model: ReadModel,
    moves: watch::Receiver<PartitionOffsets>,
    stretches: broadcast::Sender<Arc<ChangePage>>,
}

impl Tail {
    pub(super) const fn new(
        read_model: ReadModel,
        moves: watch::Receiver<PartitionOffsets>,
        stretches: broadcast::Sender<Arc<ChangePage>>,
    ) -> Self {
        Self { read_model, moves, stretches }
    }

    pub(super) async fn run(mut self) {
        let mut at = None;
        while self.moves.changed().await.is_ok() {
            let offsets = self.moves.borrow_and_update().clone();
            let is_heard = self.stretches.receiver_count() > 0;
            at = match at {
                Some(at) if is_heard => Some(self.read(at).await),
                // Nothing is read for nobody. Who has come meanwhile sees by this whether something is missing.
                _ => Some(self.tell(ChangePage {
                    from: offsets.clone(),
                    to: offsets,
                    ..ChangePage::default()
                })),
            };
        }
    }

    /// Reads everything new, and answers where that leads to. Where Postgres was restored to an older state it leads
    /// back, and the same events come once more.
    async fn read(&self, mut at: PartitionOffsets) -> PartitionOffsets {
        loop {
            match self.read_model.changes_after(&at, None).await {
                Ok(stretch) => {
                    let has_more = stretch.has_more;
                    at = self.tell(stretch);
                    if !has_more {
                        return at;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "the journal was not read");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn tell(&self, stretch: ChangePage) -> PartitionOffsets {
        let to = stretch.to.clone();
        // An error means that nobody hears it.
        let _ = self.stretches.send(Arc::new(stretch));
        to
    }
}
