//! Turns facts into log records, each in the partition of its aggregate, with the next version and sequence number.

use std::collections::HashMap;

use aggregate::{AggregateId, Message, Metadata, Version};
use event_log::{Envelope, Position, Recorded, partition_of};
use uuid::Uuid;

use super::{Fact, happened_at};

/// The topic of all facts.
pub(super) const TOPIC: &str = "kit.events";
/// Its partition count.
pub(super) const PARTITIONS: i32 = 8;

/// A fact with its position in the log, and the decoded event if the projection wants this type.
#[derive(Debug, Clone)]
pub(super) struct Entry<E> {
    pub(super) recorded: Recorded,
    pub(super) event: Option<E>,
}

impl<E> Entry<E> {
    pub(super) const fn partition(&self) -> i32 {
        self.recorded.position.partition
    }
}

/// Assigns positions, versions and sequence numbers to facts, in order.
pub(super) fn log<E: Message>(facts: &[Fact], wants: fn(&str) -> bool) -> Vec<Entry<E>> {
    let (mut versions, mut sequences) = (HashMap::new(), HashMap::new());
    let mut write = |number: usize, fact: &Fact| {
        let partition = partition_of(&fact.aggregate_id, PARTITIONS);
        let version = next(versions.entry(fact.aggregate_id.clone()).or_default());
        let sequence = next(sequences.entry(partition).or_default());
        let envelope = envelope(fact, number, version, sequence);
        // The transaction marker also takes an offset.
        let offset = 2 * sequence.cast_signed();
        let position = Position { topic: TOPIC.to_owned(), partition, offset };
        Entry { recorded: Recorded { envelope, position, payload: Vec::new() }, event: fact.read(wants) }
    };
    (1..).zip(facts).map(|(number, fact)| write(number, fact)).collect()
}

fn next(count: &mut u64) -> u64 {
    *count += 1;
    *count
}

fn envelope(fact: &Fact, number: usize, version: u64, sequence: u64) -> Envelope {
    let command_id = Uuid::from_u128(number as u128);
    Envelope {
        aggregate_id: AggregateId::clone(&fact.aggregate_id),
        event_id: Envelope::event_id_of(command_id, 0),
        event_type: fact.event_type.clone(),
        source: "/kit".to_owned(),
        time: happened_at(number),
        version: Version(version),
        request_hash: 0,
        owner_epoch: 1,
        partition_sequence: sequence,
        metadata: Metadata {
            command_id,
            correlation_id: format!("correlation-{number}").into(),
            causation_id: format!("causation-{number}").into(),
            actor: "kit".into(),
            traceparent: "".into(),
        },
    }
}
