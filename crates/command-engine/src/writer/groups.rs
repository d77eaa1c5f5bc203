//! Decides groups of commands and sends their events, and folds the groups whose commits have ended.

use std::collections::BTreeSet;

use aggregate::Aggregate;
use event_log::{Batch, LogError, Offsets, Recorded, Sent, ShardLog};

use super::{FailedGroup, SentGroup, Writer, decided_group::DecidedGroup};
use crate::{
    CommandRequest,
    answers::AnswerBuilder,
    cache::LookedUp,
    commits::{CommitRequest, CommitResult},
    group::{Group, GroupEffects},
    in_doubt::InDoubt,
    metrics,
    queued_command::QueuedCommand,
};

/// How many groups may be sent and not known to be committed when the next one is decided.
const MOST_BEFORE: usize = 1;

impl<A: Aggregate, L: ShardLog> Writer<A, L> {
    /// Decides a group and sends its events. They are committed and answered while the next group is decided. Returns
    /// delivered commands that cannot be decided yet because their aggregates could not be loaded.
    pub fn process(
        &mut self,
        mut group: Vec<QueuedCommand<A>>,
    ) -> Result<Vec<QueuedCommand<A>>, Box<FailedGroup<A>>> {
        let looked_up = match self.load(&group) {
            Ok(looked_up) => looked_up,
            Err(error) => return Err(self.fail(error, group)),
        };
        let undecidable = self.split_undecidable(&mut group, &looked_up);
        let decided = DecidedGroup::decide(self.empty_group(&looked_up), &group);
        let next_commands = next_commands(&group);
        if decided.effects.records.is_empty() && next_commands.is_empty() {
            self.answer(group, decided)?;
        } else {
            self.send(group, decided, &next_commands)?;
        }
        self.end_commits()?;
        Ok(undecidable)
    }

    /// Sends a group without commands, which commits the next command of every partition again.
    pub fn recommit(&mut self) -> Result<(), Box<FailedGroup<A>>> {
        let decided = DecidedGroup::decide(self.empty_group(&LookedUp::new()), &[]);
        let next_commands = self.next_commands.clone();
        self.send(Vec::new(), decided, &next_commands)?;
        self.end_commits()
    }

    /// Folds the groups whose commits have ended, and waits until the next group may be decided.
    pub fn end_commits(&mut self) -> Result<(), Box<FailedGroup<A>>> {
        self.fold_committed(MOST_BEFORE).map_err(|error| self.fail(error, Vec::new()))
    }

    /// Waits for all commits under way, and folds their groups.
    pub fn await_commits(&mut self) -> Result<(), Box<FailedGroup<A>>> {
        self.fold_committed(0).map_err(|error| self.fail(error, Vec::new()))
    }

    /// Loads the aggregates of a group, and keeps those of the groups before it. Looks up the commands that their aggregates
    /// may have evicted. Commands for which either fails are refused individually. An error means that a cache must be
    /// restored.
    fn load(&mut self, group: &[QueuedCommand<A>]) -> Result<LookedUp, LogError> {
        let requests = || group.iter().filter_map(QueuedCommand::request);
        let ids = requests().map(|request| &request.aggregate_id);
        let sent = self.sent.iter().flat_map(|sent| sent.effects.drafts.keys());
        let loaded = self.cache.load(ids.chain(sent));
        let keys = requests().filter(|request| request.has_key).map(CommandRequest::key);
        loaded.and_then(|()| self.cache.look_up(keys)).map_err(|error| LogError::Fold(error.into()))
    }

    /// Removes, of each partition, the first delivered command that cannot be decided now and all delivered commands after
    /// it, because they must be decided in the order of their partition.
    fn split_undecidable(
        &self,
        group: &mut Vec<QueuedCommand<A>>,
        looked_up: &LookedUp,
    ) -> Vec<QueuedCommand<A>> {
        let empty = self.empty_group(looked_up);
        let mut held_back = BTreeSet::new();
        let is_undecidable = |queued: &mut QueuedCommand<A>| {
            let QueuedCommand::Delivered(delivery) = queued else { return false };
            let partition = delivery.position.partition;
            if delivery.command.as_ref().is_ok_and(|request| empty.is_undecidable(request)) {
                held_back.insert(partition);
            }
            held_back.contains(&partition)
        };
        group.extract_if(.., is_undecidable).collect()
    }

    fn empty_group<'a>(&'a self, looked_up: &'a LookedUp) -> Group<'a, A> {
        Group::new(&self.cache, self.sent.back(), looked_up, &self.codec, &self.context, self.epoch)
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
        let batch = Batch { events: &decided.effects.records, outcomes: &outcomes, next_commands };
        match self.log.send(&batch) {
            Ok(Sent { offsets, commit }) => {
                metrics::decided(self.shard, group.len());
                let written = decided.written(&offsets);
                let (answers, delivered) = decided.answers(group, &answers, &written);
                self.sent.push_back(decided.sent(written, delivered));
                self.commits.request(CommitRequest { commit, answers });
                self.next_commands.extend(next_commands);
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
        for (delivery, decision) in &group.delivered {
            metrics::delivered(delivery, decision.as_ref());
        }
        let GroupEffects { records, events, .. } = group.effects;
        for ((record, event), written) in records.into_iter().zip(&events).zip(group.written) {
            let position = self.answers().position(record.partition, written.offset);
            let recorded = Recorded { envelope: record.envelope, position, payload: record.payload };
            self.cache.fold(&recorded, event).expect("what was just decided follows what was there");
        }
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
