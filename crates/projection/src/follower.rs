//! Keeps each [`CheckpointWatch`] at the position of its projection, by the notifications that every move of a checkpoint
//! sends.

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
    checkpoint_waiters::CheckpointWaiters,
    listener::{CONTROL, Listener, SILENCE},
    live_offsets::LiveOffsets,
};

/// How long connecting, or one query, may take.
const CALL: Duration = Duration::from_secs(2);
/// The pause before connecting again.
const RECONNECT: Duration = Duration::from_millis(200);

/// Begins to follow projections of one database, all of them through one connection, and returns a watch for each, in
/// their order. It ends by itself when the last clone of every watch is gone.
///
/// The component is ready while Postgres answers; a projection that has never run is no fault. `partitions` is the
/// partition count of the topics; a checkpoint beyond it makes the component not ready, because every aggregate would be
/// looked for in the wrong partition.
pub fn follow<const N: usize>(
    database: &PgConnectOptions,
    sources: [Source; N],
    partitions: i32,
    health: Component,
) -> [CheckpointWatch; N] {
    follow_through(database, sources, partitions, health, SILENCE)
}

/// Follows, and tests the connection after this much silence.
pub(crate) fn follow_through<const N: usize>(
    database: &PgConnectOptions,
    sources: [Source; N],
    partitions: i32,
    health: Component,
    silence: Duration,
) -> [CheckpointWatch; N] {
    let pool =
        PgPoolOptions::new().max_connections(1).acquire_timeout(CALL).connect_lazy_with(database.clone());
    let projections = sources.map(Followed::new);
    let watches = projections.each_ref().map(|followed| CheckpointWatch::new(Arc::clone(&followed.waiters)));
    tokio::spawn(Follower { pool, projections: projections.into(), partitions, health, silence }.run());
    watches
}

struct Follower {
    pool: PgPool,
    projections: Vec<Followed>,
    partitions: i32,
    health: Component,
    silence: Duration,
}

/// A projection that is followed.
struct Followed {
    source: Source,
    waiters: Arc<CheckpointWaiters>,
    /// The live generation; 0 while there is none.
    generation: i32,
}

impl Followed {
    fn new(source: Source) -> Self {
        Self { source, waiters: Arc::default(), generation: 0 }
    }

    fn is_watched(&self) -> bool {
        Arc::strong_count(&self.waiters) > 1
    }
}

impl Follower {
    async fn run(mut self) {
        while self.is_watched() {
            if let Err(error) = self.listen().await {
                self.health.not_ready(format!("postgres: {error}"));
            }
            sleep(RECONNECT).await;
        }
    }

    fn is_watched(&self) -> bool {
        self.projections.iter().any(Followed::is_watched)
    }

    /// Listens until the connection is lost. The checkpoints are read after listening has begun, so that no move is
    /// missed in between.
    async fn listen(&mut self) -> Result<(), sqlx::Error> {
        let mut listener = Listener::open(&self.pool).await?;
        self.read_offsets(&mut listener).await?;
        while self.is_watched() {
            let notification = listener.next_within(self.silence).await?;
            if !notification.is_some_and(|notification| self.apply(&notification)) {
                self.read_offsets(&mut listener).await?;
            }
        }
        Ok(())
    }

    /// Reads which generations are live, and how far they are.
    async fn read_offsets(&mut self, listener: &mut Listener) -> Result<(), sqlx::Error> {
        let mut highest = None;
        for followed in &mut self.projections {
            let reading = async { LiveOffsets::read(listener.connection().await?, &followed.source).await };
            let LiveOffsets { generation, offsets } =
                timeout(CALL, reading).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
            highest = highest.max(offsets.highest_partition());
            followed.generation = generation;
            followed.waiters.stands_at(&offsets);
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

    /// Applies a notification. Returns false if the tables have to be read instead: where generations change, or where
    /// the first one begins. Notifications of other projections and generations are ignored.
    fn apply(&self, notification: &PgNotification) -> bool {
        if notification.channel() == CONTROL {
            return self
                .projections
                .iter()
                .all(|followed| followed.source.projection != notification.payload());
        }
        let Some(step) = Move::parse(notification.payload()) else { return true };
        for followed in self.projections.iter().filter(|followed| step.is_of(&followed.source)) {
            if followed.generation == step.generation {
                followed.waiters.moved(step.position.partition, step.position.offset + 1);
            } else if followed.generation == 0 {
                return false;
            }
        }
        true
    }
}

/// A move of a checkpoint, as its notification describes it.
pub(crate) struct Move<'n> {
    pub(crate) projection: &'n str,
    pub(crate) generation: i32,
    pub(crate) position: Position,
}

impl<'n> Move<'n> {
    pub(crate) fn parse(payload: &'n str) -> Option<Self> {
        let [projection, generation, position] = payload.split(' ').collect::<Vec<_>>().try_into().ok()?;
        Some(Self { projection, generation: generation.parse().ok()?, position: position.parse().ok()? })
    }

    pub(crate) fn is_of(&self, source: &Source) -> bool {
        self.projection == source.projection && self.position.topic == source.topic
    }
}
