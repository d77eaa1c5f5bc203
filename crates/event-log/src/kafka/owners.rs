//! Who owns a partition: announced in the owners topic by the partition's own, fenced producer, so that an owner
//! that has been replaced cannot announce itself.

use rdkafka::Message;
use serde::{Deserialize, Serialize};

use super::{client::ClientSettings, replay::replay};
use crate::LogError;

/// One owner's announcement, as JSON; the record's key is the partition's number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Announcement {
    /// Which partition of the events topic.
    pub(super) partition: i32,
    /// Which ownership, from 1.
    pub(super) epoch: u64,
    /// Where the owner takes forwarded commands.
    pub(super) address: String,
}

/// The newest epoch that was announced for a partition, 0 if there is none.
pub(super) fn newest_epoch(client: &ClientSettings, owners: &str, partition: i32) -> Result<u64, LogError> {
    let key = partition.to_string();
    let mut newest = 0;
    replay(client, owners, 0, 0, &mut |message| {
        if message.key() == Some(key.as_bytes()) {
            let announcement = message.payload().map(serde_json::from_slice::<Announcement>);
            if let Some(Ok(announcement)) = announcement {
                newest = newest.max(announcement.epoch);
            }
        }
        Ok(())
    })?;
    Ok(newest)
}
