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

use crate::{Document, List, NoFilters, Projection, ReadRequest};

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

    /// The events of an aggregate, from the first to the last, in pages.
    pub async fn history(
        &self,
        request: &ReadRequest,
        id: impl Into<AggregateId>,
        list: &List<NoFilters, i64>,
    ) -> Result<Response, Problem> {
        let at = self.0.aggregate(id);
        let reading = at.wait_and_read(request, || read::history(&at, list)).await?;
        let not_found = || self.0.read_model().problems().not_found();
        let events = reading.answer(at.topic).and_then(|events| events.ok_or_else(not_found));
        Ok(events.page(list, |last| last.version, |events| HistoryPage { events }))
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
