//! Decides a group of commands, each on the state that the earlier ones lead to, without touching the cache: what is
//! decided here has not happened before it is in the log.

use std::{
    collections::HashMap,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
};

use aggregate::{Aggregate, AggregateId, Message, Version};
use event_log::{Codec, CodecError, Envelope, NewRecord, now};
use uuid::Uuid;

use crate::{
    CommandError, CommandRequest,
    cache::{AggregateCache, CompletedCommand},
};

/// What became of one command of a group: what it leads to, or why it cannot be.
pub(crate) type Decision<R> = Result<DecisionEffect, CommandError<R>>;

/// What a command leads to.
pub(crate) enum DecisionEffect {
    /// It leads to these of the group's events; they are to be written.
    Events(Range<usize>),
    /// It repeats the command of the group that leads to these events.
    SameAs(Range<usize>),
    /// It was done before.
    CompletedCommand(CompletedCommand),
    /// It is satisfied already, at this version, which this event of the group led to if it was not there before;
    /// nothing is to be written.
    Nothing(Version, Option<usize>),
}

/// An aggregate as a group has left it so far.
#[derive(Clone, Default)]
struct Draft<S> {
    state: S,
    version: Version,
    /// Which of the group's events is its last, if one is.
    last: Option<usize>,
}

/// The commands of a group, decided.
pub(crate) struct Group<'a, A: Aggregate> {
    cache: &'a AggregateCache<A>,
    codec: &'a Codec,
    context: &'a str,
    epoch: u64,
    drafts: HashMap<AggregateId, Draft<A::State>>,
    commands: HashMap<(AggregateId, Uuid), (u64, Range<usize>)>,
    /// The events to write, in order.
    pub(crate) records: Vec<NewRecord>,
    /// The same events, decoded.
    pub(crate) events: Vec<A::Event>,
}

impl<'a, A: Aggregate> Group<'a, A> {
    pub(crate) fn new(cache: &'a AggregateCache<A>, codec: &'a Codec, context: &'a str, epoch: u64) -> Self {
        Self {
            cache,
            codec,
            context,
            epoch,
            drafts: HashMap::new(),
            commands: HashMap::new(),
            records: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Decides the next command of the group.
    pub(crate) fn decide(&mut self, request: &CommandRequest<A::Command>) -> Decision<A::Refusal> {
        self.repeated(request).unwrap_or_else(|| self.decide_new(request))
    }

    /// Whether the command was seen before, in this group or in the log.
    fn repeated(&self, request: &CommandRequest<A::Command>) -> Option<Decision<A::Refusal>> {
        let (id, command_id) = (&request.aggregate_id, request.metadata.command_id);
        let done = self.cache.get(id).and_then(|cached| cached.done(command_id));
        let (hash, effect) = match (self.commands.get(&(id.clone(), command_id)), done) {
            (Some((hash, range)), _) => (*hash, DecisionEffect::SameAs(range.clone())),
            (None, Some(done)) => (done.request_hash, DecisionEffect::CompletedCommand(done.clone())),
            (None, None) => return None,
        };
        Some(if hash == request.request_hash { Ok(effect) } else { Err(CommandError::IdReused) })
    }

    fn decide_new(&mut self, request: &CommandRequest<A::Command>) -> Decision<A::Refusal> {
        if self.cache.is_cold(&request.aggregate_id) {
            return Err(CommandError::NotReady);
        }
        let Draft { state, version, last } = self.current(&request.aggregate_id);
        if !request.expected.is_met_by(version) {
            return Err(CommandError::VersionMismatch { current: version });
        }
        let (events, state) = decide::<A>(state, request.command.clone())?;
        if events.is_empty() {
            return Ok(DecisionEffect::Nothing(version, last));
        }
        let records: Result<Vec<_>, _> =
            (0..).zip(&events).map(|(index, event)| self.record(request, version, index, event)).collect();
        Ok(DecisionEffect::Events(self.draft(request, records?, events, state)))
    }

    /// An aggregate as the group has left it so far.
    fn current(&self, id: &AggregateId) -> Draft<A::State> {
        let committed = || {
            let cached = self.cache.get(id)?;
            Some(Draft { state: cached.state.clone(), version: cached.version, last: None })
        };
        self.drafts.get(id).cloned().or_else(committed).unwrap_or_default()
    }

    /// Takes in a command's events.
    fn draft(
        &mut self,
        request: &CommandRequest<A::Command>,
        records: Vec<NewRecord>,
        events: Vec<A::Event>,
        state: A::State,
    ) -> Range<usize> {
        let range = self.records.len()..self.records.len() + records.len();
        self.records.extend(records);
        self.events.extend(events);
        let version = self.records[range.end - 1].envelope.version;
        let draft = Draft { state, version, last: Some(range.end - 1) };
        self.drafts.insert(request.aggregate_id.clone(), draft);
        self.commands.insert(request.key(), (request.request_hash, range.clone()));
        range
    }

    fn record(
        &self,
        request: &CommandRequest<A::Command>,
        version: Version,
        index: usize,
        event: &A::Event,
    ) -> Result<NewRecord, CodecError> {
        let before = self.cache.continuity.sequence + self.records.len() as u64;
        let envelope = Envelope {
            aggregate_id: request.aggregate_id.clone(),
            event_id: Envelope::event_id_of(request.metadata.command_id, index),
            event_type: self.codec.full_name(event.message_type())?.to_owned(),
            source: format!("/{}/{}", self.context, A::kind(event)),
            time: now(),
            version: version.plus(index as u64 + 1),
            request_hash: request.request_hash,
            owner_epoch: self.epoch,
            partition_sequence: before + index as u64 + 1,
            metadata: request.metadata.clone(),
        };
        Ok(NewRecord { envelope, payload: self.codec.encode(event)? })
    }
}

/// The events of a command and the state after them, or why there are none.
type Decided<A> =
    Result<(Vec<<A as Aggregate>::Event>, <A as Aggregate>::State), CommandError<<A as Aggregate>::Refusal>>;

/// Asks the rules. A panic in them costs the command alone: a restart would meet the same mistake again, and the
/// other commands have nothing to do with it.
fn decide<A: Aggregate>(state: A::State, command: A::Command) -> Decided<A> {
    let decided = catch_unwind(AssertUnwindSafe(|| {
        let events = A::decide(&state, command)?;
        let after = events.iter().fold(state, A::evolve);
        Ok((events, after))
    }));
    match decided {
        Ok(decided) => decided.map_err(CommandError::Refused),
        Err(_) => Err(CommandError::Broken),
    }
}
