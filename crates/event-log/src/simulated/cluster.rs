//! The state of the simulated broker: who may write, what is written, and what of it is committed.

use std::{collections::BTreeMap, ops::Range};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::{
    Step,
    topic::{State, Topic},
};
use crate::{LogError, NewOutcome, NewRecord, Position, Recorded};

/// A request that has not arrived yet.
pub(super) type DelayedRequest = Box<dyn FnOnce(&mut Cluster) + Send>;

#[derive(Default)]
pub(super) struct Cluster {
    ids: BTreeMap<usize, TransactionalId>,
    /// How many transactions there have been.
    transactions: u64,
    pub(super) events: Topic<NewRecord>,
    pub(super) outcomes: Topic<NewOutcome>,
    pub(super) owners: Topic<String>,
    next_command: Option<CommittedOffset>,
    offset_commits: u64,
    pub(super) delayed: Vec<DelayedRequest>,
    pub(super) counts: BTreeMap<Step, usize>,
    /// Whether the next commit becomes visible later.
    pub(super) shows_later: bool,
}

#[derive(Default)]
struct TransactionalId {
    epoch: u32,
    /// The number of the newest transaction in this epoch.
    newest: u64,
    current: Option<Transaction>,
}

struct Transaction {
    index: u64,
    next_command: Option<CommittedOffset>,
    /// The commit is decided, but readers do not see it yet.
    decided: bool,
}

/// A committed offset of the commands topic, ordered by when it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct CommittedOffset {
    order: u64,
    next_command: i64,
}

/// A producer's transactional id and epoch, and the number of its transaction, from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer {
    pub(super) id: usize,
    pub(super) epoch: u32,
    pub(super) number: u64,
}

impl Cluster {
    /// Initialises a transactional id and returns its new epoch.
    pub(super) fn init(&mut self, number: usize) -> u32 {
        self.end(number);
        let id = self.ids.entry(number).or_default();
        (id.epoch, id.newest) = (id.epoch + 1, 0);
        id.epoch
    }

    pub(super) fn send_events(
        &mut self,
        writer: Writer,
        events: Vec<NewRecord>,
    ) -> Result<Vec<i64>, LogError> {
        let transaction = self.transaction(writer)?.index;
        Ok(events.into_iter().map(|event| self.events.push(transaction, event)).collect())
    }

    pub(super) fn send_outcomes(
        &mut self,
        writer: Writer,
        outcomes: Vec<NewOutcome>,
    ) -> Result<(), LogError> {
        let transaction = self.transaction(writer)?.index;
        for outcome in outcomes {
            self.outcomes.push(transaction, outcome);
        }
        Ok(())
    }

    pub(super) fn announce(&mut self, writer: Writer, address: String) -> Result<i64, LogError> {
        let transaction = self.transaction(writer)?.index;
        Ok(self.owners.push(transaction, address))
    }

    pub(super) fn send_offset(&mut self, writer: Writer, next_command: i64) -> Result<(), LogError> {
        self.offset_commits += 1;
        let offset = CommittedOffset { order: self.offset_commits, next_command };
        self.transaction(writer)?.next_command = Some(offset);
        Ok(())
    }

    pub(super) fn commit(&mut self, writer: Writer) -> Result<(), LogError> {
        self.transaction(writer)?.decided = true;
        if !std::mem::take(&mut self.shows_later) {
            self.end(writer.id);
        }
        Ok(())
    }

    /// The writer's transaction; its first request opens it. A request that arrives too late opens none.
    fn transaction(&mut self, writer: Writer) -> Result<&mut Transaction, LogError> {
        let id = self.ids.entry(writer.id).or_default();
        if id.epoch != writer.epoch {
            return Err(KafkaError::MessageProduction(RDKafkaErrorCode::ProducerFenced).into());
        }
        if writer.number > id.newest {
            id.newest = writer.number;
            self.end(writer.id);
            self.transactions += 1;
            let opened = Transaction { index: self.transactions, next_command: None, decided: false };
            self.ids.entry(writer.id).or_default().current = Some(opened);
        }
        let id = self.ids.entry(writer.id).or_default();
        let current = id.current.as_mut().filter(|current| writer.number == id.newest && !current.decided);
        current
            .ok_or_else(|| KafkaError::MessageProduction(RDKafkaErrorCode::InvalidTransactionalState).into())
    }

    /// Ends the current transaction of an id: commits it if that is decided, else aborts it.
    fn end(&mut self, number: usize) {
        let Some(ended) = self.ids.get_mut(&number).and_then(|id| id.current.take()) else {
            return;
        };
        let state = if ended.decided { State::Committed } else { State::Aborted };
        if ended.decided {
            // The offset that was written last counts, even if its commit becomes visible first.
            self.next_command = self.next_command.max(ended.next_command);
        }
        self.events.end_transaction(ended.index, state);
        self.outcomes.end_transaction(ended.index, state);
        self.owners.end_transaction(ended.index, state);
    }

    fn end_where(&mut self, ends: impl Fn(&Transaction) -> bool) {
        let ending = self.ids.iter().filter(|(_, id)| id.current.as_ref().is_some_and(&ends));
        let numbers: Vec<_> = ending.map(|(number, _)| *number).collect();
        for number in numbers {
            self.end(number);
        }
    }

    /// The committed offset of the commands topic.
    pub(super) fn next_command(&self) -> Option<i64> {
        self.next_command.map(|offset| offset.next_command)
    }

    pub(super) fn show_commits(&mut self) {
        self.end_where(|transaction| transaction.decided);
    }

    pub(super) fn expire(&mut self) {
        self.end_where(|_| true);
    }

    /// How many events are committed, including those that readers do not see yet.
    pub(super) fn committed(&self) -> usize {
        let decided =
            self.ids.values().filter_map(|id| id.current.as_ref()).filter(|current| current.decided);
        let decided: Vec<_> = decided.map(|current| current.index).collect();
        self.events.committed(&decided)
    }

    /// The committed events of a range that readers see.
    pub(super) fn recorded(&self, range: Range<i64>) -> impl Iterator<Item = Recorded> {
        let seen = self.events.visible().filter(move |(offset, _)| range.contains(offset));
        let recorded = |(offset, event): (i64, &NewRecord)| Recorded {
            envelope: event.envelope.clone(),
            position: Position { topic: "simulated.events".to_owned(), partition: 0, offset },
            payload: event.payload.clone(),
        };
        seen.map(recorded)
    }
}
