//! Builds the answers to the commands of a group once the group is committed.

use aggregate::{Aggregate, Version};
use event_log::{Envelope, NewRecord, Position};

use crate::{
    Accepted, AcceptedEvent, CommandRequest,
    cache::{AggregateCache, CompletedCommand},
    group::DecisionEffect,
};

/// Builds answers about one partition. Its cache must not contain the group's events yet.
pub(crate) struct Answers<'p, A: Aggregate> {
    pub(crate) topic: &'p str,
    pub(crate) partition: i32,
    pub(crate) cache: &'p AggregateCache<A>,
}

/// A committed event of the group and its offset.
pub(crate) struct Written {
    version: Version,
    offset: i64,
    event_type: &'static str,
}

impl Written {
    /// The events of a group with their offsets.
    pub(crate) fn of<E: aggregate::Message>(
        records: &[NewRecord],
        events: &[E],
        offsets: &[i64],
    ) -> Vec<Self> {
        let written = |((record, event), offset): ((&NewRecord, &E), &i64)| Self {
            version: record.envelope.version,
            offset: *offset,
            event_type: event.message_type(),
        };
        records.iter().zip(events).zip(offsets).map(written).collect()
    }
}

impl<A: Aggregate> Answers<'_, A> {
    /// The answer to a command of the group.
    pub(crate) fn to(
        &self,
        request: &CommandRequest<A::Command>,
        effect: &DecisionEffect,
        written: &[Written],
    ) -> Accepted {
        match effect {
            DecisionEffect::CompletedCommand(done) => self.accepted(done, true),
            DecisionEffect::Events(range) => self.accepted(&done(request, &written[range.clone()]), false),
            DecisionEffect::SameAs(range) => self.accepted(&done(request, &written[range.clone()]), true),
            DecisionEffect::Nothing(version, last) => {
                let before = || Some(self.cache.get(&request.aggregate_id)?.offset);
                let offset = last.map(|last| written[last].offset).or_else(before);
                let position = offset.map(|offset| self.position(offset));
                Accepted { version: *version, events: Vec::new(), position, replayed: false }
            }
        }
    }

    /// The answer to a command that is in the log.
    pub(crate) fn accepted(&self, done: &CompletedCommand, replayed: bool) -> Accepted {
        let event = |(index, event_type): (usize, &&'static str)| AcceptedEvent {
            event_type,
            id: Envelope::event_id_of(done.command_id, index),
        };
        Accepted {
            version: done.version,
            events: done.event_types.iter().enumerate().map(event).collect(),
            position: Some(self.position(done.offset)),
            replayed,
        }
    }

    /// A position in this partition.
    pub(crate) fn position(&self, offset: i64) -> Position {
        Position { topic: self.topic.to_owned(), partition: self.partition, offset }
    }
}

fn done<C>(request: &CommandRequest<C>, written: &[Written]) -> CompletedCommand {
    let last = written.last().expect("a command without events has an effect of its own");
    CompletedCommand {
        command_id: request.metadata.command_id,
        request_hash: request.request_hash,
        version: last.version,
        offset: last.offset,
        event_types: written.iter().map(|event| event.event_type).collect(),
    }
}
