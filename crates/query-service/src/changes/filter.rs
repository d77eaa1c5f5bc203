use super::{Change, page::IndexedChange};

/// Selects the changes that match every field that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangesFilter {
    /// Only changes of this aggregate.
    pub aggregate_id: Option<String>,
    /// Only changes of aggregates whose first event has this value in the field given to
    /// [`Changes::follow`](super::Changes::follow).
    pub first_event: Option<String>,
    /// Only events with this name: `OrderPlaced`.
    pub event_type: Option<String>,
}

impl ChangesFilter {
    pub(super) fn matches(&self, change: &IndexedChange) -> bool {
        let Change { aggregate_id, r#type, .. } = &change.change;
        self.aggregate_id.as_ref().is_none_or(|wanted| wanted == aggregate_id)
            && self.event_type.as_ref().is_none_or(|wanted| wanted == r#type)
            && (self.first_event.is_none() || self.first_event == change.first_event)
    }
}
