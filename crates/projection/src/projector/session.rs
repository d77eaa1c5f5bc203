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

/// The one connection that fills a generation. It is dropped after any error: what state it was left in is never asked.
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

    /// Takes partitions over, and finds the tables where they are from then on.
    ///
    /// Who promotes a generation lets nobody claim until the tables have changed places, and raises the epochs. So either
    /// this waits and sees the new places, or it cannot write any more.
    pub(crate) async fn claim(&mut self, partitions: &[i32]) -> Result<Checkpoints, ProjectionError> {
        let mut transaction = self.connection.begin().await?;
        generation::hold_in_place(&mut transaction, self.target.projection).await?;
        let claimed = checkpoint::claim(&mut transaction, &self.target, partitions).await?;
        let (projection, number) = (self.target.projection, self.target.generation);
        let generation = generation::one(&mut transaction, projection, number)
            .await?
            .ok_or(ProjectionError::NoGeneration { projection, generation: number })?;
        // No other schema: tables that are missing there must not be found elsewhere.
        sqlx::query("SELECT set_config('search_path', $1, false)")
            .bind(generation.schema())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.target.state = generation.state;
        Ok(claimed)
    }

    /// Writes a batch and its checkpoints, all or nothing, waiting for each step so long at most.
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

    /// Does something else on the connection.
    pub(crate) async fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection, &Target) -> Result<T, ProjectionError>,
    ) -> Result<T, ProjectionError> {
        work(&mut self.connection, &self.target).await
    }
}
