use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use aggregate::{Aggregate, AggregateId, Message};
use event_log::NewRecord;
use uuid::Uuid;

use super::decided_group::Delivered;
use crate::{
    cache::CompletedCommand,
    group::{Draft, LastEvent, SentCommand},
    queued_command::Key,
};

/// A group that has been sent and is not known to be committed. The next group is decided on what it leads to.
pub(crate) struct SentGroup<A: Aggregate> {
    pub(super) records: Vec<NewRecord>,
    pub(super) events: Vec<A::Event>,
    /// The offsets of its events.
    pub(super) offsets: Vec<i64>,
    pub(super) drafts: HashMap<AggregateId, Draft<A::State>>,
    pub(super) commands: HashMap<Key, SentCommand>,
    /// The number of its events in each partition.
    pub(super) lengths: BTreeMap<i32, u64>,
    pub(super) sent_at: Instant,
    /// Its commands that came through Kafka.
    pub(super) delivered: Delivered<A>,
}

impl<A: Aggregate> SentGroup<A> {
    /// An aggregate after the group, if the group changes it.
    pub(crate) fn draft(&self, id: &AggregateId) -> Option<Draft<A::State>> {
        let draft = self.drafts.get(id)?;
        let last = draft.last.map(|last| match last {
            LastEvent::InGroup(index) => LastEvent::Sent(self.offsets[index]),
            LastEvent::Sent(offset) => LastEvent::Sent(offset),
        });
        Some(Draft { last, ..draft.clone() })
    }

    /// Whether the group changes an aggregate.
    pub(crate) fn changes(&self, id: &AggregateId) -> bool {
        self.drafts.contains_key(id)
    }

    /// The aggregates that the group changes.
    pub(crate) fn changed(&self) -> impl Iterator<Item = &AggregateId> {
        self.drafts.keys()
    }

    /// A command of the group that has events.
    pub(crate) fn command(&self, id: &AggregateId, command_id: Uuid) -> Option<CompletedCommand> {
        let (request_hash, range) = self.commands.get(&(id.clone(), command_id))?;
        let last = range.end - 1;
        Some(CompletedCommand {
            command_id,
            request_hash: *request_hash,
            version: self.records[last].envelope.version,
            offset: self.offsets[last],
            event_types: self.events[range.clone()].iter().map(Message::message_type).collect(),
        })
    }

    /// The number of its events in a partition.
    pub(crate) fn length(&self, partition: i32) -> u64 {
        self.lengths.get(&partition).copied().unwrap_or_default()
    }
}
