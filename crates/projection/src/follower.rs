//! Keeps each [`CheckpointWatch`] at the position of its projection, by the notifications that are sent whenever a
//! checkpoint moves.

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
    listener::{CONTROL, Listener, MAX_SILENCE},
    live_offsets::LiveOffsets,
};

/// How long connecting or one query may take.
const QUERY_TIMEOUT: Duration = Duration::from_secs(2);
/// How long to wait before connecting again.
const RECONNECT_DELAY: Duration = Duration::from_millis(200);

/// Starts following projections of one database through a single connection, and returns a watch for each, in their
/// order. Following ends when all watches and their clones are dropped.
///
/// The component is ready while Postgres responds, even if a projection has never run. `partitions` is the partition
/// count of the topics. A checkpoint beyond it makes the component not ready, because aggregates would be looked up in
/// the wrong partitions.
pub fn follow<const N: usize>(
    database: &PgConnectOptions,
    sources: [Source; N],
    partitions: i32,
    health: Component,
) -> [CheckpointWatch; N] {
    follow_through(database, sources, partitions, health, MAX_SILENCE)
}

/// Like [`follow`], with a limit on the time without notifications after which the connection is tested.
pub(crate) fn follow_through<const N: usize>(
    database: &PgConnectOptions,
    sources: [Source; N],
    partitions: i32,
    health: Component,
    max_silence: Duration,
) -> [CheckpointWatch; N] {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(QUERY_TIMEOUT)
        .connect_lazy_with(database.clone());
    let projections = sources.map(Followed::new);
    let watches = projections.each_ref().map(|followed| CheckpointWatch::new(Arc::clone(&followed.waiters)));
    tokio::spawn(Follower { pool, projections: projections.into(), partitions, health, max_silence }.run());
    watches
}

struct Follower {
    pool: PgPool,
    projections: Vec<Followed>,
    partitions: i32,
    health: Component,
    max_silence: Duration,
}

/// A followed projection.
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
            sleep(RECONNECT_DELAY).await;
        }
    }

    fn is_watched(&self) -> bool {
        self.projections.iter().any(Followed::is_watched)
    }

    /// Listens until the connection is lost. The checkpoints are read after listening has begun, so that no move is
    /// missed.
    async fn listen(&mut self) -> Result<(), sqlx::Error> {
        let mut listener = Listener::open(&self.pool).await?;
        listener.listen_for_moves(true).await?;
        self.read_offsets(&mut listener).await?;
        while self.is_watched() {
            let notification = listener.next_within(self.max_silence).await?;
            if !notification.is_some_and(|notification| self.apply(&notification)) {
                self.read_offsets(&mut listener).await?;
            }
        }
        Ok(())
    }

    /// Reads which generations are live, and their offsets.
    async fn read_offsets(&mut self, listener: &mut Listener) -> Result<(), sqlx::Error> {
        let mut highest = None;
        for followed in &mut self.projections {
            let reading = async { LiveOffsets::read(listener.connection().await?, &followed.source).await };
            let LiveOffsets { generation, offsets } =
                timeout(QUERY_TIMEOUT, reading).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
            highest = highest.max(offsets.highest_partition());
            followed.generation = generation;
            followed.waiters.set(&offsets);
        }
        match highest {
            Some(highest) if highest >= self.partitions => self.health.not_ready(format!(
                "the projection has a partition {highest}, but the settings say {} partitions",
                self.partitions
            )),
            _ => self.health.ready(),
        }
        Ok(())
    }

    /// Applies a notification. Returns false if the tables have to be read instead, because generations have changed or
    /// the first one has begun. Notifications of other projections and generations are ignored.
    fn apply(&self, notification: &PgNotification) -> bool {
        if notification.channel() == CONTROL {
            return self
                .projections
                .iter()
                .all(|followed| followed.source.projection != notification.payload());
        }
        let Some(moved) = CheckpointMove::parse(notification.payload()) else { return true };
        for followed in self.projections.iter().filter(|followed| moved.is_of(&followed.source)) {
            if followed.generation == moved.generation {
                for position in &moved.positions {
                    followed.waiters.set_partition(position.partition, position.offset + 1);
                }
            } else if followed.generation == 0 {
                return false;
            }
        }
        true
    }
}

/// A notification that checkpoints have moved.
pub(crate) struct CheckpointMove<'n> {
    pub(crate) projection: &'n str,
    pub(crate) generation: i32,
    /// The last position that was applied of each partition, all of one topic.
    pub(crate) positions: Vec<Position>,
}

impl<'n> CheckpointMove<'n> {
    pub(crate) fn parse(payload: &'n str) -> Option<Self> {
        let mut words = payload.split(' ');
        let (projection, generation) = (words.next()?, words.next()?.parse().ok()?);
        let positions = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
        Some(Self { projection, generation, positions })
    }

    pub(crate) fn is_of(&self, source: &Source) -> bool {
        self.projection == source.projection
            && self.positions.first().is_some_and(|position| position.topic == source.topic)
    }
}
