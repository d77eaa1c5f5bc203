//! The port between the command engine and the log: one shard, as its owner sees it. An implementation must never
//! report an event as written that is not committed, and must never let two owners write.

use rdkafka::error::RDKafkaErrorCode;

use crate::{Discontinuity, Envelope, InvalidRecord, Layout, Offsets, Position};

/// An event that is in the log.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Everything about the event but its payload.
    pub envelope: Envelope,
    /// The position of its record.
    pub position: Position,
    /// The framed Avro datum: magic byte, schema id, data.
    pub payload: Vec<u8>,
}

/// An event to be written.
#[derive(Debug, Clone)]
pub struct NewRecord {
    /// The partition of its aggregate.
    pub partition: i32,
    /// Everything about the event but its payload.
    pub envelope: Envelope,
    /// The framed Avro datum: magic byte, schema id, data.
    pub payload: Vec<u8>,
}

/// The outcome of a command that came through Kafka, to be written to the outcomes topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutcome {
    /// The partition of its command.
    pub partition: i32,
    /// The record's key: the command's id, or the position of a command that cannot be read.
    pub key: String,
    /// The outcome as a JSON document.
    pub document: Vec<u8>,
}

/// What one transaction writes, atomically.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    /// The events, in the order of each partition.
    pub events: &'a [NewRecord],
    /// Builds the outcomes from the offsets of the events.
    pub outcomes: &'a dyn Fn(&[i64]) -> Vec<NewOutcome>,
    /// The next command of each partition of which the batch decides commands that came through Kafka.
    pub next_commands: &'a Offsets,
}

/// No offset of any partition.
static NO_OFFSETS: Offsets = Offsets::new();

impl<'a> Batch<'a> {
    /// A batch of events only.
    pub fn events(events: &'a [NewRecord]) -> Self {
        Self { events, outcomes: &|_| Vec::new(), next_commands: &NO_OFFSETS }
    }
}

/// A batch that Kafka has acknowledged but not committed. Dropping it leaves its transaction open until the next claim of
/// the shard aborts it.
pub struct Sent {
    /// The offsets of its events.
    pub offsets: Vec<i64>,
    /// Commits it.
    pub commit: Commit,
}

/// Commits a batch. It blocks, and may be called on another thread than that of the log. After an error it is unknown
/// whether the batch is in the log.
pub type Commit = Box<dyn FnOnce() -> Result<(), LogError> + Send>;

/// A new ownership of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The epoch of this ownership.
    pub epoch: u64,
    /// The offset of the next command of each partition of the shard.
    pub next_commands: Offsets,
}

/// Receives the next event of a partition.
pub type Fold<'a> = dyn FnMut(Recorded) -> Result<(), LogError> + 'a;

/// One shard of the log. Calls block, so they belong on a thread of their own.
///
/// Where a call takes the next offset of each partition, one that is missing is 0. Events are passed to `fold` in the
/// order of their partition; the partitions may follow each other in any order.
pub trait ShardLog: Send + 'static {
    /// Passes all committed events of each partition from its `next` offset to its current end to `fold`. The owner may
    /// go on writing meanwhile. [`LogError::BeyondEnd`] if an offset is beyond the end of its partition.
    fn read(&mut self, next: &Offsets, fold: &mut Fold<'_>) -> Result<(), LogError>;

    /// Claims ownership: fences every earlier owner, then passes all events of each partition from its `next` offset on
    /// to `fold`. [`LogError::BeyondEnd`] if an offset is beyond the end of its partition; then nobody is fenced.
    ///
    /// When it returns, nobody else can write to any partition of the shard, and `fold` has received every event that
    /// was ever written.
    fn claim(&mut self, next: &Offsets, fold: &mut Fold<'_>) -> Result<Claimed, LogError>;

    /// Sends a batch, which its [`commit`](Sent::commit) then writes atomically. The next batch may be sent before that,
    /// but not the one after it; and a batch must not be committed unless the one sent before it was.
    ///
    /// After an error, here or of the commit, the shard must be [released](Self::release). What became of the batch is
    /// unknown until the next [`claim`](Self::claim) has read the log, or until a newer owner has claimed the shard and
    /// [`read`](Self::read) has reached the end.
    fn send(&mut self, batch: &Batch<'_>) -> Result<Sent, LogError>;

    /// Sends and commits a batch, and returns the offsets of its events. After an error the shard is released.
    fn append(&mut self, batch: &Batch<'_>) -> Result<Vec<i64>, LogError> {
        let sent = self.send(batch);
        let appended = sent.and_then(|Sent { offsets, commit }| commit().map(|()| offsets));
        if appended.is_err() {
            self.release();
        }
        appended
    }

    /// Checks that this is still the owner: no newer owner had accepted a command when this was called. An answer that
    /// writes nothing relies on it.
    ///
    /// [`LogError::Replaced`] if there is a newer owner.
    fn confirm(&mut self) -> Result<(), LogError>;

    /// The newest epoch of the shard in the log, of whichever owner; 0 before the first.
    fn newest_epoch(&mut self) -> Result<u64, LogError>;

    /// Gives up the ownership without writing to the log. The next claim starts anew.
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
    /// A replay made no progress for too long.
    #[error("replay of {topic}/{partition} made no progress for {waited:?} on its way to offset {mark}")]
    ReplayStalled {
        /// The topic being read.
        topic: String,
        /// The partition being read.
        partition: i32,
        /// The offset that the replay had to reach.
        mark: i64,
        /// How long nothing arrived.
        waited: std::time::Duration,
    },
    /// A record has headers of an event but is not a valid one.
    #[error("record at {position} is not an event: {source}")]
    Invalid {
        /// The position of the record.
        position: Position,
        /// What is wrong with it.
        source: InvalidRecord,
    },
    /// The history has a gap, a repetition or a record of a replaced owner.
    #[error(transparent)]
    Discontinuous(#[from] Discontinuity),
    /// The caller wants to continue at an offset that the partition never had; its state belongs to another log.
    #[error(
        "partition {partition} ends at offset {end}, before offset {next} where reading is to go on: \
         what was saved is of another log, its snapshots must be dropped"
    )]
    BeyondEnd {
        /// The partition.
        partition: i32,
        /// The offset to continue at.
        next: i64,
        /// The end of the partition, including uncommitted records.
        end: i64,
    },
    /// The beginning of the partition has been deleted, although events are kept for ever.
    #[error(
        "{topic}/{partition} begins at offset {first}, but reading is to go on at offset {next}: the events in \
         between have been deleted; check retention.ms and retention.bytes of the topic, and restore it from a backup"
    )]
    BeginningDeleted {
        /// The topic being read.
        topic: String,
        /// The partition being read.
        partition: i32,
        /// The first offset that is left.
        first: i64,
        /// The offset to continue at.
        next: i64,
    },
    /// The payload of an event could not be decoded.
    #[error("event at {position} cannot be read: {source}")]
    Unreadable {
        /// The position of the event.
        position: Position,
        /// What is wrong with it.
        source: crate::CodecError,
    },
    /// The number of shards has been changed, or is being changed.
    #[error("{}", other_layout(*configured, *present))]
    OtherLayout {
        /// The number of shards that this instance is configured with.
        configured: i32,
        /// The layout that is recorded.
        present: Layout,
    },
    /// Kafka has no committed offset for the commands of a partition, although every owner commits one.
    #[error(
        "the offset of group {group} in {topic}/{partition} is missing, so it is not known which commands are decided: \
         see docs/commands-through-kafka.md#a-lost-offset"
    )]
    CommandOffsetLost {
        /// The consumer group.
        group: String,
        /// The commands topic.
        topic: String,
        /// The partition.
        partition: i32,
    },
    /// The newest record of the layout topic is not a layout.
    #[error("the newest record of {0} is not a layout; it was not written by `foldline shards set`")]
    InvalidLayout(String),
    /// The topics are not as expected.
    #[error(transparent)]
    Topics(#[from] crate::TopicsError),
    /// The topics have numbers of partitions that do not go together.
    #[error(transparent)]
    InvalidShards(#[from] crate::InvalidShards),
    /// The receiver of the events failed for a reason of its own.
    #[error("the log cannot be folded: {0}")]
    Fold(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A newer owner has claimed the shard.
    #[error("the shard has a newer owner")]
    Replaced,
    /// The shard is not claimed.
    #[error("the shard is not claimed")]
    NotClaimed,
    /// A fault injected by a test.
    #[error("planted fault")]
    Planted,
}

impl LogError {
    /// The payload of an event could not be decoded.
    pub fn unreadable(recorded: &Recorded, source: crate::CodecError) -> Self {
        Self::Unreadable { position: recorded.position.clone(), source }
    }

    /// Whether a retry can help. If not, the log itself is damaged and needs an operator.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Invalid { .. }
            | Self::Discontinuous(_)
            | Self::BeyondEnd { .. }
            | Self::BeginningDeleted { .. }
            | Self::InvalidLayout(_)
            | Self::CommandOffsetLost { .. }
            | Self::InvalidShards(_) => false,
            Self::Topics(error) => error.is_transient(),
            Self::Unreadable { source, .. } => source.is_transient(),
            _ => true,
        }
    }

    /// Whether a record was refused because of its size. It is not written, and never will be.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::Kafka(error)
            if error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge))
    }

    /// Whether Kafka has fenced this owner. What it wrote last is in the log by now, or never will be.
    pub fn is_fenced(&self) -> bool {
        match self {
            Self::Replaced => true,
            Self::Kafka(error) => error.rdkafka_error_code().is_some_and(is_fencing),
            _ => false,
        }
    }
}

fn other_layout(configured: i32, present: Layout) -> String {
    let Layout { shards, replaces, .. } = present;
    match replaces {
        Some(old) => format!(
            "the number of shards is being changed from {old} to {shards}: \
             if nobody is doing that now, repeat `foldline shards set`"
        ),
        None => format!("there are {shards} shards, but FOLDLINE_SHARDS is {configured}"),
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
