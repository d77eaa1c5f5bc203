//! Writes one shard: owns its log and the caches of its partitions. It must never answer a command before its group is
//! committed.

#![expect(clippy::disallowed_methods, reason = "it is driven by the shard's own thread")]

mod decided_group;
mod sent_group;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Instant,
};

use aggregate::Aggregate;
use event_log::{Batch, Claimed, Codec, Fold, LogError, Offsets, Recorded, Sent, ShardLog, Topics};

use crate::{
    CommandError,
    answers::AnswerBuilder,
    cache::ShardCache,
    commits::{CommitRequest, CommitResult, Commits},
    group::Group,
    in_doubt::InDoubt,
    metrics,
    queued_command::QueuedCommand,
    replay::Replay,
};
use decided_group::DecidedGroup;
pub(crate) use sent_group::SentGroup;

/// How many groups may be sent and not known to be committed when the next one is decided.
const MOST_BEFORE: usize = 1;

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
            commits,
            sent: VecDeque::new(),
            failed: Vec::new(),
        }
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
        self.epoch = claimed.epoch;
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

    /// Decides a group and sends its events. They are committed and answered while the next group is decided. Returns
    /// delivered commands that cannot be decided yet because their aggregates could not be loaded.
    pub fn process(
        &mut self,
        mut group: Vec<QueuedCommand<A>>,
    ) -> Result<Vec<QueuedCommand<A>>, Box<FailedGroup<A>>> {
        if let Err(error) = self.load(&group) {
            return Err(self.fail(error, group));
        }
        let undecidable = self.split_undecidable(&mut group);
        let decided = self.decide(&group);
        let next_commands = next_commands(&group);
        if decided.records.is_empty() && next_commands.is_empty() {
            self.answer(group, decided)?;
        } else {
            self.send(group, decided, &next_commands)?;
        }
        self.end_commits()?;
        Ok(undecidable)
    }

    /// Folds the groups whose commits have ended, and waits until the next group may be decided.
    pub fn end_commits(&mut self) -> Result<(), Box<FailedGroup<A>>> {
        self.fold_committed(MOST_BEFORE).map_err(|error| self.fail(error, Vec::new()))
    }

    /// Waits for all commits under way, and folds their groups.
    pub fn await_commits(&mut self) -> Result<(), Box<FailedGroup<A>>> {
        self.fold_committed(0).map_err(|error| self.fail(error, Vec::new()))
    }

    /// Whether no newer owner has announced itself, as far as the log can be asked.
    pub fn still_owns(&mut self) -> bool {
        !matches!(self.log.confirm(), Err(LogError::Replaced))
    }

    /// Releases the shard and discards everything read of it.
    pub fn release(&mut self) {
        self.log.release();
        self.cache.forget();
        self.epoch = 0;
    }

    /// Saves changed aggregates in the background, if a save is due.
    pub fn write_behind(&mut self) {
        self.cache.write_behind(self.epoch);
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
        self.cache.restore().map_err(|error| LogError::Fold(error.into()))?;
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

    /// Loads the aggregates of a group, and keeps those of the groups before it. Commands whose aggregates stay cold are
    /// refused individually. An error means that a cache must be restored.
    fn load(&mut self, group: &[QueuedCommand<A>]) -> Result<(), LogError> {
        let ids = group.iter().filter_map(QueuedCommand::request).map(|request| &request.aggregate_id);
        let sent = self.sent.iter().flat_map(SentGroup::changed);
        self.cache.load(ids.chain(sent)).map_err(|error| LogError::Fold(error.into()))
    }

    /// Removes, of each partition, the first delivered command whose aggregate is cold and all delivered commands after
    /// it, because they must be decided in the order of their partition.
    fn split_undecidable(&self, group: &mut Vec<QueuedCommand<A>>) -> Vec<QueuedCommand<A>> {
        let empty = self.empty_group();
        let mut held_back = BTreeSet::new();
        let is_undecidable = |queued: &mut QueuedCommand<A>| {
            let QueuedCommand::Delivered(delivery) = queued else { return false };
            let partition = delivery.position.partition;
            if delivery.command.as_ref().is_ok_and(|request| empty.is_cold(&request.aggregate_id)) {
                held_back.insert(partition);
            }
            held_back.contains(&partition)
        };
        group.extract_if(.., is_undecidable).collect()
    }

    fn decide(&self, group: &[QueuedCommand<A>]) -> DecidedGroup<A> {
        DecidedGroup::decide(self.empty_group(), group)
    }

    fn empty_group(&self) -> Group<'_, A> {
        Group::new(&self.cache, self.sent.back(), &self.codec, &self.context, self.epoch)
    }

    /// Sends the events of a group, and has them committed and answered.
    fn send(
        &mut self,
        group: Vec<QueuedCommand<A>>,
        mut decided: DecidedGroup<A>,
        next_commands: &Offsets,
    ) -> Result<(), Box<FailedGroup<A>>> {
        let answers = AnswerBuilder { topic: &self.topic, cache: &self.cache };
        let outcomes = |offsets: &[i64]| decided.outcomes(&group, &answers, offsets);
        let batch = Batch { events: &decided.records, outcomes: &outcomes, next_commands };
        match self.log.send(&batch) {
            Ok(Sent { offsets, commit }) => {
                metrics::decided(self.shard, group.len());
                let (answers, delivered) = decided.answers(group, &answers, &offsets);
                self.sent.push_back(decided.sent(offsets, delivered));
                self.commits.request(CommitRequest { commit, answers });
                Ok(())
            }
            Err(error) => Err(self.fail(error, group)),
        }
    }

    /// Answers a group that writes nothing, once the groups before it are committed. It also checks that this is still
    /// the owner: an answer that was decided on an outdated cache must not be given.
    fn answer(
        &mut self,
        group: Vec<QueuedCommand<A>>,
        mut decided: DecidedGroup<A>,
    ) -> Result<(), Box<FailedGroup<A>>> {
        if group.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.fold_committed(0).and_then(|()| self.log.confirm()) {
            return Err(self.fail(error, group));
        }
        metrics::decided(self.shard, group.len());
        let (answers, _) = decided.answers(group, &self.answers(), &[]);
        for (pending, answer) in answers {
            pending.answer(answer);
        }
        Ok(())
    }

    /// Folds the groups whose commits have ended, and waits until no more than `most` are under way.
    fn fold_committed(&mut self, most: usize) -> Result<(), LogError> {
        loop {
            while let Some(ended) = self.commits.next() {
                self.end_commit(ended)?;
            }
            if self.sent.len() <= most {
                return Ok(());
            }
            self.commits.wait();
        }
    }

    fn end_commit(&mut self, ended: CommitResult<A>) -> Result<(), LogError> {
        let group = self.sent.pop_front().expect("only what was sent is committed");
        match ended {
            Ok(()) => {
                self.fold(group);
                Ok(())
            }
            Err(failed) => {
                self.failed.extend(failed.commands.into_iter().map(QueuedCommand::Caller));
                Err(failed.error)
            }
        }
    }

    /// Ends what is under way after an error, of which the commands of `group` are in doubt too.
    fn fail(&mut self, error: LogError, group: Vec<QueuedCommand<A>>) -> Box<FailedGroup<A>> {
        // Each of them may fail too, but the first error counts.
        while !self.sent.is_empty() {
            drop(self.fold_committed(0));
        }
        self.commits.reset();
        self.log.release();
        let mut commands = std::mem::take(&mut self.failed);
        commands.extend(group);
        Box::new(FailedGroup { error, in_doubt: InDoubt::of(commands, &self.cache) })
    }

    /// Folds a committed group into the cache.
    fn fold(&mut self, group: SentGroup<A>) {
        metrics::committed(self.shard, group.sent_at.elapsed());
        group
            .delivered
            .iter()
            .for_each(|(delivery, decision)| metrics::delivered(delivery, decision.as_ref()));
        for ((record, event), offset) in group.records.into_iter().zip(&group.events).zip(group.offsets) {
            let position = self.answers().position(record.partition, offset);
            let recorded = Recorded { envelope: record.envelope, position, payload: record.payload };
            self.cache.fold(&recorded, event).expect("what was just decided follows what was there");
        }
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

/// The next command of each partition after the delivered commands of a group.
fn next_commands<A: Aggregate>(group: &[QueuedCommand<A>]) -> Offsets {
    // Of each partition, the last one counts.
    let next = |queued: &QueuedCommand<A>| match queued {
        QueuedCommand::Delivered(delivery) => Some((delivery.position.partition, delivery.next())),
        QueuedCommand::Caller(_) => None,
    };
    group.iter().filter_map(next).collect()
}
