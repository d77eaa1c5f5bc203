//! The memory image of a partition: the fold of its log, aggregate by aggregate. Only committed events get in.

use std::collections::{HashMap, VecDeque};

use aggregate::{Aggregate, AggregateId, Event, Version};
use event_log::{Continuity, Discontinuity, Recorded};
use uuid::Uuid;

/// How many commands an aggregate remembers, to know a repeated one.
const REMEMBERED: usize = 64;

/// Every aggregate of one partition, as the log says.
pub(crate) struct Image<A: Aggregate> {
    aggregates: HashMap<AggregateId, Known<A::State>>,
    /// Where in the partition's history the image is.
    pub(crate) continuity: Continuity,
    /// The first offset that is not in the image.
    pub(crate) next_offset: i64,
}

/// One aggregate.
pub(crate) struct Known<S> {
    pub(crate) state: S,
    pub(crate) version: Version,
    /// Where its last event stands.
    pub(crate) offset: i64,
    commands: VecDeque<Done>,
}

/// A command that led to events.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub(crate) command_id: Uuid,
    pub(crate) request_hash: u64,
    /// The aggregate's version after its last event.
    pub(crate) version: Version,
    /// Where its last event stands.
    pub(crate) offset: i64,
    pub(crate) event_types: Vec<&'static str>,
}

impl<A: Aggregate> Image<A> {
    pub(crate) fn new() -> Self {
        Self { aggregates: HashMap::new(), continuity: Continuity::default(), next_offset: 0 }
    }

    pub(crate) fn get(&self, id: &AggregateId) -> Option<&Known<A::State>> {
        self.aggregates.get(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.aggregates.len()
    }

    /// Takes in the next event of the log and answers with the command it belongs to, as far as that is known.
    pub(crate) fn fold(&mut self, recorded: &Recorded, event: &A::Event) -> Result<&Done, Discontinuity> {
        let known = self.aggregates.entry(recorded.envelope.aggregate_id.clone()).or_default();
        if recorded.envelope.version != known.version.next() {
            return Err(Discontinuity::Version {
                position: recorded.position.clone(),
                aggregate: recorded.envelope.aggregate_id.to_string(),
                expected: known.version.next().0,
                found: recorded.envelope.version.0,
            });
        }
        self.continuity.follow(recorded)?;
        known.state = A::evolve(std::mem::take(&mut known.state), event);
        self.next_offset = recorded.position.offset + 1;
        Ok(known.remember(recorded, event.event_type()))
    }
}

impl<S> Known<S> {
    /// What the aggregate remembers of a command.
    pub(crate) fn done(&self, command_id: Uuid) -> Option<&Done> {
        self.commands.iter().rev().find(|done| done.command_id == command_id)
    }

    fn remember(&mut self, recorded: &Recorded, event_type: &'static str) -> &Done {
        let envelope = &recorded.envelope;
        (self.version, self.offset) = (envelope.version, recorded.position.offset);
        let command_id = envelope.metadata.command_id;
        if self.commands.back().is_none_or(|last| last.command_id != command_id) {
            if self.commands.len() == REMEMBERED {
                self.commands.pop_front();
            }
            self.commands.push_back(Done {
                command_id,
                request_hash: envelope.request_hash,
                version: Version::NONE,
                offset: 0,
                event_types: Vec::with_capacity(1),
            });
        }
        let done = self.commands.back_mut().expect("a command was pushed if there was none");
        (done.version, done.offset) = (envelope.version, recorded.position.offset);
        done.event_types.push(event_type);
        done
    }
}

impl<S: Default> Default for Known<S> {
    fn default() -> Self {
        Self { state: S::default(), version: Version::NONE, offset: 0, commands: VecDeque::new() }
    }
}
