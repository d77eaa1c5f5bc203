//! The invariants of the log and of every answer.

use std::collections::{BTreeMap, HashMap};

use aggregate::{Aggregate, AggregateId, Version};
use event_log::{Envelope, Position, Recorded, partition_of};
use uuid::Uuid;

use crate::{
    account::{Account, CODEC, Event, SHARDS, State},
    clients::Request,
    outcome::{AcceptedOutcome, Outcome},
    world::World,
};

/// An answer, and how many events were committed when the request was sent and when the answer was received.
struct Observation<'w> {
    request: &'w Request,
    since: usize,
    until: usize,
    outcome: Outcome,
}

pub(crate) fn all(world: &World) -> Result<(), String> {
    world.simulated.show_commits();
    let events = world.simulated.events();
    is_continuous(&events)?;
    deliveries(world)?;
    let observed = observed(world, events.len());
    let history = History::new(&events);
    observed.iter().try_for_each(|observed| {
        history.confirms(observed).map_err(|reason| {
            let Observation { since, until, outcome, request } = observed;
            format!("{reason}: between {since} and {until} {outcome:?} to {request:?}")
        })
    })?;
    causes(&events, &observed)
}

/// Sequences are 1..n in each partition and versions 1..n in each aggregate, epochs never decrease, and the events of a
/// command are contiguous, each once.
fn is_continuous(events: &[Recorded]) -> Result<(), String> {
    let (mut versions, mut epoch, mut of_command) = (HashMap::new(), 0, HashMap::<_, usize>::new());
    let mut sequences = BTreeMap::<_, u64>::new();
    let mut last = None;
    for Recorded { envelope, position, .. } in events {
        let partition = partition_of(&envelope.aggregate_id, SHARDS.partitions());
        let sequence = sequences.entry(partition).or_default();
        *sequence += 1;
        let version = versions.entry(&envelope.aggregate_id).or_insert(Version::NONE);
        *version = version.next();
        let command = (&envelope.aggregate_id, envelope.metadata.command_id);
        let index = of_command.entry(command).or_default();
        let follows = envelope.partition_sequence == *sequence
            && position.partition == partition
            && envelope.owner_epoch >= epoch
            && envelope.version == *version
            && envelope.event_id == Envelope::event_id_of(command.1, *index)
            && (*index == 0 || last == Some(command));
        if !follows {
            return Err(format!(
                "the log is broken at {position}, where sequence {sequence} follows: {envelope:?}"
            ));
        }
        (epoch, last, *index) = (envelope.owner_epoch, Some(command), *index + 1);
    }
    Ok(())
}

/// Every command in Kafka has one outcome, in the order of its partition.
fn deliveries(world: &World) -> Result<(), String> {
    let reported: Vec<_> = world.simulated.outcomes().into_iter().map(|document| document.key).collect();
    let sent: Vec<_> = world.clients.sent().map(|sent| sent.key.clone()).collect();
    if reported == sent { Ok(()) } else { Err(format!("outcomes of {reported:?} for {sent:?}")) }
}

fn observed(world: &World, end: usize) -> Vec<Observation<'_>> {
    let answers = world.clients.commands.iter().flat_map(|command| {
        command.attempts.iter().filter_map(|attempt| {
            let (outcome, until) = attempt.received.clone()?;
            Some(Observation { request: &command.request, since: attempt.since, until, outcome })
        })
    });
    let outcomes = world.clients.sent().zip(world.simulated.outcomes()).map(|(sent, outcome)| Observation {
        request: &sent.request,
        since: sent.since,
        until: end,
        outcome: Outcome::of_outcome(&outcome.document),
    });
    answers.chain(outcomes).collect()
}

/// Every event has a cause: a request that was sent before it and was not answered with an outcome that rules out a
/// write.
fn causes(events: &[Recorded], observed: &[Observation<'_>]) -> Result<(), String> {
    for (index, Recorded { envelope, .. }) in events.iter().enumerate() {
        let is_cause = |observed: &&Observation<'_>| {
            observed.request.aggregate_id == envelope.aggregate_id
                && observed.request.metadata.command_id == envelope.metadata.command_id
                && observed.request.request_hash == envelope.request_hash
                && observed.since <= index
                && observed.outcome.may_have_written()
        };
        if !observed.iter().any(|observed| is_cause(&observed)) {
            return Err(format!("an event without a cause: {envelope:?}"));
        }
    }
    Ok(())
}

/// The committed log, which determines the answers that were correct at any time.
struct History<'e> {
    events: &'e [Recorded],
    decoded: Vec<Event>,
}

impl<'e> History<'e> {
    fn new(events: &'e [Recorded]) -> Self {
        Self { events, decoded: events.iter().map(|event| CODEC.decode(event).unwrap()).collect() }
    }

    fn confirms(&self, observed: &Observation<'_>) -> Result<(), &'static str> {
        match &observed.outcome {
            Outcome::Accepted(reported) if !reported.events.is_empty() => self.is_in_log(observed, reported),
            Outcome::NotWritten | Outcome::Unknown | Outcome::Unreadable => Ok(()),
            _ if (observed.since..=observed.until).any(|at| self.is_correct(at, observed)) => Ok(()),
            _ => Err("an answer that was never correct"),
        }
    }

    /// The events of an accepted command are in the log as reported, and were committed before the answer.
    fn is_in_log(&self, observed: &Observation<'_>, reported: &AcceptedOutcome) -> Result<(), &'static str> {
        let written: Vec<_> = self.of_command(self.events.len(), observed.request).collect();
        let Some((last, recorded)) = written.last() else {
            return Err("an accepted command is not in the log");
        };
        let is_same = |((_, recorded), (event_type, id)): (&(usize, &Recorded), &(String, Uuid))| {
            recorded.envelope.short_type() == event_type && recorded.envelope.event_id == *id
        };
        let matches_report = written.len() == reported.events.len()
            && written.iter().zip(&reported.events).all(is_same)
            && recorded.envelope.version == Version(reported.version)
            && Some((recorded.position.partition, recorded.position.offset)) == reported.position
            && recorded.envelope.request_hash == observed.request.request_hash;
        match matches_report {
            false => Err("an accepted command is not in the log as reported"),
            true if *last >= observed.until => Err("a command was answered before its commit"),
            true => Ok(()),
        }
    }

    /// Whether the answer is correct when `committed` events are committed.
    fn is_correct(&self, committed: usize, observed: &Observation<'_>) -> bool {
        let request = observed.request;
        let first_event = self.of_command(committed, request).next();
        if let Some((_, first_event)) = first_event {
            return observed.outcome == Outcome::IdReused
                && first_event.envelope.request_hash != request.request_hash;
        }
        let (state, version, position) = self.account(committed, &request.aggregate_id);
        if !request.expected.is_met_by(version) {
            return observed.outcome == Outcome::Mismatch(version.0);
        }
        match Account::decide(&state, request.command.clone()) {
            Ok(events) if events.is_empty() => {
                observed.outcome
                    == Outcome::Accepted(AcceptedOutcome { version: version.0, events: Vec::new(), position })
            }
            Ok(_) => false,
            Err(refusal) => {
                observed.outcome == Outcome::Refused(aggregate::Refusal::code(&refusal).to_owned())
            }
        }
    }

    fn account(&self, committed: usize, id: &AggregateId) -> (State, Version, Option<(i32, i64)>) {
        let written = |(recorded, _): &(&Recorded, &Event)| recorded.envelope.aggregate_id == *id;
        self.events.iter().zip(&self.decoded).take(committed).filter(written).fold(
            (State::default(), Version::NONE, None),
            |(state, version, _), (recorded, event)| {
                let Position { partition, offset, .. } = recorded.position;
                (Account::evolve(state, event), version.next(), Some((partition, offset)))
            },
        )
    }

    fn of_command(&self, committed: usize, request: &Request) -> impl Iterator<Item = (usize, &'e Recorded)> {
        let key = (&request.aggregate_id, request.metadata.command_id);
        let is_of_command = move |(_, recorded): &(usize, &Recorded)| {
            (&recorded.envelope.aggregate_id, recorded.envelope.metadata.command_id) == key
        };
        self.events.iter().take(committed).enumerate().filter(is_of_command)
    }
}
