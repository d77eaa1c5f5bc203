//! Builds the answers to the commands of a group once the offsets of its events are known.

use std::ops::Range;

use aggregate::{Aggregate, AggregateId, Version};
use event_log::{Envelope, NewRecord, Position};
use uuid::Uuid;

use crate::{
    Accepted, AcceptedEvent, CommandRequest,
    cache::{CompletedCommand, ShardCache},
    group::{DecisionEffect, LastEvent},
};

/// Builds answers about one shard. The events of the group they answer must not be in its cache yet.
pub(crate) struct AnswerBuilder<'s, A: Aggregate> {
    pub(crate) topic: &'s str,
    pub(crate) cache: &'s ShardCache<A>,
}

/// An event of the group and its offset.
pub(crate) struct WrittenEvent {
    version: Version,
    pub(crate) offset: i64,
    event_type: &'static str,
}

impl WrittenEvent {
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

impl<A: Aggregate> AnswerBuilder<'_, A> {
    /// The answer to a command of the group.
    pub(crate) fn to(
        &self,
        request: &CommandRequest<A::Command>,
        effect: &DecisionEffect,
        written: &[WrittenEvent],
    ) -> Accepted {
        let id = &request.aggregate_id;
        let completed = |range: &Range<usize>| {
            completed(request.metadata.command_id, request.request_hash, &written[range.clone()])
        };
        match effect {
            DecisionEffect::Repeated(completed) => self.accepted(id, completed, true),
            DecisionEffect::Events(range) => self.accepted(id, &completed(range), false),
            DecisionEffect::RepeatedInGroup(range) => self.accepted(id, &completed(range), true),
            DecisionEffect::NoChange(version, last) => {
                let offset = match last {
                    Some(LastEvent::InGroup(index)) => Some(written[*index].offset),
                    Some(LastEvent::Sent(offset)) => Some(*offset),
                    None => self.cache.get(id).map(|cached| cached.offset),
                };
                let position = offset.map(|offset| self.position(self.cache.partition_of(id), offset));
                Accepted { version: *version, events: Vec::new(), position, replayed: false }
            }
        }
    }

    /// The answer to a command that is in the log.
    pub(crate) fn accepted(
        &self,
        id: &AggregateId,
        completed: &CompletedCommand,
        replayed: bool,
    ) -> Accepted {
        let event = |(index, event_type): (usize, &&'static str)| AcceptedEvent {
            event_type,
            id: Envelope::event_id_of(completed.command_id, index),
        };
        Accepted {
            version: completed.version,
            events: completed.event_types.iter().enumerate().map(event).collect(),
            position: Some(self.position(self.cache.partition_of(id), completed.offset)),
            replayed,
        }
    }

    /// A position in the events topic.
    pub(crate) fn position(&self, partition: i32, offset: i64) -> Position {
        Position { topic: self.topic.to_owned(), partition, offset }
    }
}

/// A command of the group that led to these events.
pub(crate) fn completed(command_id: Uuid, request_hash: u64, written: &[WrittenEvent]) -> CompletedCommand {
    let last = written.last().expect("a command without events has an effect of its own");
    CompletedCommand {
        command_id,
        request_hash,
        version: last.version,
        offset: last.offset,
        event_types: written.iter().map(|event| event.event_type).collect(),
    }
}
