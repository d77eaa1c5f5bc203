//! What the protocol of a partition's ownership needs of Kafka: few steps, each of which may fail, be late, or have
//! happened although its answer was lost. Kafka itself and its twin for tests stand behind the same steps.

use std::time::Duration;

use crate::{Fold, LogError, NewOutcome, NewRecord};

/// The broker, as one instance sees it for one partition. Its calls block.
pub trait Broker: Send + 'static {
    /// One of the partition's producers.
    type Producer: Producer;

    /// Producers with the partition's first `count` transactional ids, ready to take the ids over. Nobody else notices
    /// them yet.
    fn connect(&mut self, count: usize) -> Result<Vec<Self::Producer>, LogError>;

    /// The end of the partition as it is, whether or not the last records are committed.
    fn end(&mut self) -> Result<i64, LogError>;

    /// The end of what is committed or aborted: no transaction is open below.
    fn stable_end(&mut self) -> Result<i64, LogError>;

    /// Hands every committed event from offset `next` up to `mark` to `fold`, in order, and waits for those whose
    /// transactions are still open. It may go a little beyond.
    fn replay(&mut self, next: i64, mark: i64, fold: &mut Fold<'_>) -> Result<(), LogError>;

    /// Where the deciders go on in the partition's commands. It waits for transactions that are about to tell.
    fn next_command(&mut self) -> Result<i64, LogError>;

    /// The end of the owners topic as it is, whether or not the last announcements are committed.
    fn owners_end(&mut self) -> Result<i64, LogError>;

    /// The offset of the partition's last committed announcement from `from` up to `end` in the owners topic. It
    /// waits for those whose transactions are still open.
    fn last_announcement(&mut self, from: i64, end: i64) -> Result<Option<i64>, LogError>;
}

/// A transactional producer of one partition. After any error it is of no use any more.
pub trait Producer: Send + 'static {
    /// Takes the transactional id over: what its last producer left open is aborted, and that producer is fenced.
    fn init(&mut self) -> Result<(), LogError>;

    /// Begins a transaction, which has this long to be committed.
    fn begin(&mut self, timeout: Duration) -> Result<(), LogError>;

    /// Writes events, and answers with their offsets once the broker has them.
    fn send_events(&mut self, events: &[NewRecord]) -> Result<Vec<i64>, LogError>;

    /// Writes outcomes; the commit waits for them.
    fn send_outcomes(&mut self, outcomes: &[NewOutcome]) -> Result<(), LogError>;

    /// Makes the place where the deciders go on in the partition's commands part of the transaction.
    fn settle(&mut self, next_command: i64) -> Result<(), LogError>;

    /// Writes that the partition's owner is at this address, and answers with the announcement's offset.
    fn announce(&mut self, address: &str) -> Result<i64, LogError>;

    /// Commits the transaction. After an error nobody knows whether it is in the log.
    fn commit(&mut self) -> Result<(), LogError>;
}
