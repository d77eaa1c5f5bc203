//! Writes one shard: owns its log and the caches of its partitions. It must never answer a command before its group is
//! committed.

#![expect(clippy::disallowed_methods, reason = "it is driven by the shard's own thread")]

mod decided_group;
mod groups;
mod sent_group;

use std::{collections::VecDeque, sync::Arc, time::Instant};

use aggregate::Aggregate;
use event_log::{Claimed, Codec, Fold, LogError, Offsets, ShardLog, Topics};

use crate::{
    CommandError, answers::AnswerBuilder, cache::ShardCache, commits::Commits, in_doubt::InDoubt, metrics,
    queued_command::QueuedCommand, replay::Replay,
};
pub(crate) use sent_group::SentGroup;

/// Groups whose outcome is unknown.
pub struct FailedGroup<A: Aggregate> {
    /// The error that made it so.
    pub error: LogError,
    /// Their commands, which may or may not be in the log.
    pub in_doubt: InDoubt<A>,
}

/// Writes one shard, step by step; see [`protocol`](crate::protocol).
pub struct Writer<A: Aggregate, L> {
    shard: i32,
    topic: String,
    context: String,
    log: L,
    codec: Arc<Codec>,
    cache: ShardCache<A>,
    epoch: u64,
    /// The next command of every partition, after the groups that were sent.
    next_commands: Offsets,
    commits: Arc<Commits<A>>,
    /// The groups whose commits are under way, in order.
    sent: VecDeque<SentGroup<A>>,
    /// The commands of groups whose commits have failed.
    failed: Vec<QueuedCommand<A>>,
}

impl<A: Aggregate, L: ShardLog> Writer<A, L> {
    /// A writer that does not own the shard and has read nothing.
    pub fn new(
        shard: i32,
        topics: &Topics,
        log: L,
        codec: Arc<Codec>,
        cache: ShardCache<A>,
        commits: Arc<Commits<A>>,
    ) -> Self {
        Self {
            shard,
            topic: topics.events(),
            context: topics.context().to_owned(),
            log,
            codec,
            cache,
            epoch: 0,
            next_commands: Offsets::new(),
            commits,
            sent: VecDeque::new(),
            failed: Vec::new(),
        }
    }

    /// Opens the snapshots. Returns false if some cannot be opened: the log is then read from its beginning.
    pub fn restore(&mut self) -> bool {
        self.cache.restore()
    }

    /// Reads what is committed so far, while another instance may own the shard, so that the claim has little left
    /// to read.
    pub fn warm_up(&mut self) -> Result<(), LogError> {
        self.replay(&mut InDoubt::nothing(), |log, next, fold| log.read(next, fold))
    }

    /// Claims the shard, and looks for commands in doubt while reading the log. What was read before an error need
    /// not be read again.
    pub fn claim(&mut self, in_doubt: &mut InDoubt<A>) -> Result<Claimed, LogError> {
        let claimed = self.replay(in_doubt, |log, next, fold| log.claim(next, fold))?;
        if let Some((partition, next, end)) = self.cache.beyond_end() {
            self.cache.restore_again(partition);
            return Err(LogError::BeyondEnd { partition, next, end });
        }
        self.epoch = claimed.epoch;
        self.next_commands.clone_from(&claimed.next_commands);
        Ok(claimed)
    }

    /// Whether there is a newer owner. If so, everything written before it has been read, and commands in doubt that
    /// are not in the log by now never will be.
    pub fn is_replaced(&mut self, in_doubt: &mut InDoubt<A>) -> Result<bool, LogError> {
        let replaced = self.log.newest_epoch()? > self.epoch;
        if replaced {
            self.replay(in_doubt, |log, next, fold| log.read(next, fold))?;
        }
        Ok(replaced)
    }

    /// Answers the commands that are in the log, after a successful [`claim`](Self::claim) or after
    /// [`is_replaced`](Self::is_replaced) returned true. Returns those that are not in the log, never will be on their
    /// own, and still have a caller. Delivered commands are not among them, because they are delivered again.
    pub fn resolve(&self, in_doubt: InDoubt<A>) -> Vec<QueuedCommand<A>> {
        let InDoubt { commands, mut found, .. } = in_doubt;
        let mut remaining = Vec::new();
        for queued in commands {
            let QueuedCommand::Caller(pending) = queued else { continue };
            match found.get_mut(&pending.request.key()) {
                Some(found) if found.completed.request_hash == pending.request.request_hash => {
                    let replayed = std::mem::replace(&mut found.answered, true);
                    let id = &pending.request.aggregate_id;
                    let accepted = self.answers().accepted(id, &found.completed, replayed);
                    pending.answer(Ok(accepted));
                }
                Some(_) => pending.answer(Err(CommandError::IdReused)),
                None if pending.is_wanted() => remaining.push(QueuedCommand::Caller(pending)),
                None => {}
            }
        }
        remaining
    }

    /// Whether no newer owner has announced itself, as far as the log can be asked.
    pub fn still_owns(&mut self) -> bool {
        !matches!(self.log.confirm(), Err(LogError::Replaced))
    }

    /// Releases the shard and discards everything read of it.
    pub fn release(&mut self) {
        self.log.release();
        self.cache.forget();
        metrics::cached(self.shard, self.cache.bytes());
        self.epoch = 0;
    }

    /// Saves changed aggregates in the background, if a save is due.
    pub fn write_behind(&mut self) {
        self.cache.write_behind(self.epoch);
        metrics::cached(self.shard, self.cache.bytes());
    }

    /// When to call [`write_behind`](Self::write_behind) even if nothing happens until then.
    pub fn due(&self) -> Option<Instant> {
        self.cache.due()
    }

    /// The number of aggregates of the shard.
    pub fn aggregates(&self) -> u64 {
        self.cache.aggregates()
    }
}

/// The parts of the steps.
impl<A: Aggregate, L: ShardLog> Writer<A, L> {
    fn replay<T>(
        &mut self,
        in_doubt: &mut InDoubt<A>,
        read: impl FnOnce(&mut L, &Offsets, &mut Fold<'_>) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        self.cache.restore();
        let next = self.cache.next_offsets();
        let mut replay = Replay::new(&mut self.cache, &self.codec, in_doubt);
        let read = read(&mut self.log, &next, &mut |recorded| replay.add(recorded));
        // Folding comes before the error of the read: an error in folding has happened first.
        let folded = replay.fold();
        // The next attempt may start without these snapshots if they belong to another log.
        if let Err(LogError::BeyondEnd { partition, .. }) = read {
            self.cache.restore_again(partition);
        }
        folded?;
        read
    }

    fn answers(&self) -> AnswerBuilder<'_, A> {
        AnswerBuilder { topic: &self.topic, cache: &self.cache }
    }
}

impl<A: Aggregate, L> Drop for Writer<A, L> {
    fn drop(&mut self) {
        self.commits.close();
    }
}
