use aggregate::{AggregateId, Expected, Metadata};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{InvalidRecord, Position};

/// Everything about a command but its payload; in Kafka it travels in the record's key and headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandEnvelope {
    /// Which aggregate the command is for: the record's key.
    pub aggregate_id: AggregateId,
    /// The name of the command with its namespace, as in its schema: `foldline.orders.PlaceOrder`.
    pub command_type: String,
    /// The version that the sender expects the aggregate to have.
    pub expected: Expected,
    /// A fingerprint of the request, to tell a repeated command from a reused id.
    pub request_hash: u64,
    /// When it was asked for.
    pub time: OffsetDateTime,
    /// Where the command came from, with its id.
    pub metadata: Metadata,
}

impl CommandEnvelope {
    /// The name of the command without its namespace: `PlaceOrder`.
    pub fn short_type(&self) -> &str {
        self.command_type.rsplit('.').next().unwrap_or_default()
    }
}

/// A record of a commands topic. Anybody may write there, so it need not be a command.
#[derive(Debug, Clone)]
pub struct CommandRecord {
    /// Where it stands.
    pub position: Position,
    /// Its key, if it has one.
    pub key: Option<Vec<u8>>,
    /// Its payload, if it has one: a framed Avro datum, if it is right.
    pub payload: Option<Vec<u8>>,
    /// The command's id, if that much can be read.
    pub command_id: Option<Uuid>,
    /// What it is, or what is wrong with it.
    pub envelope: Result<CommandEnvelope, InvalidRecord>,
}
