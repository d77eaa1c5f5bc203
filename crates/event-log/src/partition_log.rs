//! The port between the command engine and the log: one partition, seen by the one who owns it or wants to.

use crate::{Discontinuity, Envelope, InvalidRecord, Position};

/// An event that is in the log.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Everything about it but its payload.
    pub envelope: Envelope,
    /// Where it stands.
    pub position: Position,
    /// The framed Avro datum: magic byte, schema id, data.
    pub payload: Vec<u8>,
}

/// An event on its way into the log.
#[derive(Debug, Clone)]
pub struct NewRecord {
    /// Everything about it but its payload.
    pub envelope: Envelope,
    /// The framed Avro datum: magic byte, schema id, data.
    pub payload: Vec<u8>,
}

/// One partition of the log. Calls block, so they belong on a thread of their own.
pub trait PartitionLog: Send + 'static {
    /// Takes ownership: shuts every earlier owner out, then hands `fold` all that is in the partition from offset
    /// `next` on, in order, and answers with the new epoch.
    ///
    /// When it returns, nobody else can write, and `fold` has seen everything that was ever written.
    fn claim(
        &mut self,
        next: i64,
        fold: &mut dyn FnMut(Recorded) -> Result<(), LogError>,
    ) -> Result<u64, LogError>;

    /// Writes a group of events, all or none, and answers with their offsets once they are committed.
    ///
    /// After any error the outcome is unknown until the next [`claim`](Self::claim) has read the log.
    fn append(&mut self, group: &[NewRecord]) -> Result<Vec<i64>, LogError>;
}

/// The log could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Kafka refused or did not answer.
    #[error("kafka: {0}")]
    Kafka(#[from] rdkafka::error::KafkaError),
    /// Kafka did not acknowledge in time.
    #[error("no answer from kafka within {0:?}")]
    TimedOut(std::time::Duration),
    /// A replay came to a stand before it had read everything.
    #[error("replay of {topic}/{partition} made no progress for {waited:?} on its way to offset {mark}")]
    ReplayStalled {
        /// The topic being read.
        topic: String,
        /// The partition being read.
        partition: i32,
        /// Where the replay had to get to.
        mark: i64,
        /// How long nothing came.
        waited: std::time::Duration,
    },
    /// A record is not an event of the platform.
    #[error("record at {position} is no event: {source}")]
    Invalid {
        /// Where the record stands.
        position: Position,
        /// What is wrong with it.
        source: InvalidRecord,
    },
    /// The history has a hole, a repetition or an older owner's record in it.
    #[error(transparent)]
    Discontinuous(#[from] Discontinuity),
    /// An event's payload could not be read.
    #[error("event at {position} cannot be read: {source}")]
    Unreadable {
        /// Where the event stands.
        position: Position,
        /// What is wrong with it.
        source: crate::CodecError,
    },
    /// The append was called without a claim before it.
    #[error("the partition is not claimed")]
    NotClaimed,
    /// A fault that a test planted.
    #[error("planted fault")]
    Planted,
}

impl LogError {
    /// The payload of an event could not be read.
    pub fn unreadable(recorded: &Recorded, source: crate::CodecError) -> Self {
        Self::Unreadable { position: recorded.position.clone(), source }
    }

    /// Whether trying again can help; otherwise the log itself is wrong and somebody must look.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Invalid { .. } | Self::Discontinuous(_) => false,
            Self::Unreadable { source, .. } => source.is_transient(),
            _ => true,
        }
    }
}
