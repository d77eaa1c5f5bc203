use std::time::Duration;

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::projector::{
    batch::Batch,
    checkpoint::{self, Checkpoints},
    generation,
    target::Target,
    write::Writer,
};
use crate::{Projection, ProjectionError};

/// The connection that fills a generation. It must be dropped after any error, because its state is then unknown.
pub(crate) struct Session {
    connection: PgConnection,
    target: Target,
}

impl Session {
    pub(crate) async fn open(options: &PgConnectOptions, target: Target) -> Result<Self, ProjectionError> {
        Ok(Self { connection: PgConnection::connect_with(options).await?, target })
    }

    pub(crate) const fn target(&self) -> &Target {
        &self.target
    }

    /// Claims partitions, and sets the search path to the schema that contains the tables.
    ///
    /// A swap blocks claims until the tables have been moved, and raises the epochs. So a claim either waits and reads
    /// the new schema, or it is fenced.
    pub(crate) async fn claim(&mut self, partitions: &[i32]) -> Result<Checkpoints, ProjectionError> {
        let mut transaction = self.connection.begin().await?;
        generation::block_swaps(&mut transaction, self.target.projection).await?;
        let claimed = checkpoint::claim(&mut transaction, &self.target, partitions).await?;
        let (projection, number) = (self.target.projection, self.target.generation);
        let generation = generation::one(&mut transaction, projection, number)
            .await?
            .ok_or(ProjectionError::NoGeneration { projection, generation: number })?;
        // Only this schema: a table that is missing in it must not be found in another one.
        sqlx::query("SELECT set_config('search_path', $1, false)")
            .bind(generation.schema())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.target.state = generation.state;
        Ok(claimed)
    }

    /// Writes a batch and its checkpoints atomically, with a time limit for each step.
    pub(crate) async fn write<P: Projection>(
        &mut self,
        projection: &P,
        claimed: &Checkpoints,
        batch: &mut Batch<P::Event>,
        limit: Duration,
    ) -> Result<(), ProjectionError> {
        let Self { connection, target } = self;
        Writer { connection, target, projection, limit }.write(claimed, batch).await
    }

    /// Does other work on the connection.
    pub(crate) async fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection, &Target) -> Result<T, ProjectionError>,
    ) -> Result<T, ProjectionError> {
        work(&mut self.connection, &self.target).await
    }
}
