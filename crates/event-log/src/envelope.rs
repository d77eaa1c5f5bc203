use aggregate::{AggregateId, Metadata, Version};
use time::OffsetDateTime;
use uuid::Uuid;

/// Everything about an event but its payload; in Kafka it travels in the record's key and headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Which aggregate the event is of: the record's key.
    pub aggregate_id: AggregateId,
    /// The event's own id: derived from the command's and the event's place in it, so that it can be told again.
    pub event_id: Uuid,
    /// The name of the fact with its namespace, as in its schema: `foldline.orders.OrderPlaced`.
    pub event_type: String,
    /// The context and the kind of aggregate that the event comes from: `/orders/order`.
    pub source: String,
    /// When it was decided.
    pub time: OffsetDateTime,
    /// The aggregate's version after this event.
    pub version: Version,
    /// A fingerprint of the request, to tell a repeated command from a reused id.
    pub request_hash: u64,
    /// Which ownership of the partition wrote it; it never goes down along a partition.
    pub owner_epoch: u64,
    /// The event's number in its partition: 1, 2, 3 without gaps.
    pub partition_sequence: u64,
    /// Where the command came from.
    pub metadata: Metadata,
}

impl Envelope {
    /// The id of the `index`-th event (from 0) of a command.
    pub fn event_id_of(command_id: Uuid, index: usize) -> Uuid {
        Uuid::new_v5(&command_id, index.to_string().as_bytes())
    }

    /// The name of the fact without its namespace: `OrderPlaced`.
    pub fn short_type(&self) -> &str {
        self.event_type.rsplit('.').next().unwrap_or_default()
    }
}
