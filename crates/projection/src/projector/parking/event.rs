use std::sync::Arc;

use event_log::{RawRecord, Recorded};

use super::ParkReason;

/// An event that a batch parks.
#[derive(Debug, Clone)]
pub(crate) struct ParkedEvent {
    pub(crate) record: RawRecord,
    /// The aggregate's id; empty if the record's key is not an id.
    pub(crate) aggregate: String,
    /// Why the event cannot be applied; `None` if it only waits for an earlier one.
    pub(crate) park_reason: Option<ParkReason>,
}

impl ParkedEvent {
    pub(crate) fn new(recorded: Arc<Recorded>, park_reason: Option<ParkReason>) -> Self {
        let aggregate = recorded.envelope.aggregate_id.to_string();
        Self { record: Arc::unwrap_or_clone(recorded).into(), aggregate, park_reason }
    }

    pub(crate) const fn partition(&self) -> i32 {
        self.record.position.partition
    }
}
