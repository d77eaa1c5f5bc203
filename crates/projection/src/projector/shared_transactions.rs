//! One transaction for the small batches that live projections have ready at the same time. Beginning, moving checkpoints
//! and committing cost as much as the rows of a small batch, and would be paid once for each projection.
//!
//! The transaction goes from one projection to the next, each of which writes its rows, and is committed at the end. If
//! anything fails, it is rolled back, and each projection writes its batch in a transaction of its own, where an error
//! concerns only itself. So a batch must be prepared for both: nothing of it changes here.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::{
    PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
    time::{Instant, timeout_at},
};
use tracing::debug;

use crate::projector::{
    batch::Batch,
    checkpoint::{self, Advance, Checkpoints},
    database,
    target::Target,
    write::{self, WriteLock, within, write_rows},
};
use crate::{Projection, ProjectionError};

/// The maximum number of records in a batch. The fixed cost of a transaction is nothing to larger ones, which
/// projections write side by side.
const MAX_RECORDS: usize = 250;
/// How long the first batch waits for those of the other projections.
pub(crate) const GATHERING: Duration = Duration::from_millis(2);
/// The transaction waits only shortly for locks, because other projections wait with it. All live generations have their
/// tables in this schema.
const SETTINGS: [(&str, &str); 2] = [("lock_timeout", "100ms"), ("search_path", "public")];

/// Where the live projections of a process meet.
#[derive(Clone)]
pub(crate) struct SharedTransactions {
    batches: UnboundedSender<Waiting>,
    participants: Arc<AtomicUsize>,
}

/// A projection that takes part.
pub(crate) struct Participant(SharedTransactions);

/// A batch that waits for its turn.
struct Waiting {
    target: Target,
    from: Checkpoints,
    to: Checkpoints,
    turn: oneshot::Sender<Turn>,
}

/// Lends the transaction to a projection.
struct Turn {
    transaction: Transaction<'static, Postgres>,
    /// Gives the transaction back, once the rows are written.
    written: oneshot::Sender<Transaction<'static, Postgres>>,
    /// Resolves to an error if the transaction is not committed.
    committed: oneshot::Receiver<()>,
}

impl SharedTransactions {
    /// `limit` is how long Postgres may take for one step, and `gathering` how long a batch waits for others.
    pub(crate) fn new(options: &PgConnectOptions, limit: Duration, gathering: Duration) -> Self {
        let options = database::projector_options(options, limit)
            .application_name("shared transactions")
            .options(SETTINGS);
        let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false).acquire_timeout(limit);
        let pool = pool.connect_lazy_with(options);
        let (batches, waiting) = unbounded_channel();
        let participants: Arc<AtomicUsize> = Arc::default();
        let writer = Writer { pool, limit, gathering, participants: Arc::clone(&participants) };
        tokio::spawn(writer.run(waiting));
        Self { batches, participants }
    }

    /// Takes part from now on. Others then wait for the batches of this projection.
    pub(crate) fn participate(&self) -> Participant {
        self.participants.fetch_add(1, Ordering::Relaxed);
        Participant(self.clone())
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        self.0.participants.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Participant {
    /// Where a batch of this many records can be written together with others.
    pub(crate) fn transactions(&self, records: usize) -> Option<SharedTransactions> {
        (records <= MAX_RECORDS && self.0.participants.load(Ordering::Relaxed) > 1).then(|| self.0.clone())
    }
}

impl SharedTransactions {
    /// Writes a batch and its checkpoints together with those of other projections. Returns whether it is written for
    /// certain; otherwise it has to be written alone, which the fence prevents if it was written after all.
    pub(crate) async fn write<P: Projection>(
        &self,
        projection: &P,
        target: &Target,
        from: &Checkpoints,
        batch: &Batch<P::Event>,
        limit: Duration,
    ) -> bool {
        let (turn, own_turn) = oneshot::channel();
        let waiting =
            Waiting { target: target.clone(), from: from.clone(), to: batch.reached().clone(), turn };
        if self.batches.send(waiting).is_err() {
            return false;
        }
        let Ok(Turn { mut transaction, written, committed }) = own_turn.await else { return false };
        if let Err(error) = within(limit, write_rows(&mut transaction, target, projection, batch)).await {
            debug!(%error, "the batch is written alone");
            return false;
        }
        written.send(transaction).is_ok() && committed.await.is_ok()
    }
}

/// Writes what the projections have ready.
struct Writer {
    pool: PgPool,
    limit: Duration,
    gathering: Duration,
    participants: Arc<AtomicUsize>,
}

impl Writer {
    /// Writes batches until the last projection has ended. A batch whose turn does not come is written alone.
    async fn run(self, mut waiting: UnboundedReceiver<Waiting>) {
        while let Some(first) = waiting.recv().await {
            let batches = self.gather(first, &mut waiting).await;
            if batches.len() > 1
                && let Err(error) = self.write(batches).await
            {
                debug!(%error, "each projection writes its batch alone");
            }
        }
    }

    /// Waits a moment for the batches of the other projections.
    async fn gather(&self, first: Waiting, waiting: &mut UnboundedReceiver<Waiting>) -> Vec<Waiting> {
        let (mut batches, deadline) = (vec![first], Instant::now() + self.gathering);
        while batches.len() < self.participants.load(Ordering::Relaxed)
            && let Ok(Some(next)) = timeout_at(deadline, waiting.recv()).await
        {
            batches.push(next);
        }
        // All transactions lock rows in the same order.
        batches.sort_by_key(|batch| batch.target.projection);
        batches
    }

    async fn write(&self, batches: Vec<Waiting>) -> Result<(), ProjectionError> {
        let Some(mut transaction) = within(self.limit, begin(&self.pool, &batches)).await? else {
            return Ok(());
        };
        let mut commits = Vec::new();
        for Waiting { turn, .. } in batches {
            let ((written, is_written), (commit, committed)) = (oneshot::channel(), oneshot::channel());
            if turn.send(Turn { transaction, written, committed }).is_err() {
                return Ok(());
            }
            let Ok(returned) = is_written.await else { return Ok(()) };
            transaction = returned;
            commits.push(commit);
        }
        within(self.limit, async { Ok(transaction.commit().await?) }).await?;
        for commit in commits {
            // An error means that the projection has ended in the meantime.
            let _ = commit.send(());
        }
        Ok(())
    }
}

/// Begins the transaction and moves all checkpoints, unless one of them was claimed by another projector.
async fn begin(
    pool: &PgPool,
    batches: &[Waiting],
) -> Result<Option<Transaction<'static, Postgres>>, ProjectionError> {
    let advances: Vec<_> =
        batches.iter().map(|Waiting { target, from, to, .. }| Advance { target, from, to }).collect();
    let statements = write::statements(WriteLock::Shared, &advances);
    let mut transaction = pool.begin_with(statements).await?;
    Ok(checkpoint::advance(&mut transaction, &advances).await?.then_some(transaction))
}
