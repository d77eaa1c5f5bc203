//! Writes one shard: owns its log and the caches of its partitions. It must never answer a command before its group is
//! committed.

#![expect(clippy::disallowed_methods, reason = "it is driven by the shard's own thread")]

mod decided_group;

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use aggregate::Aggregate;
use event_log::{Batch, Claimed, Codec, Fold, LogError, NewRecord, Offsets, Recorded, ShardLog, Topics};

use crate::{
    CommandError, answers::AnswerBuilder, cache::ShardCache, group::Group, in_doubt::InDoubt, metrics,
    queued_command::QueuedCommand, replay::Replay,
};
use decided_group::DecidedGroup;

/// A group whose outcome is unknown.
pub struct FailedGroup<A: Aggregate> {
    /// The error that made it so.
    pub error: LogError,
    /// Its commands, which may or may not be in the log.
    pub in_doubt: InDoubt<A>,
}

impl<A: Aggregate> FailedGroup<A> {
    fn of(error: LogError, group: Vec<QueuedCommand<A>>, cache: &ShardCache<A>) -> Box<Self> {
        Box::new(Self { error, in_doubt: InDoubt::of(group, cache) })
    }
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
}

impl<A: Aggregate, L: ShardLog> Writer<A, L> {
    /// A writer that does not own the shard and has read nothing.
    pub fn new(shard: i32, topics: &Topics, log: L, codec: Arc<Codec>, cache: ShardCache<A>) -> Self {
        Self {
            shard,
            topic: topics.events(),
            context: topics.context().to_owned(),
            log,
            codec,
            cache,
            epoch: 0,
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

    /// Decides a group, commits its events, and answers. Returns delivered commands that cannot be decided yet because
    /// their aggregates could not be loaded.
    pub fn process(
        &mut self,
        mut group: Vec<QueuedCommand<A>>,
    ) -> Result<Vec<QueuedCommand<A>>, Box<FailedGroup<A>>> {
        if let Err(error) = self.load(&group) {
            return Err(FailedGroup::of(error, group, &self.cache));
        }
        let undecidable = self.split_undecidable(&mut group);
        let decided = self.decide(&group);
        match self.commit(&group, &decided) {
            Ok(offsets) => {
                self.answer(group, decided, &offsets);
                Ok(undecidable)
            }
            Err(error) => Err(FailedGroup::of(error, group, &self.cache)),
        }
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

    /// Loads the aggregates of a group. Commands whose aggregates stay cold are refused individually. An error means
    /// that a cache must be restored.
    fn load(&mut self, group: &[QueuedCommand<A>]) -> Result<(), LogError> {
        let ids = group.iter().filter_map(QueuedCommand::request).map(|request| &request.aggregate_id);
        self.cache.load(ids).map_err(|error| LogError::Fold(error.into()))
    }

    /// Removes, of each partition, the first delivered command whose aggregate is cold and all delivered commands after
    /// it, because they must be decided in the order of their partition.
    fn split_undecidable(&self, group: &mut Vec<QueuedCommand<A>>) -> Vec<QueuedCommand<A>> {
        let mut held_back = BTreeSet::new();
        let is_undecidable = |queued: &mut QueuedCommand<A>| {
            let QueuedCommand::Delivered(delivery) = queued else { return false };
            let partition = delivery.position.partition;
            if delivery.command.as_ref().is_ok_and(|request| self.cache.is_cold(&request.aggregate_id)) {
                held_back.insert(partition);
            }
            held_back.contains(&partition)
        };
        group.extract_if(.., is_undecidable).collect()
    }

    fn decide(&self, group: &[QueuedCommand<A>]) -> DecidedGroup<A> {
        let mut decided = Group::new(&self.cache, &self.codec, &self.context, self.epoch);
        let decisions =
            group.iter().map(|queued| queued.request().map(|request| decided.decide(request))).collect();
        DecidedGroup { decisions, records: decided.records, events: decided.events }
    }

    /// Writes the events of a group. If there are none, checks at least that this is still the owner: an answer that
    /// was decided on an outdated cache must not be given.
    fn commit(
        &mut self,
        group: &[QueuedCommand<A>],
        decided: &DecidedGroup<A>,
    ) -> Result<Vec<i64>, LogError> {
        // Of each partition, the last delivered command counts.
        let next_commands: Offsets = group
            .iter()
            .filter_map(|queued| match queued {
                QueuedCommand::Delivered(delivery) => Some((delivery.position.partition, delivery.next())),
                QueuedCommand::Caller(_) => None,
            })
            .collect();
        if decided.records.is_empty() && next_commands.is_empty() {
            return if group.is_empty() { Ok(Vec::new()) } else { self.log.confirm().map(|()| Vec::new()) };
        }
        let started = Instant::now();
        let answers = AnswerBuilder { topic: &self.topic, cache: &self.cache };
        let outcomes = |offsets: &[i64]| decided.outcomes(group, &answers, offsets);
        let batch = Batch { events: &decided.records, outcomes: &outcomes, next_commands: &next_commands };
        let offsets = self.log.append(&batch)?;
        metrics::committed(self.shard, started.elapsed());
        Ok(offsets)
    }

    /// Builds the answers from the cache as it was, folds the events into it, and sends the answers.
    fn answer(&mut self, group: Vec<QueuedCommand<A>>, decided: DecidedGroup<A>, offsets: &[i64]) {
        metrics::decided(self.shard, group.len());
        let written = decided.written(offsets);
        let answers = self.answers();
        let mut answers_to_send = Vec::with_capacity(group.len());
        for (queued, decision) in group.into_iter().zip(decided.decisions) {
            match (queued, decision) {
                (QueuedCommand::Caller(pending), Some(decision)) => {
                    let answer = decision.map(|effect| answers.to(&pending.request, &effect, &written));
                    answers_to_send.push((pending, answer));
                }
                (QueuedCommand::Delivered(delivery), decision) => {
                    metrics::delivered(&delivery, decision.as_ref());
                }
                (QueuedCommand::Caller(_), None) => {}
            }
        }
        for ((record, event), offset) in decided.records.into_iter().zip(&decided.events).zip(offsets) {
            self.absorb(record, event, *offset);
        }
        for (pending, answer) in answers_to_send {
            pending.answer(answer);
        }
    }

    fn absorb(&mut self, record: NewRecord, event: &A::Event, offset: i64) {
        let position = self.answers().position(record.partition, offset);
        let recorded = Recorded { envelope: record.envelope, position, payload: record.payload };
        self.cache.fold(&recorded, event).expect("what was just decided follows what was there");
    }

    fn answers(&self) -> AnswerBuilder<'_, A> {
        AnswerBuilder { topic: &self.topic, cache: &self.cache }
    }
}
