#![expect(clippy::disallowed_methods, reason = "it has a thread of its own")]

use std::time::Duration;

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{runtime::Handle, time::timeout};

use crate::{
    Projection, ProjectionError,
    batch::Batch,
    checkpoint::{self, Checkpoints},
    source::Source,
};

/// Rows and checkpoint are lost together if Postgres dies, and read again from the log; so nobody waits for the disk.
const BEGIN: &str = "BEGIN; SET LOCAL synchronous_commit = off";

/// The one connection of a projector. It is dropped after any error: what state it was left in is never asked.
pub(crate) struct Database {
    connection: PgConnection,
    source: Source,
    runtime: Handle,
    limit: Duration,
}

impl Database {
    pub(crate) fn connect(
        options: &PgConnectOptions,
        source: &Source,
        runtime: &Handle,
        limit: Duration,
    ) -> Result<Self, ProjectionError> {
        // A projector that is stopped in the middle of a transaction holds its locks; Postgres ends it in time.
        let patience = format!("{}ms", limit.as_millis());
        let options = options
            .clone()
            .application_name(&source.projection)
            .options([("idle_in_transaction_session_timeout", patience)]);
        let connection = wait(runtime, limit, async { Ok(PgConnection::connect_with(&options).await?) })?;
        Ok(Self { connection, source: source.clone(), runtime: runtime.clone(), limit })
    }

    /// Takes partitions over; see [`checkpoint::claim`].
    pub(crate) fn claim(&mut self, partitions: &[i32]) -> Result<Checkpoints, ProjectionError> {
        let (connection, source) = (&mut self.connection, &self.source);
        wait(&self.runtime, self.limit, async {
            Ok(checkpoint::claim(connection, source, partitions).await?)
        })
    }

    /// Writes a batch and its checkpoints, all or nothing.
    pub(crate) fn write<P: Projection>(
        &mut self,
        projection: &mut P,
        claimed: &Checkpoints,
        batch: &Batch<P::Event>,
    ) -> Result<(), ProjectionError> {
        let (connection, source) = (&mut self.connection, &self.source);
        wait(&self.runtime, self.limit, write(connection, source, projection, claimed, batch))
    }
}

/// The checkpoint comes first: its row is the fence. What a zombie brings would not fit the rows any more, and must
/// not look like a broken history.
async fn write<P: Projection>(
    connection: &mut PgConnection,
    source: &Source,
    projection: &mut P,
    claimed: &Checkpoints,
    batch: &Batch<P::Event>,
) -> Result<(), ProjectionError> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    if !checkpoint::advance(&mut transaction, source, claimed, batch.reached()).await? {
        return Err(ProjectionError::Superseded { topic: source.topic.clone() });
    }
    projection.apply(&mut transaction, &batch.histories()).await?;
    Ok(transaction.commit().await?)
}

fn wait<T>(
    runtime: &Handle,
    limit: Duration,
    answer: impl Future<Output = Result<T, ProjectionError>>,
) -> Result<T, ProjectionError> {
    runtime
        .block_on(async { timeout(limit, answer).await })
        .unwrap_or(Err(ProjectionError::PostgresTimedOut(limit)))
}
