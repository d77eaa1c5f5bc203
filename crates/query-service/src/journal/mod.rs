//! The journal: every event of a context in Postgres, in log order. An aggregate's history is its events; its state at
//! an earlier version or time is a fold of them. A fold must never skip a missing event.

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

/// Answers queries from the journal. The answers are as fresh as the projection [`JOURNAL`], which is independent of
/// the projection of the current state.
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

    /// An aggregate as it was at an earlier version or time: the fold of its events up to that point, with the entity
    /// tag of that version.
    pub async fn document_at<T: Document, E: Message>(
        &self,
        request: &ReadRequest,
        id: impl Into<AggregateId>,
        point: PointInTime,
        fold: Fold<T, E>,
    ) -> Result<Response, Problem> {
        let scope = self.0.aggregate(id);
        let result = scope.wait_and_read(request, || read::event_history(&scope, point)).await?;
        let document = result.answer(scope.topic).and_then(|history| {
            history.replay(point, fold).map_err(|error| self.0.read_model().problems().of(error))
        });
        Ok(document.document(request))
    }
}
