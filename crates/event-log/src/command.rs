use aggregate::{AggregateId, Expected, Metadata};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{InvalidRecord, Position};

/// Everything about a command but its payload. In Kafka it is the key and the headers of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandEnvelope {
    /// The aggregate that the command is for; the key of the record.
    pub aggregate_id: AggregateId,
    /// The name of the command with its namespace, as in its schema: `foldline.orders.PlaceOrder`.
    pub command_type: String,
    /// The version that the sender expects the aggregate to have.
    pub expected: Expected,
    /// A hash of the request: the same command id with another hash is a reused id, not a repeated command.
    pub request_hash: u64,
    /// When the command was issued.
    pub time: OffsetDateTime,
    /// Where the command came from, and its id.
    pub metadata: Metadata,
}

impl CommandEnvelope {
    /// The name of the command without its namespace: `PlaceOrder`.
    pub fn short_type(&self) -> &str {
        self.command_type.rsplit('.').next().unwrap_or_default()
    }
}

/// A record of a commands topic. Anybody can write to it, so a record need not be a valid command.
#[derive(Debug, Clone)]
pub struct CommandRecord {
    /// The position of the record.
    pub position: Position,
    /// The key, if there is one.
    pub key: Option<Vec<u8>>,
    /// The payload, if there is one: a framed Avro datum in a valid command.
    pub payload: Option<Vec<u8>>,
    /// The command's id, if it can be read.
    pub command_id: Option<Uuid>,
    /// The command's envelope, or what is wrong with the record.
    pub envelope: Result<CommandEnvelope, InvalidRecord>,
}
