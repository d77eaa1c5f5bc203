//! What the ownership protocol of a shard needs from Kafka. Every call may fail, may be late, and may have taken effect
//! although its answer was lost. The Kafka client and the simulated broker for tests both implement these traits.

use std::time::Duration;

use crate::{Fold, Layout, LogError, NewOutcome, NewRecord, Offsets};

/// The broker, as one instance sees it for one shard. Its calls block.
pub trait Broker: Send + 'static {
    /// One of the shard's producers.
    type Producer: Producer;

    /// The partitions of the shard, in ascending order.
    fn partitions(&self) -> Vec<i32>;

    /// The number of shards that this instance is configured with.
    fn shards(&self) -> i32;

    /// The layout of the context that is recorded now.
    fn layout(&mut self) -> Result<Layout, LogError>;

    /// Creates producers with the shard's first `count` transactional ids, without initialising them. This has no effect
    /// on the present owner.
    fn connect(&mut self, count: usize) -> Result<Vec<Self::Producer>, LogError>;

    /// The end offset of a partition, including records that are not committed.
    fn end(&mut self, partition: i32) -> Result<i64, LogError>;

    /// The last stable offset of a partition: no transaction is open below it.
    fn stable_end(&mut self, partition: i32) -> Result<i64, LogError>;

    /// Passes every committed event of a partition from offset `next` up to `mark` to `fold`, in order, and waits for
    /// open transactions below `mark` to end. It may read slightly beyond `mark`.
    fn replay(&mut self, partition: i32, next: i64, mark: i64, fold: &mut Fold<'_>) -> Result<(), LogError>;

    /// The committed offset of a partition's commands: the next one to decide. Waits for transactions that are about to
    /// change it.
    fn next_command(&mut self, partition: i32) -> Result<i64, LogError>;

    /// The end offset of the shard's partition of the owners topic, including announcements that are not committed.
    fn owners_end(&mut self) -> Result<i64, LogError>;

    /// The epoch of the last committed announcement in the shard's partition of the owners topic, from offset `from` up
    /// to `end`. Waits for open transactions in that range.
    fn last_announcement(&mut self, from: i64, end: i64) -> Result<Option<u64>, LogError>;
}

/// A transactional producer of one shard. It is unusable after any error.
pub trait Producer: Send + 'static {
    /// Initialises the transactional id: aborts the transaction that its previous producer left open, and fences that
    /// producer.
    fn init(&mut self) -> Result<(), LogError>;

    /// Begins a transaction. Its records must be acknowledged within `timeout`, and its commit likewise.
    fn begin(&mut self, timeout: Duration) -> Result<(), LogError>;

    /// Writes events, each to its partition, and returns their offsets once the broker has acknowledged them.
    fn send_events(&mut self, events: &[NewRecord]) -> Result<Vec<i64>, LogError>;

    /// Writes outcomes, each to its partition. The commit waits until they are acknowledged.
    fn send_outcomes(&mut self, outcomes: &[NewOutcome]) -> Result<(), LogError>;

    /// Adds the next command of each of these partitions to the transaction.
    fn send_offsets(&mut self, next_commands: &Offsets) -> Result<(), LogError>;

    /// Announces that the shard's owner is at this address, and returns the offset of the announcement. Its epoch is the
    /// next one after the sum of `epoch_floor` and this offset.
    fn announce(&mut self, address: &str, epoch_floor: u64) -> Result<i64, LogError>;

    /// Commits the transaction. After an error it is unknown whether it is in the log.
    fn commit(&mut self) -> Result<(), LogError>;
}
