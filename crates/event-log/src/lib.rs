//! The event log: facts in Kafka, one topic per context, keyed by aggregate. Their partitions are
//! divided into shards, each written by one fenced owner.
//!
//! What it must never do: acknowledge an event that is not committed, let two owners write one shard, or
//! hand a reader a history with a hole in it without saying so.

#[cfg(feature = "kafka")]
mod broker;
mod clock;
#[cfg(feature = "kafka")]
mod codec;
#[cfg(feature = "kafka")]
mod command;
mod compatibility;
#[cfg(feature = "kafka")]
mod continuity;
mod envelope;
#[cfg(feature = "kafka")]
mod fenced_log;
#[cfg(feature = "kafka")]
mod headers;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "kafka")]
mod layout;
#[cfg(feature = "kafka")]
mod memory;
mod partitioner;
mod position;
#[cfg(feature = "kafka")]
mod raw_record;
#[cfg(feature = "kafka")]
mod record_size;
#[cfg(feature = "kafka")]
mod registry;
mod schema_file;
#[cfg(feature = "kafka")]
mod shard_log;
mod shards;
#[cfg(feature = "kafka")]
pub mod simulated;
mod topics;

#[cfg(feature = "kafka")]
pub use broker::{Broker, Producer};
pub use clock::now;
#[cfg(feature = "kafka")]
pub use codec::{Codec, CodecError};
#[cfg(feature = "kafka")]
pub use command::{CommandEnvelope, CommandRecord};
pub use compatibility::{IncompatibleSchemas, check_compatibility};
#[cfg(feature = "kafka")]
pub use continuity::{Continuity, Discontinuity};
pub use envelope::Envelope;
#[cfg(feature = "kafka")]
pub use fenced_log::{FencedLog, PRODUCERS};
#[cfg(feature = "kafka")]
pub use headers::InvalidRecord;
#[cfg(feature = "kafka")]
pub use kafka::{
    Bookmarks, ClientSettings, CommandReader, CommandWriter, EventReader, EventTail, GroupChange,
    KafkaBroker, KafkaLayout, KafkaShardLog, Membership, OffsetRange, Outcome, OutcomeReader, Owner, Owners,
    PartitionSurvey, Reading, RegisteredSchema, ShardLogSettings, ShardSurvey, TopicDescription, TopicsError,
    Visit, apply_topics, check_partitions, committed_ranges, describe_topics, follow_owners, newest_events,
    partition_ends, read_outcomes, read_partition, read_range, read_schema_ids, record_schema_ids,
    survey_shards,
};
#[cfg(feature = "kafka")]
pub use layout::{Layout, LayoutBroker, change_layout};
#[cfg(feature = "kafka")]
pub use memory::MemoryLog;
pub use partitioner::partition_of;
pub use position::{InvalidPosition, Position};
#[cfg(feature = "kafka")]
pub use raw_record::RawRecord;
#[cfg(feature = "kafka")]
pub use registry::{Registry, RegistryError};
pub use schema_file::{InvalidSchemaFile, SchemaFile};
#[cfg(feature = "kafka")]
pub use shard_log::{
    Batch, Claimed, Commit, Fold, LogError, NewOutcome, NewRecord, Recorded, Sent, ShardLog,
};
pub use shards::{InvalidShards, Offsets, Shards};
pub use topics::Topics;
