use aggregate::Version;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::log::{Entry, PARTITIONS, TOPIC};
use crate::projector::{
    batch::Batch,
    checkpoint::{self, Advance, Checkpoints},
    generation,
    target::Target,
    write::{WriteLock, begin},
};
use crate::{Generation, GenerationState, Projection, ProjectionError};

/// The rows of a projection, and a connection that fills them with the events of the claimed partitions.
pub(super) struct Rows<'p, P> {
    pub(super) connection: PgConnection,
    projection: &'p P,
    target: Target,
    claimed: Checkpoints,
}

impl<'p, P: Projection> Rows<'p, P> {
    /// Empties the tables, to be filled like a generation in this state.
    pub(super) async fn empty(
        projection: &'p P,
        database: &PgConnectOptions,
        state: GenerationState,
    ) -> Self {
        let mut connection = PgConnection::connect_with(database).await.expect("postgres is running");
        generation::register::<P>(&mut connection, TOPIC).await.expect("the migrations are applied");
        for table in P::TABLES.iter().chain(&["checkpoint"]) {
            let statement = format!("DELETE FROM {table}");
            sqlx::query(&statement).execute(&mut connection).await.expect("the projection's tables exist");
        }
        Self::claim(projection, connection, state, &(0..PARTITIONS).collect::<Vec<_>>()).await
    }

    /// Leaves the tables as they are, to be filled with the events of some partitions.
    pub(super) async fn of_partitions(
        projection: &'p P,
        database: &PgConnectOptions,
        partitions: &[i32],
    ) -> Self {
        let connection = PgConnection::connect_with(database).await.expect("postgres is running");
        Self::claim(projection, connection, GenerationState::Live, partitions).await
    }

    async fn claim(
        projection: &'p P,
        mut connection: PgConnection,
        state: GenerationState,
        partitions: &[i32],
    ) -> Self {
        let target = Target::of::<P>(&first_generation::<P>(state), TOPIC);
        let claimed = checkpoint::claim(&mut connection, &target, partitions).await;
        Self { connection, projection, target, claimed: claimed.expect("a partition can be claimed") }
    }

    /// Applies the next events in one transaction.
    pub(super) async fn apply(&mut self, events: &[Entry<P::Event>]) -> Result<(), ProjectionError> {
        let batch = self.batch(events)?;
        let advance = Advance { target: &self.target, from: &self.claimed, to: batch.reached() };
        let mut transaction = begin(&mut self.connection, WriteLock::Shared, advance).await?;
        let histories = batch.histories();
        if !histories.is_empty() {
            self.target.fill(self.projection, &mut transaction, &histories).await?;
        }
        transaction.commit().await?;
        self.claimed.extend(batch.reached());
        Ok(())
    }

    fn batch(&self, events: &[Entry<P::Event>]) -> Result<Batch<P::Event>, ProjectionError> {
        let mut batch = Batch::new();
        for entry in events {
            let (recorded, partition) = (&entry.recorded, entry.partition());
            let reached = batch.checkpoint_after(self.claimed[&partition], recorded)?;
            let before = Version(recorded.envelope.version.0 - 1);
            match entry.event.clone() {
                Some(event) => {
                    batch.check(recorded, before)?;
                    batch.push(recorded.clone().into(), event, before);
                }
                None => batch.skip(recorded),
            }
            batch.move_checkpoint(partition, reached, Some(recorded.envelope.time));
        }
        Ok(batch)
    }

    /// All rows of all tables, in a fixed order.
    pub(super) async fn all(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        for table in P::TABLES {
            let statement =
                format!("SELECT '{table} ' || to_jsonb({table})::text AS row FROM {table} ORDER BY row");
            let rows: Vec<String> = sqlx::query_scalar(&statement)
                .fetch_all(&mut self.connection)
                .await
                .expect("the rows can be read");
            all.extend(rows);
        }
        all
    }
}

/// The generation whose tables the migrations have created.
fn first_generation<P: Projection>(state: GenerationState) -> Generation {
    Generation {
        projection: P::NAME.to_owned(),
        number: 1,
        version: P::VERSION,
        state,
        paused: false,
        rate_limit: None,
        trouble: None,
    }
}
