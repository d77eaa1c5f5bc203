//! The queue of waiting commands, fair between aggregates.

use std::collections::{HashMap, VecDeque};

use aggregate::{Aggregate, AggregateId};

use crate::queued_command::PendingCommand;

/// One lane for each aggregate that has waiting commands. Lanes take turns; each is first in, first out.
pub(crate) struct Queue<A: Aggregate> {
    lanes: HashMap<AggregateId, VecDeque<(u64, PendingCommand<A>)>>,
    turns: VecDeque<AggregateId>,
    length: usize,
    /// How many commands have been enqueued so far. Each gets a number by which it can be withdrawn.
    last_number: u64,
}

impl<A: Aggregate> Queue<A> {
    pub(crate) fn new() -> Self {
        Self { lanes: HashMap::new(), turns: VecDeque::new(), length: 0, last_number: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    /// The number of waiting commands of an aggregate.
    pub(crate) fn waiting_for(&self, id: &AggregateId) -> usize {
        self.lanes.get(id).map_or(0, VecDeque::len)
    }

    /// Enqueues a command and returns of number.
    pub(crate) fn push(&mut self, pending: PendingCommand<A>) -> u64 {
        let id = pending.request.aggregate_id.clone();
        self.last_number += 1;
        let lane = self.lanes.entry(id.clone()).or_default();
        if lane.is_empty() {
            self.turns.push_back(id);
        }
        lane.push_back((self.last_number, pending));
        self.length += 1;
        self.last_number
    }

    /// Removes the next command, of the aggregate whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<PendingCommand<A>> {
        let id = self.turns.pop_front()?;
        let lane = self.lanes.get_mut(&id).expect("an aggregate has a turn while it has a lane");
        let (_, pending) = lane.pop_front().expect("a lane is not empty");
        self.length -= 1;
        if lane.is_empty() {
            self.lanes.remove(&id);
        } else {
            self.turns.push_back(id);
        }
        Some(pending)
    }

    /// Removes a command whose caller has given up. Returns false if it is no longer there.
    pub(crate) fn withdraw(&mut self, id: &AggregateId, number: u64) -> bool {
        let Some(lane) = self.lanes.get_mut(id) else { return false };
        let Some(index) = lane.iter().position(|(other, _)| *other == number) else { return false };
        lane.remove(index);
        self.length -= 1;
        if lane.is_empty() {
            self.lanes.remove(id);
            self.turns.retain(|turn| turn != id);
        }
        true
    }

    /// Removes all waiting commands.
    pub(crate) fn drain(&mut self) -> Vec<PendingCommand<A>> {
        std::iter::from_fn(|| self.pop()).collect()
    }
}
