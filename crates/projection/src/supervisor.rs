//! Knows which generations of a projection there are, and has each of its own version followed by a thread.
//!
//! It asks when it connects, and again whenever Postgres tells of a change; nothing is asked in between. What a thread
//! does with the wrong instruction is harmless: the claim of its checkpoints finds where the tables are.

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

use crate::{
    Generation, GenerationState, PartitionOffsets, Projection, ProjectionError, Projectors, Source,
    checkpoint::{self, CHANNEL},
    follower::Move,
    generation,
    generation_handle::GenerationHandle,
    instruction::Instruction,
    listener::{Listener, SILENCE},
    retry::Retry,
};

/// How long connecting, or one question, may take.
const CALL: Duration = Duration::from_secs(2);

pub(crate) struct Supervisor<P> {
    projectors: Projectors,
    projection: Arc<P>,
    pool: PgPool,
    source: Source,
    part: Component,
    retry: Retry,
    /// By generation.
    generation_handle: BTreeMap<i32, GenerationHandle>,
    threads: JoinSet<Result<(), RecvError>>,
    connection: u64,
    live: i32,
    /// Where the live generation stands; nowhere while that is not known.
    offsets: watch::Sender<PartitionOffsets>,
}

impl<P: Projection> Supervisor<P> {
    pub(crate) fn new(projectors: Projectors, projection: Arc<P>) -> Self {
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(CALL);
        Self {
            pool: pool.connect_lazy_with(projectors.database.clone().application_name(P::NAME)),
            source: Source { projection: P::NAME.to_owned(), topic: projectors.topics.events() },
            part: projectors.health.component(P::NAME),
            retry: Retry::new(&projectors.settings),
            generation_handle: BTreeMap::new(),
            threads: JoinSet::new(),
            connection: 0,
            live: 0,
            offsets: watch::Sender::default(),
            projectors,
            projection,
        }
    }

    /// Until the end. It is an error if a thread panics.
    pub(crate) async fn run(mut self) -> io::Result<()> {
        let shutdown = self.projectors.shutdown.clone();
        if shutdown.run_until_cancelled(self.supervise()).await.is_some() {
            return Err(io::Error::other(format!("a thread of the projection {} panicked", P::NAME)));
        }
        self.threads.join_all().await;
        Ok(())
    }

    /// Connects again and again, until a thread has panicked.
    async fn supervise(&mut self) {
        while let Err(error) = self.listen().await {
            self.part.not_ready(error.to_string());
            // Postgres may come back in an older state.
            self.offsets.send_replace(PartitionOffsets::default());
            sleep(self.retry.failed(P::NAME, &error)).await;
        }
    }

    /// Listens until the connection is lost, or until a thread has panicked, which is no error here. What it missed
    /// before is in the tables, so they are read after listening has begun.
    async fn listen(&mut self) -> Result<(), ProjectionError> {
        let mut listener = Listener::open(&self.pool).await?;
        generation::register::<P>(listener.connection().await?, &self.source.topic).await?;
        self.connection += 1;
        self.look(&mut listener).await?;
        loop {
            let told = tokio::select! {
                told = listener.next_within(SILENCE) => told?,
                Some(Ok(Err(_))) = self.threads.join_next() => return Ok(()),
            };
            match told {
                Some(told) => self.hear(told, &mut listener).await?,
                None => ask(listener.connection().await?.ping()).await?,
            }
        }
    }

    async fn hear(&mut self, told: PgNotification, listener: &mut Listener) -> Result<(), ProjectionError> {
        if told.channel() == CHANNEL {
            self.moved(told.payload());
        } else if told.payload() == P::NAME {
            self.look(listener).await?;
        }
        Ok(())
    }

    /// Reads which generations there are and where the live one stands, and has all of this version followed.
    async fn look(&mut self, listener: &mut Listener) -> Result<(), ProjectionError> {
        let reading = async {
            let connection = listener.connection().await?;
            let generations = generation::all(connection, P::NAME).await?;
            Ok((generations, checkpoint::live_stand(connection, &self.source).await?))
        };
        let (generations, live) = ask(reading).await?;
        self.live = live.generation;
        self.offsets.send_replace(live.offsets);
        self.follow(generations);
        Ok(())
    }

    /// Takes in a move of the live generation.
    fn moved(&self, payload: &str) {
        let is_own = |step: &Move<'_>| step.is_of(&self.source) && step.generation == self.live;
        if let Some(Move { position, .. }) = Move::read(payload).filter(is_own) {
            self.offsets.send_modify(|offsets| offsets.set(position.partition, position.offset + 1));
        }
    }

    /// Starts, tells and stops threads, until each generation of this version has one.
    fn follow(&mut self, generations: Vec<Generation>) {
        let live = generations.iter().find(|generation| generation.state == GenerationState::Live);
        let filled_by = live.map(|live| live.version);
        let own: Vec<_> = generations.into_iter().filter(|one| one.version == P::VERSION).collect();
        self.generation_handle.retain(|number, _| own.iter().any(|generation| generation.number == *number));
        let state = match filled_by {
            Some(filled_by) if own.is_empty() => {
                Err(ProjectionError::OtherVersion { projection: P::NAME, filled_by, running: P::VERSION })
            }
            _ => Ok(()),
        };
        for generation in own {
            let number = generation.number;
            let instruction = Instruction { generation, connection: self.connection };
            if let Some(generation_handle) = self.generation_handle.get(&number) {
                generation_handle.tell(instruction);
            } else {
                let generation_handle = self.start(instruction);
                self.generation_handle.insert(number, generation_handle);
            }
        }
        // The threads' own parts are there by now.
        match state {
            Ok(()) => {
                self.retry.reset();
                self.part.ready();
            }
            Err(error) => {
                self.retry.failed(P::NAME, &error);
                self.part.not_ready(error.to_string());
            }
        }
    }

    fn start(&mut self, instruction: Instruction) -> GenerationHandle {
        let (projectors, projection) = (self.projectors.clone(), Arc::clone(&self.projection));
        let (generation_handle, ended) =
            GenerationHandle::start(projectors, projection, self.offsets.subscribe(), instruction);
        self.threads.spawn(ended);
        generation_handle
    }
}

async fn ask<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, ProjectionError> {
    Ok(timeout(CALL, answer).await.map_err(|_| ProjectionError::PostgresTimedOut(CALL))??)
}
