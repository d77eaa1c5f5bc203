//! A generated log of a partition.

use std::collections::{BTreeSet, HashMap};

use aggregate::{Metadata, Version};
use command_engine::CommandKey;
use event_log::{Envelope, Position, Recorded, now};
use uuid::Uuid;

use super::{AggregateCache, id, tally::Event};

#[derive(Default)]
pub(crate) struct History {
    pub(crate) events: Vec<(Recorded, Event)>,
    versions: HashMap<String, Version>,
    commands: u128,
}

impl History {
    /// A log of commands on these aggregates in turn, each with one event.
    pub(crate) fn of(names: &[&str]) -> Self {
        let mut history = Self::default();
        for name in names {
            history.command(name, 1);
        }
        history
    }

    /// Writes a command with this many events and returns its id.
    pub(crate) fn command(&mut self, name: &str, events: u64) -> Uuid {
        self.commands += 1;
        let command_id = Uuid::from_u128(self.commands);
        for _ in 0..events {
            let event = Event::of(self.events.len() as u64);
            let recorded = self.next(name, command_id);
            self.events.push((recorded, event));
        }
        command_id
    }

    fn next(&mut self, name: &str, command_id: Uuid) -> Recorded {
        let version = self.versions.entry(name.to_owned()).or_default();
        *version = version.next();
        let sequence = self.events.len() as u64 + 1;
        let envelope = Envelope {
            aggregate_id: id(name),
            event_id: Uuid::from_u128(sequence.into()),
            event_type: "tallies.Counted".to_owned(),
            source: "/tallies".to_owned(),
            time: now(),
            version: *version,
            request_hash: u64::MAX - sequence,
            owner_epoch: 1,
            partition_sequence: sequence,
            metadata: Metadata {
                command_id,
                correlation_id: "".into(),
                causation_id: "".into(),
                actor: "".into(),
                traceparent: "".into(),
            },
        };
        // Every second offset is skipped, as if a commit marker occupied it.
        let offset = i64::try_from(self.events.len()).unwrap() * 2;
        Recorded {
            envelope,
            position: Position { topic: "tallies".into(), partition: 0, offset },
            payload: vec![],
        }
    }

    /// The events that a cache has not read yet.
    pub(crate) fn tail(&self, next_offset: i64) -> &[(Recorded, Event)] {
        let read = self.events.partition_point(|(recorded, _)| recorded.position.offset < next_offset);
        &self.events[read..]
    }

    /// Reads the log into a cache, to the end.
    pub(crate) fn read_into(&self, cache: &mut AggregateCache) {
        cache.fold_tail(self.tail(cache.next_offset), &mut |_, _| ()).unwrap();
    }

    /// The ids of all commands.
    pub(crate) fn commands(&self) -> BTreeSet<CommandKey> {
        let key = |(recorded, _): &(Recorded, Event)| {
            (recorded.envelope.aggregate_id.clone(), recorded.envelope.metadata.command_id)
        };
        self.events.iter().map(key).collect()
    }

    pub(crate) fn version(&self, name: &str) -> Version {
        self.versions.get(name).copied().unwrap_or_default()
    }
}
