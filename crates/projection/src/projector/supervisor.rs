//! Follows the generations of a projection, and runs a thread for each one of its own version.
//!
//! It reads the generations when it connects, and again whenever a notification says that they have changed. A thread
//! that acts on an outdated instruction does no harm: it looks up the schema of its tables when it claims its
//! checkpoints.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use service_kit::health::Component;
use sqlx::{
    Connection, PgPool,
    postgres::{PgNotification, PgPoolOptions},
};
use tokio::{
    sync::{oneshot::error::RecvError, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    generation, generation_handle::GenerationHandle, instruction::Instruction, retry::Retry, shared::Shared,
};
use crate::{
    Generation, GenerationState, PartitionOffsets, Projection, ProjectionError, Source,
    follower::CheckpointMove,
    listener::{CHECKPOINT, Listener, MAX_SILENCE},
    live_offsets::LiveOffsets,
};

/// How long connecting, or one query, may take.
const QUERY_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) struct Supervisor<P> {
    shared: Shared,
    projection: Arc<P>,
    pool: PgPool,
    source: Source,
    health: Component,
    retry: Retry,
    /// The threads by the number of their generation.
    generations: BTreeMap<i32, GenerationHandle>,
    threads: JoinSet<Result<(), RecvError>>,
    connection: u64,
    live: i32,
    /// The offsets of the live generation; empty while they are unknown.
    offsets: watch::Sender<PartitionOffsets>,
}

impl<P: Projection> Supervisor<P> {
    pub(crate) fn new(shared: Shared, projection: Arc<P>) -> Self {
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(QUERY_TIMEOUT);
        Self {
            pool: pool.connect_lazy_with(shared.database.clone().application_name(P::NAME)),
            source: Source { projection: P::NAME.to_owned(), topic: shared.topics.events() },
            health: shared.health.component(P::NAME),
            retry: Retry::new(&shared.settings),
            generations: BTreeMap::new(),
            threads: JoinSet::new(),
            connection: 0,
            live: 0,
            offsets: watch::Sender::default(),
            shared,
            projection,
        }
    }

    /// Returns after the shutdown. Fails if a thread panics.
    pub(crate) async fn run(mut self) -> io::Result<()> {
        let shutdown = self.shared.shutdown.clone();
        if shutdown.run_until_cancelled(self.supervise()).await.is_some() {
            return Err(io::Error::other(format!("a thread of the projection {} panicked", P::NAME)));
        }
        self.threads.join_all().await;
        Ok(())
    }

    /// Reconnects after every error, until a thread has panicked.
    async fn supervise(&mut self) {
        while let Err(error) = self.listen().await {
            self.health.not_ready(error.to_string());
            // Postgres may be restored to an older state.
            self.offsets.send_replace(PartitionOffsets::default());
            sleep(self.retry.failed(P::NAME, &error)).await;
        }
    }

    /// Listens until the connection is lost, which is an error, or until a thread has panicked. The tables are read
    /// after listening has begun, so that no change is missed.
    async fn listen(&mut self) -> Result<(), ProjectionError> {
        let mut listener = Listener::open(&self.pool).await?;
        generation::register::<P>(listener.connection().await?, &self.source.topic).await?;
        self.connection += 1;
        self.read_generations(&mut listener).await?;
        loop {
            let notification = tokio::select! {
                notification = listener.next_within(MAX_SILENCE) => notification?,
                Some(Ok(Err(_))) = self.threads.join_next() => return Ok(()),
            };
            match notification {
                Some(notification) => self.apply(notification, &mut listener).await?,
                None => in_time(listener.connection().await?.ping()).await?,
            }
        }
    }

    async fn apply(
        &mut self,
        notification: PgNotification,
        listener: &mut Listener,
    ) -> Result<(), ProjectionError> {
        if notification.channel() == CHECKPOINT {
            self.moved(notification.payload());
        } else if notification.payload() == P::NAME {
            self.read_generations(listener).await?;
        }
        Ok(())
    }

    /// Reads the generations and the offsets of the live one, and follows the generations of this version. Only a
    /// generation that is not live needs the offsets of the live one, so the moves of checkpoints are listened for only
    /// while there is one, from before the offsets are read.
    async fn read_generations(&mut self, listener: &mut Listener) -> Result<(), ProjectionError> {
        let reading = async {
            let generations = generation::all(listener.connection().await?, P::NAME).await?;
            let is_filling =
                |one: &Generation| one.version == P::VERSION && one.state != GenerationState::Live;
            listener.listen_for_moves(generations.iter().any(is_filling)).await?;
            Ok((generations, LiveOffsets::read(listener.connection().await?, &self.source).await?))
        };
        let (generations, live) = in_time(reading).await?;
        self.live = live.generation;
        self.offsets.send_replace(live.offsets);
        self.follow(generations);
        Ok(())
    }

    /// Records that checkpoints of the live generation have moved.
    fn moved(&self, payload: &str) {
        let is_live = |moved: &CheckpointMove<'_>| moved.is_of(&self.source) && moved.generation == self.live;
        if let Some(CheckpointMove { positions, .. }) = CheckpointMove::parse(payload).filter(is_live) {
            self.offsets.send_modify(|offsets| {
                for position in &positions {
                    offsets.set(position.partition, position.offset + 1);
                }
            });
        }
    }

    /// Starts, instructs and stops threads, until each generation of this version has one.
    fn follow(&mut self, generations: Vec<Generation>) {
        let live = generations.iter().find(|generation| generation.state == GenerationState::Live);
        let filled_by = live.map(|live| live.version);
        let own: Vec<_> = generations.into_iter().filter(|one| one.version == P::VERSION).collect();
        self.generations.retain(|number, _| own.iter().any(|generation| generation.number == *number));
        let state = match filled_by {
            Some(filled_by) if own.is_empty() => {
                Err(ProjectionError::OtherVersion { projection: P::NAME, filled_by, running: P::VERSION })
            }
            _ => Ok(()),
        };
        for generation in own {
            let number = generation.number;
            let instruction = Instruction { generation, connection: self.connection };
            if let Some(handle) = self.generations.get(&number) {
                handle.instruct(instruction);
            } else {
                let handle = self.start(instruction);
                self.generations.insert(number, handle);
            }
        }
        // This must come after the threads have registered their own health.
        match state {
            Ok(()) => {
                self.retry.reset();
                self.health.ready();
            }
            Err(error) => {
                self.retry.failed(P::NAME, &error);
                self.health.not_ready(error.to_string());
            }
        }
    }

    fn start(&mut self, instruction: Instruction) -> GenerationHandle {
        let (shared, projection) = (self.shared.clone(), Arc::clone(&self.projection));
        let (handle, ended) =
            GenerationHandle::start(shared, projection, self.offsets.subscribe(), instruction);
        self.threads.spawn(ended);
        handle
    }
}

async fn in_time<T>(query: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, ProjectionError> {
    Ok(timeout(QUERY_TIMEOUT, query)
        .await
        .map_err(|_| ProjectionError::PostgresTimedOut(QUERY_TIMEOUT))??)
}
