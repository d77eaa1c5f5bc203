//! The journal: every event of a context in Postgres, in the order of the log. An aggregate's history is its events; its
//! state at an earlier version or time is a fold of them. An event that is missing is never passed over.

mod event_history;
mod history;
mod point_in_time;
mod read;

pub(crate) use self::event_history::ReplayError;
pub use self::{
    event_history::{Fold, JournalEntry},
    history::{HistoryPage, PastEvent},
    point_in_time::{PointInTime, PointInTimeParameters},
};

use aggregate::{AggregateId, Message};
use axum::response::Response;
use service_kit::Problem;
use utoipa_axum::{
    router::{UtoipaMethodRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::{Document, Projection, ReadRequest, mounted_at::mounted_at};
use history::{__path_history, history};

/// The projection that fills the table `journal`.
pub const JOURNAL: &str = "journal";

/// Queries that are answered from the journal. They are as fresh as the projection [`JOURNAL`], not as the one whose
/// tables show the current state.
#[derive(Debug, Clone)]
pub struct Journal(Projection);

impl Journal {
    /// Answers from the journal that this projection fills.
    pub const fn new(projection: Projection) -> Self {
        Self(projection)
    }

    /// The same journal, for queries about another kind of aggregate of the context: `card`.
    #[must_use]
    pub fn of(&self, aggregate: &str) -> Self {
        Self(self.0.of(aggregate))
    }

    /// The route of an aggregate's history: its events, from the first to the last, in pages. The path contains the
    /// aggregate's id, a UUID: `/orders/{order_id}/history`.
    pub fn history_route<S: Send + Sync + Clone + 'static>(&self, path: &str) -> UtoipaMethodRouter<S> {
        let id = path.split(['{', '}']).nth(1).expect("the path of a history contains an id");
        mounted_at(path, id, routes!(history).with_state(self.clone()))
    }

    /// An aggregate as it was at an earlier version or time: the document that its events up to there make, with its
    /// entity tag of then.
    pub async fn document_at<T: Document, E: Message>(
        &self,
        request: &ReadRequest,
        id: impl Into<AggregateId>,
        point: PointInTime,
        fold: Fold<T, E>,
    ) -> Result<Response, Problem> {
        let at = self.0.aggregate(id);
        let reading = at.wait_and_read(request, || read::event_history(&at, point)).await?;
        let document = reading.answer(at.topic).and_then(|history| {
            history.replay(point, fold).map_err(|error| self.0.read_model().problems().of(error))
        });
        Ok(document.document(request))
    }
}
