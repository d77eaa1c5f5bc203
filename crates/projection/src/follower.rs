//! Keeps each [`CheckpointWatch`] at where its projection stands, by what Postgres tells on the checkpoint's channel.

use std::{sync::Arc, time::Duration};

use event_log::Position;
use service_kit::health::Component;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgNotification, PgPoolOptions},
};
use tokio::time::{sleep, timeout};

use crate::{
    CheckpointWatch, Source,
    checkpoint::{self, LiveOffsets},
    checkpoint_waiters::CheckpointWaiters,
    generation::CONTROL,
    listener::{Listener, SILENCE},
};

/// How long connecting, or one question, may take.
const CALL: Duration = Duration::from_secs(2);
/// The pause before connecting again.
const RECONNECT: Duration = Duration::from_millis(200);

/// Begins to follow projections of one database, all of them through one connection, and answers in their order. It
/// ends by itself when the last clone of every answer is gone.
///
/// The part is ready while Postgres answers; a projection that has never run stands nowhere, and that is no fault.
/// `partitions` is how many their topics have; a checkpoint beyond them makes the part not ready, for then every
/// aggregate would be looked for in the wrong partition.
pub fn follow<const N: usize>(
    database: &PgConnectOptions,
    sources: [Source; N],
    partitions: i32,
    health: Component,
) -> [CheckpointWatch; N] {
    follow_through(database, sources, partitions, health, SILENCE)
}

/// Follows, and tries the connection after this much silence.
pub(crate) fn follow_through<const N: usize>(
    database: &PgConnectOptions,
    sources: [Source; N],
    partitions: i32,
    health: Component,
    silence: Duration,
) -> [CheckpointWatch; N] {
    let pool =
        PgPoolOptions::new().max_connections(1).acquire_timeout(CALL).connect_lazy_with(database.clone());
    let generation_handle = sources.map(GenerationHandle::new);
    let answers = generation_handle
        .each_ref()
        .map(|generation_handle| CheckpointWatch::new(Arc::clone(&generation_handle.room)));
    tokio::spawn(
        Follower { pool, generation_handle: generation_handle.into(), partitions, health, silence }.run(),
    );
    answers
}

struct Follower {
    pool: PgPool,
    generation_handle: Vec<GenerationHandle>,
    partitions: i32,
    health: Component,
    silence: Duration,
}

/// One of the projections.
struct GenerationHandle {
    source: Source,
    room: Arc<CheckpointWaiters>,
    /// The live generation; 0 while there is none.
    generation: i32,
}

impl GenerationHandle {
    fn new(source: Source) -> Self {
        Self { source, room: Arc::default(), generation: 0 }
    }

    fn is_awaited(&self) -> bool {
        Arc::strong_count(&self.room) > 1
    }
}

impl Follower {
    async fn run(mut self) {
        while self.is_awaited() {
            if let Err(error) = self.listen().await {
                self.health.not_ready(format!("postgres: {error}"));
            }
            sleep(RECONNECT).await;
        }
    }

    fn is_awaited(&self) -> bool {
        self.generation_handle.iter().any(GenerationHandle::is_awaited)
    }

    /// Listens until the connection is lost. What it missed before is in the checkpoints, so they are read after
    /// listening has begun.
    async fn listen(&mut self) -> Result<(), sqlx::Error> {
        let mut listener = Listener::open(&self.pool).await?;
        self.look(&mut listener).await?;
        while self.is_awaited() {
            let told = listener.next_within(self.silence).await?;
            if !told.is_some_and(|told| self.hear(&told)) {
                self.look(&mut listener).await?;
            }
        }
        Ok(())
    }

    /// Reads where the live generations stand, and which ones they are.
    async fn look(&mut self, listener: &mut Listener) -> Result<(), sqlx::Error> {
        let mut highest = None;
        for generation_handle in &mut self.generation_handle {
            let reading = async {
                checkpoint::live_stand(listener.connection().await?, &generation_handle.source).await
            };
            let LiveOffsets { generation, offsets } =
                timeout(CALL, reading).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
            highest = highest.max(offsets.highest_partition());
            generation_handle.generation = generation;
            generation_handle.room.stands_at(&offsets);
        }
        match highest {
            Some(highest) if highest >= self.partitions => self.health.not_ready(format!(
                "the projection has a partition {highest}, the settings say {} partitions",
                self.partitions
            )),
            _ => self.health.ready(),
        }
        Ok(())
    }

    /// Takes in what was told, and answers whether that is enough: where generations change, or the first one begins,
    /// only a look can tell. Moves of other projections and generations are passed over.
    fn hear(&self, told: &PgNotification) -> bool {
        if told.channel() == CONTROL {
            return !self
                .generation_handle
                .iter()
                .any(|generation_handle| generation_handle.source.projection == told.payload());
        }
        let Some(step) = Move::read(told.payload()) else { return true };
        for generation_handle in
            self.generation_handle.iter().filter(|generation_handle| step.is_of(&generation_handle.source))
        {
            if generation_handle.generation == step.generation {
                generation_handle.room.moved(step.position.partition, step.position.offset + 1);
            } else if generation_handle.generation == 0 {
                return false;
            }
        }
        true
    }
}

/// A move of a checkpoint, as it is told.
pub(crate) struct Move<'t> {
    pub(crate) projection: &'t str,
    pub(crate) generation: i32,
    pub(crate) position: Position,
}

impl<'t> Move<'t> {
    pub(crate) fn read(payload: &'t str) -> Option<Self> {
        let [projection, generation, position] = payload.split(' ').collect::<Vec<_>>().try_into().ok()?;
        Some(Self { projection, generation: generation.parse().ok()?, position: position.parse().ok()? })
    }

    pub(crate) fn is_of(&self, source: &Source) -> bool {
        self.projection == source.projection && self.position.topic == source.topic
    }
}
