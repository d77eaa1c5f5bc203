//! The state of the simulated broker: who may write, what is written, and what of it is committed.

use std::{collections::BTreeMap, ops::Range};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::{
    Step,
    broker::stalled,
    topic::{State, Topic},
};
use crate::{Layout, LogError, NewOutcome, NewRecord, Offsets, PRODUCERS, Position, Recorded};

/// A request that has not arrived yet.
pub(super) type DelayedRequest = Box<dyn FnOnce(&mut Cluster) + Send>;

#[derive(Default)]
pub(super) struct Cluster {
    ids: BTreeMap<usize, TransactionalId>,
    /// How many transactions there have been.
    transactions: u64,
    /// The transactions whose commit is decided, in order.
    decided: Vec<u64>,
    /// The events of each partition.
    pub(super) events: BTreeMap<i32, Topic<NewRecord>>,
    /// The outcomes of each partition.
    pub(super) outcomes: BTreeMap<i32, Topic<NewOutcome>>,
    /// The announcements of the shard.
    pub(super) owners: Topic<Announced>,
    /// The layouts that were recorded.
    layouts: Topic<Layout>,
    next_commands: BTreeMap<i32, CommittedOffset>,
    offset_commits: u64,
    pub(super) delayed: Vec<DelayedRequest>,
    pub(super) counts: BTreeMap<Step, usize>,
    /// Whether the next commit becomes visible later.
    pub(super) shows_later: bool,
}

/// An announcement of the shard's owner.
pub(super) struct Announced {
    pub(super) address: String,
    pub(super) epoch_floor: u64,
}

/// The number of the transactional id of whoever changes the layout.
pub(super) const LAYOUT_ID: usize = usize::MAX;

/// The number of a shard's transactional id, in a layout with this many shards.
pub(super) fn transactional_id(shards: i32, producer: usize) -> usize {
    usize::try_from(shards - 1).expect("there is a shard") * PRODUCERS + producer
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
    next_commands: BTreeMap<i32, CommittedOffset>,
    /// The commit is decided, but readers do not see it yet.
    decided: bool,
}

/// A committed offset of a partition of the commands topic, ordered by when it was written.
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
    /// An empty shard of these partitions.
    pub(super) fn new(partitions: impl IntoIterator<Item = i32>) -> Self {
        let events: BTreeMap<_, _> =
            partitions.into_iter().map(|number| (number, Topic::default())).collect();
        let outcomes = events.keys().map(|number| (*number, Topic::default())).collect();
        Self { events, outcomes, ..Self::default() }
    }

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
        events
            .into_iter()
            .map(|event| Ok(partition(&mut self.events, event.partition)?.push(transaction, event)))
            .collect()
    }

    pub(super) fn send_outcomes(
        &mut self,
        writer: Writer,
        outcomes: Vec<NewOutcome>,
    ) -> Result<(), LogError> {
        let transaction = self.transaction(writer)?.index;
        for outcome in outcomes {
            partition(&mut self.outcomes, outcome.partition)?.push(transaction, outcome);
        }
        Ok(())
    }

    pub(super) fn announce(&mut self, writer: Writer, announced: Announced) -> Result<i64, LogError> {
        let transaction = self.transaction(writer)?.index;
        Ok(self.owners.push(transaction, announced))
    }

    pub(super) fn record_layout(&mut self, writer: Writer, layout: Layout) -> Result<(), LogError> {
        let transaction = self.transaction(writer)?.index;
        self.layouts.push(transaction, layout);
        Ok(())
    }

    /// The layout that was recorded last.
    pub(super) fn layout(&mut self) -> Result<Layout, LogError> {
        self.show_commits();
        let end = self.layouts.end();
        if self.layouts.stable_end() < end {
            return Err(stalled("simulated.layout", 0, end));
        }
        Ok(self.layouts.visible().last().map_or(Layout::first(1), |(_, layout)| *layout))
    }

    /// The highest epoch that an owner can have had.
    pub(super) fn highest_epoch(&self, floor: u64) -> u64 {
        let in_events = self.history().into_iter().map(|recorded| recorded.envelope.owner_epoch + 1);
        in_events.fold(floor + self.owners.end().unsigned_abs(), u64::max)
    }

    pub(super) fn send_offsets(&mut self, writer: Writer, next_commands: &Offsets) -> Result<(), LogError> {
        self.offset_commits += 1;
        let order = self.offset_commits;
        let offsets = next_commands
            .iter()
            .map(|(number, next)| (*number, CommittedOffset { order, next_command: *next }));
        self.transaction(writer)?.next_commands.extend(offsets);
        Ok(())
    }

    pub(super) fn commit(&mut self, writer: Writer) -> Result<(), LogError> {
        let transaction = self.transaction(writer)?;
        transaction.decided = true;
        let index = transaction.index;
        self.decided.push(index);
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
            let opened =
                Transaction { index: self.transactions, next_commands: BTreeMap::new(), decided: false };
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
            for (number, offset) in ended.next_commands {
                // The offset that was written last counts, even if its commit becomes visible first.
                let known = self.next_commands.entry(number).or_insert(offset);
                *known = offset.max(*known);
            }
        }
        self.events.values_mut().for_each(|events| events.end_transaction(ended.index, state));
        self.outcomes.values_mut().for_each(|outcomes| outcomes.end_transaction(ended.index, state));
        self.owners.end_transaction(ended.index, state);
        self.layouts.end_transaction(ended.index, state);
    }

    fn end_where(&mut self, ends: impl Fn(&Transaction) -> bool) {
        let ending = self.ids.iter().filter(|(_, id)| id.current.as_ref().is_some_and(&ends));
        let numbers: Vec<_> = ending.map(|(number, _)| *number).collect();
        for number in numbers {
            self.end(number);
        }
    }

    /// The committed offset of each partition of the commands topic that has one.
    pub(super) fn next_commands(&self) -> Offsets {
        self.next_commands.iter().map(|(number, offset)| (*number, offset.next_command)).collect()
    }

    pub(super) fn show_commits(&mut self) {
        self.end_where(|transaction| transaction.decided);
    }

    pub(super) fn expire(&mut self) {
        self.end_where(|_| true);
    }

    /// How many events are committed, including those that readers do not see yet.
    pub(super) fn committed(&self) -> usize {
        self.events.values().map(|events| events.committed(&self.decided)).sum()
    }

    /// The committed events of a range of a partition that readers see.
    pub(super) fn recorded(&self, number: i32, range: Range<i64>) -> impl Iterator<Item = Recorded> {
        let seen = self.events[&number].visible().filter(move |(offset, _)| range.contains(offset));
        seen.map(move |(offset, event)| recorded(offset, event))
    }

    /// The committed events that readers see, in the order of their commits.
    pub(super) fn history(&self) -> Vec<Recorded> {
        let mut seen: Vec<_> = self.events.values().flat_map(Topic::by_transaction).collect();
        // It is stable: the events of a transaction stay in order.
        seen.sort_by_key(|(transaction, ..)| self.decided.iter().position(|decided| decided == transaction));
        seen.into_iter().map(|(_, offset, event)| recorded(offset, event)).collect()
    }
}

/// A partition of the shard.
fn partition<T>(partitions: &mut BTreeMap<i32, Topic<T>>, number: i32) -> Result<&mut Topic<T>, LogError> {
    let unknown = || KafkaError::MessageProduction(RDKafkaErrorCode::UnknownPartition).into();
    partitions.get_mut(&number).ok_or_else(unknown)
}

fn recorded(offset: i64, event: &NewRecord) -> Recorded {
    Recorded {
        envelope: event.envelope.clone(),
        position: Position { topic: "simulated.events".to_owned(), partition: event.partition, offset },
        payload: event.payload.clone(),
    }
}
