//! Who owns a partition: announced in the owners topic by the partition's own, fenced producer, so that an owner
//! that has been replaced cannot announce itself.

use rdkafka::{Message, message::BorrowedMessage};
use serde::{Deserialize, Serialize};

/// One owner's announcement, as JSON; the record's key is the partition's number. Which ownership it is, its offset
/// tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Announcement {
    /// Which partition of the events topic.
    pub(super) partition: i32,
    /// Where the owner takes forwarded commands.
    pub(super) address: String,
}

/// Whether a record of the owners topic announces an owner of this partition.
pub(super) fn announces(message: &BorrowedMessage<'_>, partition: i32) -> bool {
    message.key() == Some(partition.to_string().as_bytes()) && message.payload().is_some()
}
