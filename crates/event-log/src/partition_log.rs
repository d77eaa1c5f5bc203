//! The port between the command engine and the log: one partition, seen by the one who owns it or wants to.

use rdkafka::error::RDKafkaErrorCode;

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

/// What became of a command that came through Kafka, on its way into the outcomes topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutcome {
    /// The record's key: the command's id, or the position of a command that cannot be read.
    pub key: String,
    /// The outcome as a JSON document.
    pub document: Vec<u8>,
}

/// What one transaction writes, all or none.
pub struct Batch<'a> {
    /// The events, in order.
    pub events: &'a [NewRecord],
    /// The outcomes, told from the offsets of the events.
    pub outcomes: &'a dyn Fn(&[i64]) -> Vec<NewOutcome>,
    /// Where to go on in the partition's commands, if commands that came through Kafka are settled by this.
    pub next_command: Option<i64>,
}

impl<'a> Batch<'a> {
    /// Events alone: no command came through Kafka.
    pub fn events(events: &'a [NewRecord]) -> Self {
        Self { events, outcomes: &|_| Vec::new(), next_command: None }
    }
}

/// An ownership that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimed {
    /// Which ownership of the partition it is.
    pub epoch: u64,
    /// Where to go on in the partition's commands.
    pub next_command: i64,
}

/// Takes in the next event of a partition.
pub type Fold<'a> = dyn FnMut(Recorded) -> Result<(), LogError> + 'a;

/// One partition of the log. Calls block, so they belong on a thread of their own.
pub trait PartitionLog: Send + 'static {
    /// Hands `fold` all that is committed from offset `next` on, in order, to the end as it is now. Whoever owns the
    /// partition goes on meanwhile, so there may be more by the time it returns. [`LogError::BeyondEnd`] if the log
    /// does not reach `next`.
    fn read(&mut self, next: i64, fold: &mut Fold<'_>) -> Result<(), LogError>;

    /// Takes ownership: shuts every earlier owner out, then hands `fold` all that is in the partition from offset
    /// `next` on, in order. A claim that would begin beyond the end shuts nobody out: [`LogError::BeyondEnd`].
    ///
    /// When it returns, nobody else can write, and `fold` has seen everything that was ever written.
    fn claim(&mut self, next: i64, fold: &mut Fold<'_>) -> Result<Claimed, LogError>;

    /// Writes a batch, all or none, and answers with the offsets of its events once they are committed.
    ///
    /// After any error the outcome is unknown until the next [`claim`](Self::claim) has read the log, or until a newer
    /// owner has claimed and [`read`](Self::read) has come to the end.
    fn append(&mut self, batch: &Batch<'_>) -> Result<Vec<i64>, LogError>;

    /// Asks the log whether this is still the owner: nobody newer had accepted a command when this was called.
    ///
    /// It is what an answer that writes nothing rests on; [`LogError::Replaced`] if there is a newer owner.
    fn confirm(&mut self) -> Result<(), LogError>;

    /// Which ownership of the partition is the newest in the log, whoever has it; 0 before the first.
    fn newest_epoch(&mut self) -> Result<u64, LogError>;

    /// Lets the ownership go, without a word to the log: the next claim must begin anew.
    fn release(&mut self);
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
    /// A record is not an event of the platform, although it has headers of one.
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
    /// Somebody wants to go on where the partition has never been: what they know is of another log.
    #[error(
        "the partition ends at offset {end}, before offset {next} where reading is to go on: \
         what was saved is of another log, its snapshots must be dropped"
    )]
    BeyondEnd {
        /// Where reading was to go on.
        next: i64,
        /// The end of the partition, with uncommitted records.
        end: i64,
    },
    /// An event's payload could not be read.
    #[error("event at {position} cannot be read: {source}")]
    Unreadable {
        /// Where the event stands.
        position: Position,
        /// What is wrong with it.
        source: crate::CodecError,
    },
    /// Whoever folds the log could not go on, for a reason of its own.
    #[error("the log cannot be folded: {0}")]
    Fold(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A newer owner has claimed the partition.
    #[error("the partition has a newer owner")]
    Replaced,
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
            Self::Invalid { .. } | Self::Discontinuous(_) | Self::BeyondEnd { .. } => false,
            Self::Unreadable { source, .. } => source.is_transient(),
            _ => true,
        }
    }

    /// Whether Kafka has shut this owner out: what it wrote last is in the log or never will be.
    pub fn is_fenced(&self) -> bool {
        match self {
            Self::Replaced => true,
            Self::Kafka(error) => error.rdkafka_error_code().is_some_and(is_fencing),
            _ => false,
        }
    }
}

const fn is_fencing(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::Fenced
            | RDKafkaErrorCode::ProducerFenced
            | RDKafkaErrorCode::InvalidProducerEpoch
            | RDKafkaErrorCode::InvalidProducerIdMapping
    )
}
