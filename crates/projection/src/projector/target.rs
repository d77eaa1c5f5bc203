use sqlx::PgConnection;

use crate::{Generation, GenerationState, History, Projection, ProjectionError};

/// The generation that a projector fills, and the topic that it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) projection: &'static str,
    pub(crate) generation: i32,
    pub(crate) state: GenerationState,
    pub(crate) topic: String,
}

impl Target {
    pub(crate) fn of<P: Projection>(generation: &Generation, topic: &str) -> Self {
        Self {
            projection: P::NAME,
            generation: generation.number,
            state: generation.state,
            topic: topic.to_owned(),
        }
    }

    /// Whether queries read the generation.
    pub(crate) fn is_live(&self) -> bool {
        self.state == GenerationState::Live
    }

    /// Whether the generation is being filled from the first event.
    pub(crate) fn is_building(&self) -> bool {
        self.state == GenerationState::Building
    }

    /// Applies events to the rows: in bulk if the generation is being built.
    pub(crate) async fn fill<P: Projection>(
        &self,
        projection: &P,
        transaction: &mut PgConnection,
        batch: &[&History<P::Event>],
    ) -> Result<(), ProjectionError> {
        if self.is_building() {
            projection.load(transaction, batch).await
        } else {
            projection.apply(transaction, batch).await
        }
    }
}
