//! What each command of a group is told, once the group is in the log.

use aggregate::{Aggregate, Version};
use event_log::{Envelope, Position};

use crate::{
    Accepted, AcceptedEvent, CommandRequest,
    group::Verdict,
    image::{Done, Image},
    ticket::Answer,
};

/// Makes the answers of one partition.
pub(crate) struct Answers<'p, A: Aggregate> {
    pub(crate) topic: &'p str,
    pub(crate) partition: i32,
    pub(crate) image: &'p Image<A>,
}

/// An event of the group that was just committed.
pub(crate) struct Written {
    pub(crate) version: Version,
    pub(crate) offset: i64,
    pub(crate) event_type: &'static str,
}

impl<A: Aggregate> Answers<'_, A> {
    /// The answer to a command, given what was written of its group.
    pub(crate) fn to(
        &self,
        request: &CommandRequest<A::Command>,
        verdict: Verdict<A::Refusal>,
        written: &[Written],
    ) -> Answer<A> {
        match verdict {
            Verdict::Error(error) => Err(error),
            Verdict::Done(done) => Ok(self.accepted(&done, true)),
            Verdict::Events(range) => Ok(self.accepted(&done(request, &written[range]), false)),
            Verdict::SameAs(range) => Ok(self.accepted(&done(request, &written[range]), true)),
            Verdict::Nothing(version) => {
                let known = self.image.get(&request.aggregate_id);
                let position = known.map(|known| self.position(known.offset));
                Ok(Accepted { version, events: Vec::new(), position, replayed: false })
            }
        }
    }

    /// The answer to a command that is in the log.
    pub(crate) fn accepted(&self, done: &Done, replayed: bool) -> Accepted {
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

    /// A place in this partition.
    pub(crate) fn position(&self, offset: i64) -> Position {
        Position { topic: self.topic.to_owned(), partition: self.partition, offset }
    }
}

fn done<C>(request: &CommandRequest<C>, written: &[Written]) -> Done {
    let last = written.last().expect("a command without events has a verdict of its own");
    Done {
        command_id: request.metadata.command_id,
        request_hash: request.request_hash,
        version: last.version,
        offset: last.offset,
        event_types: written.iter().map(|event| event.event_type).collect(),
    }
}
