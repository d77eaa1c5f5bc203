//! What must be true of a schedule, whatever has happened in it: of the log, and of what everybody was told.

use std::collections::HashMap;

use aggregate::{Aggregate, AggregateId, Version};
use event_log::{Envelope, Recorded};
use uuid::Uuid;

use crate::{
    account::{Account, CODEC, Event, State},
    clients::Request,
    decision::{Decision, Told},
    world::World,
};

/// What somebody was told, and how many events were committed when they asked and when they heard.
struct Heard<'w> {
    request: &'w Request,
    since: usize,
    until: usize,
    decision: Decision,
}

pub(crate) fn all(world: &World) -> Result<(), String> {
    world.simulated.show_commits();
    let events = world.simulated.events();
    history(&events)?;
    deliveries(world)?;
    let heard = heard(world, events.len());
    let past = Past::new(&events);
    heard.iter().try_for_each(|heard| {
        past.bears_out(heard).map_err(|why| {
            let Heard { since, until, decision, request } = heard;
            format!("{why}: between {since} and {until} {decision:?} to {request:?}")
        })
    })?;
    causes(&events, &heard)
}

/// Sequences and versions 1..n, epochs that never go down, the events of a command side by side, each once.
fn history(events: &[Recorded]) -> Result<(), String> {
    let (mut versions, mut epoch, mut of_command) = (HashMap::new(), 0, HashMap::<_, usize>::new());
    let mut last = None;
    for (sequence, Recorded { envelope, .. }) in (1..).zip(events) {
        let version = versions.entry(&envelope.aggregate_id).or_insert(Version::NONE);
        *version = version.next();
        let command = (&envelope.aggregate_id, envelope.metadata.command_id);
        let index = of_command.entry(command).or_default();
        let follows = envelope.partition_sequence == sequence
            && envelope.owner_epoch >= epoch
            && envelope.version == *version
            && envelope.event_id == Envelope::event_id_of(command.1, *index)
            && (*index == 0 || last == Some(command));
        if !follows {
            return Err(format!("the log is broken at sequence {sequence}: {envelope:?}"));
        }
        (epoch, last, *index) = (envelope.owner_epoch, Some(command), *index + 1);
    }
    Ok(())
}

/// Every command in Kafka has one outcome, in order.
fn deliveries(world: &World) -> Result<(), String> {
    let told: Vec<_> = world.simulated.outcomes().into_iter().map(|outcome| outcome.key).collect();
    let sent: Vec<_> = world.clients.topic.iter().map(|sent| sent.key.clone()).collect();
    if told == sent { Ok(()) } else { Err(format!("outcomes of {told:?} for {sent:?}")) }
}

fn heard(world: &World, end: usize) -> Vec<Heard<'_>> {
    let asked = world.clients.wishes.iter().flat_map(|wish| {
        wish.tries.iter().filter_map(|one| {
            let (decision, until) = one.heard.clone()?;
            Some(Heard { request: &wish.request, since: one.since, until, decision })
        })
    });
    let outcomes = world.clients.topic.iter().zip(world.simulated.outcomes()).map(|(sent, outcome)| Heard {
        request: &sent.request,
        since: sent.since,
        until: end,
        decision: Decision::of_outcome(&outcome.document),
    });
    asked.chain(outcomes).collect()
}

/// Every event comes from somebody who had asked by then and was not told that nothing would be written.
fn causes(events: &[Recorded], heard: &[Heard<'_>]) -> Result<(), String> {
    for (index, Recorded { envelope, .. }) in events.iter().enumerate() {
        let is_cause = |heard: &&Heard<'_>| {
            heard.request.aggregate_id == envelope.aggregate_id
                && heard.request.metadata.command_id == envelope.metadata.command_id
                && heard.request.request_hash == envelope.request_hash
                && heard.since <= index
                && heard.decision.may_have_written()
        };
        if !heard.iter().any(|heard| is_cause(&heard)) {
            return Err(format!("an event that nobody caused: {envelope:?}"));
        }
    }
    Ok(())
}

/// The committed log, to be asked what could be told at a moment of it.
struct Past<'e> {
    events: &'e [Recorded],
    decoded: Vec<Event>,
}

impl<'e> Past<'e> {
    fn new(events: &'e [Recorded]) -> Self {
        Self { events, decoded: events.iter().map(|event| CODEC.decode(event).unwrap()).collect() }
    }

    fn bears_out(&self, heard: &Heard<'_>) -> Result<(), &'static str> {
        match &heard.decision {
            Decision::Accepted(told) if !told.events.is_empty() => self.is_in_log(heard, told),
            Decision::Nothing | Decision::Unknown | Decision::Unreadable => Ok(()),
            _ if (heard.since..=heard.until).any(|moment| self.says(moment, heard)) => Ok(()),
            _ => Err("an answer that was true at no moment"),
        }
    }

    /// An accepted command's events are in the log as told, and were when it was told.
    fn is_in_log(&self, heard: &Heard<'_>, told: &Told) -> Result<(), &'static str> {
        let of_it: Vec<_> = self.of_command(self.events.len(), heard.request).collect();
        let Some((last, recorded)) = of_it.last() else {
            return Err("an accepted command is not in the log");
        };
        let is_same = |((_, there), (event_type, id)): (&(usize, &Recorded), &(String, Uuid))| {
            there.envelope.short_type() == event_type && there.envelope.event_id == *id
        };
        let as_told = of_it.len() == told.events.len()
            && of_it.iter().zip(&told.events).all(is_same)
            && recorded.envelope.version == Version(told.version)
            && Some(recorded.position.offset) == told.offset
            && recorded.envelope.request_hash == heard.request.request_hash;
        match as_told {
            false => Err("an accepted command is not in the log as told"),
            true if *last >= heard.until => Err("a command was answered before its commit"),
            true => Ok(()),
        }
    }

    /// Whether the answer is right when so many events are in the log.
    fn says(&self, moment: usize, heard: &Heard<'_>) -> bool {
        let request = heard.request;
        let cached = self.of_command(moment, request).next();
        if let Some((_, cached)) = cached {
            return heard.decision == Decision::IdReused
                && cached.envelope.request_hash != request.request_hash;
        }
        let (state, version, offset) = self.account(moment, &request.aggregate_id);
        if !request.expected.is_met_by(version) {
            return heard.decision == Decision::Mismatch(version.0);
        }
        match Account::decide(&state, request.command.clone()) {
            Ok(events) if events.is_empty() => {
                heard.decision == Decision::Accepted(Told { version: version.0, events: Vec::new(), offset })
            }
            Ok(_) => false,
            Err(refusal) => {
                heard.decision == Decision::Refused(aggregate::Refusal::code(&refusal).to_owned())
            }
        }
    }

    fn account(&self, moment: usize, id: &AggregateId) -> (State, Version, Option<i64>) {
        let of_it = |(recorded, _): &(&Recorded, &Event)| recorded.envelope.aggregate_id == *id;
        self.events.iter().zip(&self.decoded).take(moment).filter(of_it).fold(
            (State::default(), Version::NONE, None),
            |(state, version, _), (recorded, event)| {
                (Account::evolve(state, event), version.next(), Some(recorded.position.offset))
            },
        )
    }

    fn of_command(&self, moment: usize, request: &Request) -> impl Iterator<Item = (usize, &'e Recorded)> {
        let key = (&request.aggregate_id, request.metadata.command_id);
        let is_it = move |(_, recorded): &(usize, &Recorded)| {
            (&recorded.envelope.aggregate_id, recorded.envelope.metadata.command_id) == key
        };
        self.events.iter().take(moment).enumerate().filter(is_it)
    }
}
