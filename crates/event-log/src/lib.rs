//! The event log: facts in Kafka, one topic per context, keyed by aggregate, written by one fenced owner per
//! partition.
//!
//! What it must never do: acknowledge an event that is not committed, let two owners write one partition, or
//! hand a reader a history with a hole in it without saying so.

mod broker;
mod clock;
mod codec;
mod command;
mod compatibility;
mod continuity;
mod envelope;
mod fenced_log;
mod headers;
mod kafka;
mod memory;
mod partition_log;
mod partitioner;
mod position;
mod raw_record;
mod registry;
mod schema_file;
pub mod simulated;
mod topics;

pub use broker::{Broker, Producer};
pub use clock::now;
pub use codec::{Codec, CodecError};
pub use command::{CommandEnvelope, CommandRecord};
pub use compatibility::{IncompatibleSchemas, check_compatibility};
pub use continuity::{Continuity, Discontinuity};
pub use envelope::Envelope;
pub use fenced_log::FencedLog;
pub use headers::InvalidRecord;
pub use kafka::{
    Bookmarks, ClientSettings, CommandReader, CommandWriter, EventTail, GroupChange, GroupReader,
    KafkaBroker, KafkaPartitionLog, Membership, OffsetRange, Outcome, OutcomeReader, Owner, Owners,
    PartitionLogSettings, PartitionSurvey, Reading, TopicDescription, TopicsError, Visit, apply_topics,
    check_partitions, committed_ranges, describe_topics, follow_owners, partition_ends, read_outcomes,
    read_partition, read_range, survey_partitions,
};
pub use memory::MemoryLog;
pub use partition_log::{Batch, Claimed, Fold, LogError, NewOutcome, NewRecord, PartitionLog, Recorded};
pub use partitioner::partition_of;
pub use position::{InvalidPosition, Position};
pub use raw_record::RawRecord;
pub use registry::{Registry, RegistryError};
pub use schema_file::{InvalidSchemaFile, SchemaFile};
pub use topics::Topics;
