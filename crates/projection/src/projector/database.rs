#![expect(clippy::disallowed_methods, reason = "it blocks only the thread of its projector")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{PgConnection, postgres::PgConnectOptions};
use tokio::{runtime::Handle, task::JoinHandle};

use crate::projector::{
    batch::Batch,
    checkpoint::Checkpoints,
    session::Session,
    shared_transactions::{Participant, SharedTransactions},
    target::Target,
    write::within,
};
use crate::{Projection, ProjectionError};

/// Rows are always looked up by key, even if a table was small when the plan was made. If a projector is killed while
/// it waits for a lock, Postgres notices within a second and releases its other locks.
const SETTINGS: [(&str, &str); 3] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("client_connection_check_interval", "1s"),
];

/// The connection of a projector thread: one operation at a time, each with a time limit.
pub(crate) struct Database {
    /// `None` while a batch is written.
    session: Option<Session>,
    shared: SharedTransactions,
    /// Set if this generation is live and has written a batch, so that a failure that persists holds back no others.
    participant: Option<Participant>,
    runtime: Handle,
    limit: Duration,
}

/// A batch that is being written while the thread reads the next one.
pub(crate) struct Writing<E>(JoinHandle<Result<(Session, Written<E>), ProjectionError>>);

/// A batch that was written.
pub(crate) struct Written<E> {
    pub(crate) batch: Batch<E>,
    pub(crate) ended: Instant,
    pub(crate) took: Duration,
}

impl Database {
    /// Connects to fill a generation.
    pub(crate) fn open(
        options: &PgConnectOptions,
        shared: &SharedTransactions,
        target: Target,
        runtime: &Handle,
        limit: Duration,
    ) -> Result<Self, ProjectionError> {
        let options = projector_options(options, limit).application_name(target.projection);
        let session = runtime.block_on(within(limit, Session::open(&options, target)))?;
        let (shared, runtime) = (shared.clone(), runtime.clone());
        Ok(Self { session: Some(session), shared, participant: None, runtime, limit })
    }

    /// The generation that is filled, as of the last claim.
    pub(crate) fn target(&self) -> Option<&Target> {
        self.session.as_ref().map(Session::target)
    }

    /// Claims partitions; see [`Session::claim`]. No batch may be in flight.
    pub(crate) fn claim(&mut self, partitions: &[i32]) -> Result<Checkpoints, ProjectionError> {
        let session = self.session.as_mut().expect("no batch is in flight");
        self.runtime.block_on(within(self.limit, session.claim(partitions)))
    }

    /// Does other work on the connection. No batch may be in flight.
    pub(crate) fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection, &Target) -> Result<T, ProjectionError>,
    ) -> Result<T, ProjectionError> {
        let session = self.session.as_mut().expect("no batch is in flight");
        self.runtime.block_on(within(self.limit, session.run(work)))
    }

    /// Begins to write a batch and its checkpoints atomically. No other batch may be in flight.
    pub(crate) fn begin<P: Projection>(
        &mut self,
        projection: &Arc<P>,
        claimed: Checkpoints,
        mut batch: Batch<P::Event>,
    ) -> Writing<P::Event> {
        let mut session = self.session.take().expect("no batch is in flight");
        let (projection, limit) = (Arc::clone(projection), self.limit);
        let shared = self.participant.as_ref().and_then(|participant| participant.transactions(batch.len()));
        Writing(self.runtime.spawn(async move {
            let began = Instant::now();
            let is_written = match shared {
                Some(shared) => shared.write(&*projection, session.target(), &claimed, &batch, limit).await,
                None => false,
            };
            if !is_written {
                session.write(&*projection, &claimed, &mut batch, limit).await?;
            }
            let ended = Instant::now();
            Ok((session, Written { batch, ended, took: ended - began }))
        }))
    }

    /// Waits until the batch is written.
    pub(crate) fn finish<E>(&mut self, writing: Writing<E>) -> Result<Written<E>, ProjectionError> {
        let ended = self.runtime.block_on(writing.0);
        let (session, written) = ended.expect("a projection does not panic")?;
        if session.target().is_live() {
            self.participant.get_or_insert_with(|| self.shared.participate());
        }
        self.session = Some(session);
        Ok(written)
    }
}

/// The options of a connection that fills generations.
pub(crate) fn projector_options(options: &PgConnectOptions, limit: Duration) -> PgConnectOptions {
    // A projector that is paused in the middle of a transaction keeps its locks, so Postgres ends the transaction.
    let idle_timeout = format!("{}ms", limit.as_millis());
    options
        .clone()
        .options([("idle_in_transaction_session_timeout", idle_timeout.as_str())])
        .options(SETTINGS)
}
