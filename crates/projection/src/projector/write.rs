use std::time::Duration;

use aggregate::AggregateId;
use sqlx::{Connection, PgConnection, Postgres, Transaction};
use tokio::time::timeout;

use crate::projector::{
    batch::Batch,
    checkpoint::{self, Advance, Checkpoints},
    parking::{self, ParkReason, PendingEvents},
    target::Target,
};
use crate::{History, Projection, ProjectionError};

/// Commits do not wait for the disk: if Postgres crashes, rows and checkpoint are lost together, and the events are
/// read again from the log. Constraints are checked immediately rather than at the commit, so that an error can be
/// attributed to an event.
const BEGIN: &str = "BEGIN; SET LOCAL synchronous_commit = off; SET CONSTRAINTS ALL IMMEDIATE";
/// A generic plan assumes short arrays, and would join long ones row by row.
const CUSTOM_PLANS: &str = "SET LOCAL plan_cache_mode = force_custom_plan";
/// From this many offsets on, custom plans are worth their cost. For fewer, planning takes as long as the statement
/// itself.
const MIN_CUSTOM_PLANS: i64 = 100;

/// Whether other projectors may write rows of the same generation concurrently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteLock {
    /// They may: every transaction locks rows in the same order, so they cannot deadlock.
    Shared,
    /// They may not: the transaction locks rows with several statements, in any order.
    Exclusive,
}

/// Writes a batch to one generation.
pub(crate) struct Writer<'w, P> {
    pub(crate) connection: &'w mut PgConnection,
    pub(crate) target: &'w Target,
    pub(crate) projection: &'w P,
    /// How long Postgres may take for one step.
    pub(crate) limit: Duration,
}

impl<P: Projection> Writer<'_, P> {
    /// Writes a batch and its checkpoints atomically. Events that cannot be applied are parked in the same transaction.
    pub(crate) async fn write(
        &mut self,
        claimed: &Checkpoints,
        batch: &mut Batch<P::Event>,
    ) -> Result<(), ProjectionError> {
        match within(self.limit, self.write_at_once(claimed, batch)).await {
            Err(error) if ParkReason::is_cause_of(&error) => self.write_in_pieces(claimed, batch).await,
            written => written,
        }
    }

    async fn write_at_once(
        &mut self,
        claimed: &Checkpoints,
        batch: &Batch<P::Event>,
    ) -> Result<(), ProjectionError> {
        let advance = Advance { target: self.target, from: claimed, to: batch.reached() };
        let mut transaction = begin(self.connection, WriteLock::Shared, advance).await?;
        write_rows(&mut transaction, self.target, self.projection, batch).await?;
        Ok(transaction.commit().await?)
    }

    /// Finds the aggregates that cannot be applied, by halving each refused set of aggregates until one is left.
    async fn write_in_pieces(
        &mut self,
        claimed: &Checkpoints,
        batch: &mut Batch<P::Event>,
    ) -> Result<(), ProjectionError> {
        let (target, limit) = (self.target, self.limit);
        let advance = Advance { target, from: claimed, to: batch.reached() };
        let begun = begin(self.connection, WriteLock::Exclusive, advance);
        let mut transaction = within(limit, begun).await?;
        let mut pieces: Vec<Vec<AggregateId>> = vec![batch.pending().keys().cloned().collect()];
        while let Some(mut piece) = pieces.pop() {
            let pending: Vec<_> = piece.iter().filter_map(|id| batch.pending().get(id)).collect();
            if let [only] = pending[..] {
                let refused = within(limit, apply_in_order(&mut transaction, self.projection, only)).await?;
                if let Some((index, park_reason)) = refused {
                    batch.refuse(&piece[0], index, park_reason);
                }
                continue;
            }
            let histories: Vec<_> = pending.iter().map(|events| events.history()).collect();
            if within(limit, attempt(&mut transaction, self.projection, &histories)).await?.is_some() {
                let first_half = piece.drain(..piece.len() / 2).collect();
                pieces.extend([piece, first_half]);
            }
        }
        within(limit, parking::insert(&mut transaction, target, batch.parked())).await?;
        within(limit, async { Ok(transaction.commit().await?) }).await
    }
}

/// Writes the rows of a batch, and the events that it parks.
pub(crate) async fn write_rows<P: Projection>(
    transaction: &mut PgConnection,
    target: &Target,
    projection: &P,
    batch: &Batch<P::Event>,
) -> Result<(), ProjectionError> {
    parking::insert(transaction, target, batch.parked()).await?;
    let histories = batch.histories();
    if histories.is_empty() { Ok(()) } else { target.fill(projection, transaction, &histories).await }
}

/// Begins a transaction that moves checkpoints.
///
/// The checkpoints are moved first, because their rows are the fence. Otherwise the events of a fenced projector would
/// no longer follow the rows, and would look like an inconsistent history.
pub(crate) async fn begin<'c>(
    connection: &'c mut PgConnection,
    lock: WriteLock,
    advance: Advance<'_>,
) -> Result<Transaction<'c, Postgres>, ProjectionError> {
    let mut transaction = connection.begin_with(statements(lock, &[advance])).await?;
    if checkpoint::advance(&mut transaction, &[advance]).await? {
        Ok(transaction)
    } else {
        Err(ProjectionError::Superseded { topic: advance.target.topic.clone() })
    }
}

/// The statements that begin a transaction.
pub(crate) fn statements(lock: WriteLock, advances: &[Advance<'_>]) -> String {
    let mut statements = vec![BEGIN.to_owned()];
    statements.extend(advances.iter().map(|advance| lock.statement(advance.target)));
    if advances.iter().any(|advance| advance.distance() >= MIN_CUSTOM_PLANS) {
        statements.push(CUSTOM_PLANS.to_owned());
    }
    statements.join("; ")
}

impl WriteLock {
    /// The statement that acquires the lock.
    fn statement(self, Target { projection, generation, .. }: &Target) -> String {
        let lock = match self {
            Self::Shared => "pg_advisory_xact_lock_shared",
            Self::Exclusive => "pg_advisory_xact_lock",
        };
        format!("SELECT {lock}(hashtextextended('rows {projection} {generation}', 0))")
    }
}

/// Applies as much of one aggregate's history as possible, in order. Returns the index of the first event that cannot
/// be applied, and the reason.
pub(crate) async fn apply_in_order<P: Projection>(
    transaction: &mut PgConnection,
    projection: &P,
    pending: &PendingEvents<P::Event>,
) -> Result<Option<(usize, ParkReason)>, ProjectionError> {
    let (mut from, mut to) = (0, pending.len());
    while from < to {
        let part = pending.part(from..to);
        match attempt(transaction, projection, &Vec::from_iter(&part)).await? {
            None => (from, to) = (to, pending.len()),
            Some(error) if to - from == 1 => {
                return Ok(Some((from, ParkReason::applying(error, pending.before(from))?)));
            }
            Some(_) => to = from + (to - from) / 2,
        }
    }
    Ok(None)
}

/// Applies histories in a savepoint. If an event causes an error, rolls back to the savepoint and returns the error.
async fn attempt<P: Projection>(
    transaction: &mut PgConnection,
    projection: &P,
    histories: &[&History<P::Event>],
) -> Result<Option<ProjectionError>, ProjectionError> {
    let mut savepoint = transaction.begin().await?;
    match projection.apply(&mut savepoint, histories).await {
        Ok(()) => savepoint.commit().await?,
        Err(error) if ParkReason::is_cause_of(&error) => {
            savepoint.rollback().await?;
            return Ok(Some(error));
        }
        Err(error) => return Err(error),
    }
    Ok(None)
}

/// Runs one step with a time limit.
pub(crate) async fn within<T>(
    limit: Duration,
    step: impl Future<Output = Result<T, ProjectionError>>,
) -> Result<T, ProjectionError> {
    timeout(limit, step).await.unwrap_or(Err(ProjectionError::PostgresTimedOut(limit)))
}
