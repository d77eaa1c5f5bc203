//! The one who writes a partition: its log and the cache of it.

#![expect(clippy::disallowed_methods, reason = "it is driven by the partition's own thread")]

mod decided;

use std::{sync::Arc, time::Instant};

use aggregate::{Aggregate, AggregateId};
use event_log::{Batch, Claimed, Codec, Fold, LogError, NewRecord, PartitionLog, Recorded, Topics};
use tracing::warn;

use crate::{
    CommandError, answers::Answers, cache::AggregateCache, group::Group, in_doubt::InDoubt, metrics,
    queued_command::QueuedCommand, replay::Replay, snapshots::SnapshotError,
};
use decided::Decided;

/// A group that could not be brought to its end.
pub struct Unsettled<A: Aggregate> {
    /// Why not.
    pub error: LogError,
    /// Its commands: nobody knows yet whether they are in the log.
    pub in_doubt: InDoubt<A>,
}

impl<A: Aggregate> Unsettled<A> {
    fn of(error: LogError, group: Vec<QueuedCommand<A>>, cache: &AggregateCache<A>) -> Box<Self> {
        Box::new(Self { error, in_doubt: InDoubt::of(group, cache) })
    }
}

/// Writes one partition, step by step; see [`protocol`](crate::protocol).
pub struct Writer<A: Aggregate, L> {
    partition: i32,
    topic: String,
    context: String,
    log: L,
    codec: Arc<Codec>,
    cache: AggregateCache<A>,
    /// Whether the cache has begun.
    restored: bool,
    epoch: u64,
}

impl<A: Aggregate, L: PartitionLog> Writer<A, L> {
    /// A writer that owns nothing and knows nothing.
    pub fn new(partition: i32, topics: &Topics, log: L, codec: Arc<Codec>, cache: AggregateCache<A>) -> Self {
        Self {
            partition,
            topic: topics.events(),
            context: topics.context().to_owned(),
            log,
            codec,
            cache,
            restored: false,
            epoch: 0,
        }
    }

    /// Reads what is committed so far, beside whoever owns the partition, so that the claim has little left to read.
    pub fn warm_up(&mut self) -> Result<(), LogError> {
        self.replay(&mut InDoubt::nothing(), |log, next, fold| log.read(next, fold))
    }

    /// Takes the partition over, and looks on the way for commands in doubt. What is read of the log stays read, so
    /// the next try goes on from there.
    pub fn claim(&mut self, in_doubt: &mut InDoubt<A>) -> Result<Claimed, LogError> {
        let claimed = self.replay(in_doubt, |log, next, fold| log.claim(next, fold))?;
        self.epoch = claimed.epoch;
        Ok(claimed)
    }

    /// Whether a newer owner has begun. If so, everything that was written before it is read, and what is not in the
    /// log by now never will be.
    pub fn is_replaced(&mut self, in_doubt: &mut InDoubt<A>) -> Result<bool, LogError> {
        let replaced = self.log.newest_epoch()? > self.epoch;
        if replaced {
            self.replay(in_doubt, |log, next, fold| log.read(next, fold))?;
        }
        Ok(replaced)
    }

    /// Answers the commands that are in the log, after a [`claim`](Self::claim) or after
    /// [`is_replaced`](Self::is_replaced) said so. Left are those that are not in it and never will be by themselves,
    /// and whose callers still wait; delivered ones are not among them, for they are delivered again.
    pub fn resolve(&self, in_doubt: InDoubt<A>) -> Vec<QueuedCommand<A>> {
        let InDoubt { waiting, mut found, .. } = in_doubt;
        let mut left = Vec::new();
        for waiting in waiting {
            let QueuedCommand::Caller(pending) = waiting else { continue };
            match found.get_mut(&pending.request.key()) {
                Some(found) if found.done.request_hash == pending.request.request_hash => {
                    let replayed = std::mem::replace(&mut found.told, true);
                    pending.answer(Ok(self.answers().accepted(&found.done, replayed)));
                }
                Some(_) => pending.answer(Err(CommandError::IdReused)),
                None if pending.is_wanted() => left.push(QueuedCommand::Caller(pending)),
                None => {}
            }
        }
        left
    }

    /// Decides a group, commits what it leads to, and answers. Left are delivered commands that cannot be decided yet,
    /// because their aggregates are not in memory and cannot be brought there.
    pub fn process(
        &mut self,
        mut group: Vec<QueuedCommand<A>>,
    ) -> Result<Vec<QueuedCommand<A>>, Box<Unsettled<A>>> {
        if let Err(error) = self.load(&group) {
            return Err(Unsettled::of(error, group, &self.cache));
        }
        let undecidable = self.split_undecidable(&mut group);
        let decided = self.decide(&group);
        match self.commit(&group, &decided) {
            Ok(offsets) => {
                self.answer(group, decided, &offsets);
                Ok(undecidable)
            }
            Err(error) => Err(Unsettled::of(error, group, &self.cache)),
        }
    }

    /// Whether nobody newer has announced itself, as far as the log can be asked.
    pub fn still_owns(&mut self) -> bool {
        !matches!(self.log.confirm(), Err(LogError::Replaced))
    }

    /// Lets the partition go and forgets everything about it.
    pub fn release(&mut self) {
        self.log.release();
        self.cache.forget();
        (self.restored, self.epoch) = (false, 0);
    }

    /// Saves in the background what has changed, if it is time.
    pub fn write_behind(&mut self) {
        if let Err(error) = self.cache.write_behind(self.epoch) {
            warn!(partition = self.partition, %error, "snapshots are not as they were left");
            self.restored = false;
        }
    }

    /// When [`write_behind`](Self::write_behind) is to be called though nothing has happened.
    pub fn due(&self) -> Option<Instant> {
        self.cache.due()
    }

    /// How many aggregates the partition has.
    pub fn aggregates(&self) -> u64 {
        self.cache.aggregates()
    }
}

/// The parts of the steps.
impl<A: Aggregate, L: PartitionLog> Writer<A, L> {
    fn replay<T>(
        &mut self,
        in_doubt: &mut InDoubt<A>,
        read: impl FnOnce(&mut L, i64, &mut Fold<'_>) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        if !self.restored {
            self.cache.restore().map_err(|error| LogError::Fold(error.into()))?;
            self.restored = true;
        }
        let next = self.cache.next_offset;
        let mut replay = Replay::new(&mut self.cache, &self.codec, in_doubt);
        let read = read(&mut self.log, next, &mut |recorded| replay.take(recorded));
        // What came first is said first.
        let folded = replay.fold();
        // Snapshots of another log may be dropped by the next try.
        self.restored = !replay.lost && !matches!(read, Err(LogError::BeyondEnd { .. }));
        folded?;
        read
    }

    /// Brings the aggregates of a group into memory. Those that stay cold are told so, each for itself; an error means
    /// that the cache is to begin anew.
    fn load(&mut self, group: &[QueuedCommand<A>]) -> Result<(), LogError> {
        let ids = group.iter().filter_map(QueuedCommand::request).map(|request| request.aggregate_id.clone());
        match self.cache.load(&ids.collect::<Vec<AggregateId>>()) {
            Err(error @ SnapshotError::Lost) => {
                self.restored = false;
                Err(LogError::Fold(error.into()))
            }
            _ if !self.restored => Err(LogError::Fold(SnapshotError::Lost.into())),
            Err(error) => {
                warn!(partition = self.partition, %error, "aggregates that are not in memory cannot be loaded");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Takes out the first delivered command whose aggregate is cold, and all delivered after it: they are settled in
    /// the order of their topic.
    fn split_undecidable(&self, group: &mut Vec<QueuedCommand<A>>) -> Vec<QueuedCommand<A>> {
        let cold = |waiting: &QueuedCommand<A>| {
            waiting.request().is_some_and(|request| self.cache.is_cold(&request.aggregate_id))
        };
        let mut met = false;
        let is_left = |waiting: &mut QueuedCommand<A>| {
            let delivered = matches!(waiting, QueuedCommand::Delivered(_));
            met |= delivered && cold(waiting);
            delivered && met
        };
        group.extract_if(.., is_left).collect()
    }

    fn decide(&self, group: &[QueuedCommand<A>]) -> Decided<A> {
        let mut decided = Group::new(&self.cache, &self.codec, &self.context, self.epoch);
        let decisions =
            group.iter().map(|waiting| waiting.request().map(|request| decided.decide(request))).collect();
        Decided { decisions, records: decided.records, events: decided.events }
    }

    /// Writes what a group leads to. Where that is nothing, the log is asked at least whether this is still the owner:
    /// what was decided on an cache that is not the newest must not be told.
    fn commit(&mut self, group: &[QueuedCommand<A>], decided: &Decided<A>) -> Result<Vec<i64>, LogError> {
        let next_command = group.iter().rev().find_map(|waiting| match waiting {
            QueuedCommand::Delivered(delivery) => Some(delivery.next()),
            QueuedCommand::Caller(_) => None,
        });
        if decided.records.is_empty() && next_command.is_none() {
            return if group.is_empty() { Ok(Vec::new()) } else { self.log.confirm().map(|()| Vec::new()) };
        }
        let started = Instant::now();
        let answers = Answers { topic: &self.topic, partition: self.partition, cache: &self.cache };
        let outcomes = |offsets: &[i64]| decided.outcomes(group, &answers, offsets);
        let batch = Batch { events: &decided.records, outcomes: &outcomes, next_command };
        let offsets = self.log.append(&batch)?;
        metrics::committed(self.partition, started.elapsed());
        Ok(offsets)
    }

    /// Tells everybody, and takes the events into the cache. The answers are about the cache as it was.
    fn answer(&mut self, group: Vec<QueuedCommand<A>>, decided: Decided<A>, offsets: &[i64]) {
        metrics::decided(self.partition, group.len());
        let written = decided.written(offsets);
        let answers = self.answers();
        let mut told = Vec::with_capacity(group.len());
        for (waiting, decision) in group.into_iter().zip(decided.decisions) {
            match (waiting, decision) {
                (QueuedCommand::Caller(pending), Some(decision)) => {
                    let answer = decision.map(|effect| answers.to(&pending.request, &effect, &written));
                    told.push((pending, answer));
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
        for (pending, answer) in told {
            pending.answer(answer);
        }
    }

    fn absorb(&mut self, record: NewRecord, event: &A::Event, offset: i64) {
        let position = self.answers().position(offset);
        let recorded = Recorded { envelope: record.envelope, position, payload: record.payload };
        self.cache.fold(&recorded, event).expect("what was just decided follows what was there");
    }

    fn answers(&self) -> Answers<'_, A> {
        Answers { topic: &self.topic, partition: self.partition, cache: &self.cache }
    }
}
