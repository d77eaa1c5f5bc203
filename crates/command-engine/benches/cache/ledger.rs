//! An aggregate whose state takes 64 bytes, and generated records of it.

use std::{convert::Infallible, fmt};

use aggregate::{Aggregate, AggregateId, Message, Metadata, Payload, Version};
use event_log::{Envelope, Position, Recorded, now};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) struct Ledger;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Booked {
    amount: u64,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) enum Never {}

impl Aggregate for Ledger {
    const NAME: &'static str = "ledger";
    const STATE_VERSION: u32 = 1;
    type State = [u64; 8];
    type Command = Infallible;
    type Event = Booked;
    type Refusal = Never;

    fn decide(_: &[u64; 8], command: Infallible) -> Result<Vec<Booked>, Never> {
        match command {}
    }

    fn evolve(state: [u64; 8], event: &Booked) -> [u64; 8] {
        state.map(|sum| sum + event.amount)
    }
}

impl Message for Booked {
    fn message_type(&self) -> &'static str {
        "Booked"
    }

    fn decode<P: Payload>(_: &str, payload: P) -> Result<Option<Self>, P::Error> {
        payload.read().map(Some)
    }
}

impl aggregate::Refusal for Never {
    fn code(&self) -> &'static str {
        match *self {}
    }
}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Never {}

pub(crate) fn id(partition: usize, number: usize) -> AggregateId {
    AggregateId::from(Uuid::from_u64_pair(partition as u64, number as u64))
}

/// An event for each of these aggregates, as the next records of the partition.
pub(crate) fn records(
    aggregates: impl Iterator<Item = (usize, usize)>,
    version: u64,
    sequence: u64,
) -> Vec<(Recorded, Booked)> {
    (sequence + 1..)
        .zip(aggregates)
        .map(|(sequence, (partition, number))| {
            let id = id(partition, number);
            (recorded(id, version, sequence), Booked { amount: sequence })
        })
        .collect()
}

fn recorded(aggregate_id: AggregateId, version: u64, sequence: u64) -> Recorded {
    let envelope = Envelope {
        aggregate_id,
        event_id: Uuid::from_u128(sequence.into()),
        event_type: "books.Booked".to_owned(),
        source: "/books".to_owned(),
        time: now(),
        version: Version(version),
        request_hash: sequence,
        owner_epoch: 1,
        partition_sequence: sequence,
        metadata: Metadata {
            command_id: Uuid::from_u128(sequence.into()),
            correlation_id: "".into(),
            causation_id: "".into(),
            actor: "".into(),
            traceparent: "".into(),
        },
    };
    let offset = i64::try_from(sequence).expect("a short log") * 2;
    Recorded {
        envelope,
        position: Position { topic: "books".into(), partition: 0, offset },
        payload: Vec::new(),
    }
}
