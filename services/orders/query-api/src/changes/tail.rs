use std::{sync::Arc, time::Duration};

use projection::Stand;
use tokio::{
    sync::{broadcast, watch},
    time::sleep,
};

use super::Stretch;
use crate::read_model::ReadModel;

/// The pause after the journal could not be read.
const PAUSE: Duration = Duration::from_millis(200);

/// The one reader of what is new in the journal, woken by its moves.
pub(super) struct Tail {
    read_model: ReadModel,
    moves: watch::Receiver<Stand>,
    stretches: broadcast::Sender<Arc<Stretch>>,
}

impl Tail {
    pub(super) const fn new(
        read_model: ReadModel,
        moves: watch::Receiver<Stand>,
        stretches: broadcast::Sender<Arc<Stretch>>,
    ) -> Self {
        Self { read_model, moves, stretches }
    }

    pub(super) async fn run(mut self) {
        let mut at = None;
        while self.moves.changed().await.is_ok() {
            let stand = self.moves.borrow_and_update().clone();
            let is_heard = self.stretches.receiver_count() > 0;
            at = match at {
                Some(at) if is_heard => Some(self.read(at).await),
                // Nothing is read for nobody. Who has come meanwhile sees by this whether something is missing.
                _ => Some(self.tell(Stretch { from: stand.clone(), to: stand, ..Stretch::default() })),
            };
        }
    }

    /// Reads everything new, and answers where that leads to. Where Postgres was restored to an older state it leads
    /// back, and the same events come once more.
    async fn read(&self, mut at: Stand) -> Stand {
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

    fn tell(&self, stretch: Stretch) -> Stand {
        let to = stretch.to.clone();
        // An error means that nobody hears it.
        let _ = self.stretches.send(Arc::new(stretch));
        to
    }
}
