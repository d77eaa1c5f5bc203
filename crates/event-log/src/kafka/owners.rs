//! The announcement of a shard's owner, in the shard's own partition of the owners topic. It is written by the shard's own
//! fenced producer, so a replaced owner cannot announce itself.

use rdkafka::{Message, message::BorrowedMessage};
use serde::{Deserialize, Serialize};

/// An announcement, as JSON. The key of the record is the shard's number; its offset and the floor determine the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Announcement {
    /// The shard, which is also the number of the record's partition.
    pub(super) shard: i32,
    /// Where the owner accepts forwarded commands.
    pub(super) address: String,
    /// The epochs of earlier layouts of the context are not above this.
    #[serde(default)]
    pub(super) epoch_floor: u64,
}

impl Announcement {
    /// Parses a record of the owners topic. `None` if it is not an announcement for its partition.
    pub(super) fn read(message: &BorrowedMessage<'_>) -> Option<Self> {
        let read: Self = serde_json::from_slice(message.payload()?).ok()?;
        (read.shard == message.partition()).then_some(read)
    }

    /// The epoch of the announcement at this offset.
    pub(super) const fn epoch(&self, offset: i64) -> u64 {
        self.epoch_floor + offset.unsigned_abs() + 1
    }
}
