//! The announcement of a partition's owner. It is written by the partition's own fenced producer, so a replaced owner
//! cannot announce itself.

use rdkafka::{Message, message::BorrowedMessage};
use serde::{Deserialize, Serialize};

/// An announcement, as JSON. The key of the record is the partition's number; its offset determines the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Announcement {
    /// The partition of the events topic.
    pub(super) partition: i32,
    /// Where the owner accepts forwarded commands.
    pub(super) address: String,
}

/// Whether a record of the owners topic announces an owner of this partition.
pub(super) fn announces(message: &BorrowedMessage<'_>, partition: i32) -> bool {
    message.key() == Some(partition.to_string().as_bytes()) && message.payload().is_some()
}
