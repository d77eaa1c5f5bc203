use event_log::{RawRecord, Recorded};

use super::ParkReason;

/// An event that is not applied for now.
#[derive(Debug, Clone)]
pub(crate) struct ParkedEvent {
    pub(crate) record: RawRecord,
    /// The aggregate's id; empty where the record has no key that could be one.
    pub(crate) aggregate: String,
    /// What keeps it from being applied; `None` where it only waits for an earlier one.
    pub(crate) park_reason: Option<ParkReason>,
}

impl ParkedEvent {
    pub(crate) fn new(recorded: Recorded, park_reason: Option<ParkReason>) -> Self {
        let aggregate = recorded.envelope.aggregate_id.to_string();
        Self { record: recorded.into(), aggregate, park_reason }
    }

    pub(crate) const fn partition(&self) -> i32 {
        self.record.position.partition
    }
}
