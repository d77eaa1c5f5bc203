//! Streams new events to many clients as server-sent events.
//!
//! One task follows the journal and broadcasts every page that it reads. Each client has a task that first reads the
//! events that the client missed from the table, then receives the broadcast pages. Offsets decide which events a
//! client is sent, so none is lost or sent twice when a task switches from one to the other. A slow client must never
//! delay another client or the task that reads.

mod change;
mod client;
mod end;
mod event_id;
mod filter;
mod metrics;
mod page;
mod request;
mod route;
mod stream;
mod tail;

pub use self::{change::Change, filter::ChangesFilter, request::ChangesRequest};

use std::{sync::Arc, time::Duration};

use axum::response::Response;
use projection::PartitionOffsets;
use service_kit::{Problem, problem::kinds};
use tokio::sync::{Semaphore, broadcast};
use tokio_util::sync::CancellationToken;
use utoipa_axum::{
    router::{UtoipaMethodRouter, UtoipaMethodRouterExt},
    routes,
};

use self::{
    client::Client,
    page::ChangePage,
    route::{__path_changes, changes},
    stream::Stream,
    tail::Tail,
};
use crate::{ChangesSettings, Projection, mounted_at::mounted_at, problems};

/// How many pages a client's task may lag behind before it has to read from the table.
const BACKLOG: usize = 64;
/// How many clients' tasks may read from the table at once; the other connections are reserved for queries.
const READERS: usize = 3;
/// When a refused client should try again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The change streams of a context. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Changes {
    journal: Projection,
    first_event_field: Option<&'static str>,
    pages: broadcast::Sender<Arc<ChangePage>>,
    slots: Arc<Semaphore>,
    readers: Arc<Semaphore>,
    settings: ChangesSettings,
    shutdown: CancellationToken,
}

/// Where a stream begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// At the next event.
    Now,
    /// After these offsets.
    After(PartitionOffsets),
}

impl Changes {
    /// Follows the journal that this projection fills, until `shutdown`. If `first_event_field` is given
    /// (`customer_id`), changes can be filtered by that field of their aggregate's first event.
    pub fn follow(
        journal: Projection,
        first_event_field: Option<&'static str>,
        settings: ChangesSettings,
        shutdown: CancellationToken,
    ) -> Self {
        let (pages, _) = broadcast::channel(BACKLOG);
        let tail = Tail::new(journal.clone(), first_event_field, pages.clone());
        tokio::spawn(shutdown.clone().run_until_cancelled_owned(tail.run()));
        Self {
            journal,
            first_event_field,
            pages,
            slots: Arc::new(Semaphore::new(settings.streams.get())),
            readers: Arc::new(Semaphore::new(READERS)),
            settings,
            shutdown,
        }
    }

    /// The streams of another kind of aggregate of the context: `card`.
    #[must_use]
    pub fn of(&self, aggregate: &str) -> Self {
        Self { journal: self.journal.of(aggregate), ..self.clone() }
    }

    /// The route of the change streams: `/orders/changes`. Its parameters are the id of an aggregate (`order_id`),
    /// `type` and `from`. A context that needs another filter writes its own route and calls [`stream`](Self::stream).
    pub fn route<S: Send + Sync + Clone + 'static>(&self, path: &str) -> UtoipaMethodRouter<S> {
        mounted_at(
            path,
            self.journal.read_model().aggregate_id_field(),
            routes!(changes).with_state(self.clone()),
        )
    }

    /// Begins a stream. It ends when the client disconnects or the service shuts down.
    pub async fn stream(&self, request: ChangesRequest, filter: ChangesFilter) -> Result<Response, Problem> {
        let model = self.journal.read_model();
        let start = request.start(model.topic(), model.partitions())?;
        let slots = Arc::clone(&self.slots);
        let slot = slots.try_acquire_owned().map_err(|_| {
            Problem::new(kinds::OVERLOADED).detail("no more streams can be served").retry_after(RETRY_AFTER)
        })?;
        // Read even if the result is not needed: a problem response is better than a stream that ends at once.
        let now = page::offsets(&self.journal).await.map_err(|error| problems::postgres(&error))?;
        let seen = match start {
            Start::Now => now,
            Start::After(seen) => seen,
        };
        let (client, response) = Client::new(self.settings.buffer);
        tokio::spawn(Stream::new(self.clone(), filter, seen, client, slot).run());
        Ok(response)
    }
}
