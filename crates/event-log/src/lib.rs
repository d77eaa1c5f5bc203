//! The event log: facts in Kafka, one topic per context, keyed by aggregate, written by one fenced owner per
//! partition.
//!
//! What it must never do: acknowledge an event that is not committed, let two owners write one partition, or
//! hand a reader a history with a hole in it without saying so.

mod clock;
mod codec;
mod continuity;
mod envelope;
mod headers;
mod kafka;
mod memory;
mod partition_log;
mod partitioner;
mod position;
mod registry;
mod schema_file;
mod topics;

pub use clock::now;
pub use codec::{Codec, CodecError};
pub use continuity::{Continuity, Discontinuity};
pub use envelope::Envelope;
pub use headers::InvalidRecord;
pub use kafka::{
    Bookmarks, ClientSettings, GroupReader, KafkaPartitionLog, PartitionLogSettings, Reading, TopicsError,
    apply_topics, check_partitions, read_partition,
};
pub use memory::MemoryLog;
pub use partition_log::{LogError, NewRecord, PartitionLog, Recorded};
pub use partitioner::partition_of;
pub use position::{InvalidPosition, Position};
pub use registry::{Registry, RegistryError};
pub use schema_file::{InvalidSchemaFile, SchemaFile};
pub use topics::Topics;
