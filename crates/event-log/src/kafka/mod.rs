//! The log in Kafka, through librdkafka. Its calls block, so they must not run on a thread that runs async tasks.

#![expect(clippy::disallowed_methods, reason = "librdkafka is called on threads that wait for it")]

mod client;
mod command_reader;
mod command_writer;
mod context;
mod deliveries;
mod event_reader;
mod event_tail;
mod layout;
mod membership;
mod newest_events;
mod outcomes;
mod owners;
mod owners_follower;
mod producer;
mod replay;
mod schema_ids;
mod shard_log;
mod survey;
mod topics;
mod whole_topic;

pub use client::ClientSettings;
pub use command_reader::CommandReader;
pub use command_writer::CommandWriter;
pub use event_reader::{Bookmarks, EventReader, Reading};
pub use event_tail::{EventTail, OffsetRange, Visit, committed_ranges, read_range};
pub use layout::KafkaLayout;
pub use membership::{GroupChange, Membership};
pub use newest_events::newest_events;
pub use outcomes::{Outcome, OutcomeReader};
pub use owners_follower::{Owner, Owners, follow_owners};
pub use replay::read_partition;
pub use schema_ids::{RegisteredSchema, read_schema_ids, record_schema_ids};
pub use shard_log::{KafkaBroker, KafkaShardLog, ShardLogSettings};
pub use survey::{
    PartitionSurvey, ShardSurvey, TopicDescription, describe_topics, partition_ends, read_outcomes,
    survey_shards,
};
pub use topics::{TopicsError, apply_topics, check_partitions};
