use std::time::Instant;

use aggregate::{Aggregate, AggregateId};

use super::decided_group::Delivered;
use crate::{
    answers::{WrittenEvent, completed},
    cache::{CommandKey, CompletedCommand},
    group::{Draft, GroupEffects, LastEvent},
};

/// A group that has been sent and is not known to be committed. The next group is decided on what it leads to.
pub(crate) struct SentGroup<A: Aggregate> {
    pub(crate) effects: GroupEffects<A>,
    /// Its events with their offsets.
    pub(super) written: Vec<WrittenEvent>,
    pub(super) sent_at: Instant,
    /// Its commands that came through Kafka.
    pub(super) delivered: Delivered<A>,
}

impl<A: Aggregate> SentGroup<A> {
    /// An aggregate after the group, if the group changes it.
    pub(crate) fn draft(&self, id: &AggregateId) -> Option<Draft<A::State>> {
        let draft = self.effects.drafts.get(id)?;
        let last = draft.last.map(|last| match last {
            LastEvent::InGroup(index) => LastEvent::Sent(self.written[index].offset),
            LastEvent::Sent(offset) => LastEvent::Sent(offset),
        });
        Some(Draft { last, ..draft.clone() })
    }

    /// A command of the group that has events.
    pub(crate) fn command(&self, key: &CommandKey) -> Option<CompletedCommand> {
        let (request_hash, range) = self.effects.commands.get(key)?;
        Some(completed(key.1, *request_hash, &self.written[range.clone()]))
    }
}
