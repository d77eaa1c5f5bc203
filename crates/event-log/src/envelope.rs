use aggregate::{AggregateId, Metadata, Version};
use time::OffsetDateTime;
use uuid::Uuid;

/// Everything about an event but its payload. In Kafka it is the key and the headers of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The aggregate that the event belongs to; the key of the record.
    pub aggregate_id: AggregateId,
    /// The event's id, derived from the id of the command and the event's index in it, so that it is always the same.
    pub event_id: Uuid,
    /// The name of the event with its namespace, as in its schema: `foldline.orders.OrderPlaced`.
    pub event_type: String,
    /// The context and the kind of aggregate that published the event: `/orders/order`.
    pub source: String,
    /// When the event was decided.
    pub time: OffsetDateTime,
    /// The aggregate's version after this event.
    pub version: Version,
    /// A hash of the request: the same command id with another hash is a reused id, not a repeated command.
    pub request_hash: u64,
    /// The epoch of the owner that wrote the event. It never decreases along a partition.
    pub owner_epoch: u64,
    /// The event's number in its partition: 1, 2, 3, without gaps.
    pub partition_sequence: u64,
    /// Where the command came from.
    pub metadata: Metadata,
}

impl Envelope {
    /// The id of the `index`-th event (from 0) of a command.
    pub fn event_id_of(command_id: Uuid, index: usize) -> Uuid {
        Uuid::new_v5(&command_id, index.to_string().as_bytes())
    }

    /// The kind of aggregate that published the event: `order`, the last part of its source.
    pub fn aggregate_kind(&self) -> &str {
        self.source.rsplit('/').next().unwrap_or_default()
    }

    /// The name of the event without its namespace: `OrderPlaced`.
    pub fn short_type(&self) -> &str {
        self.event_type.rsplit('.').next().unwrap_or_default()
    }
}
