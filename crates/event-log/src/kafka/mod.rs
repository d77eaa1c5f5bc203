//! The log in Kafka, through librdkafka. Its calls block; none of them belongs on a thread that runs async tasks.

mod client;
mod group_reader;
mod owners;
mod partition_log;
mod producer;
mod replay;
mod topics;
mod voice;

pub use client::ClientSettings;
pub use group_reader::{Bookmarks, GroupReader, Reading};
pub use partition_log::{KafkaPartitionLog, PartitionLogSettings};
pub use replay::read_partition;
pub use topics::{TopicsError, apply_topics, check_partitions};
