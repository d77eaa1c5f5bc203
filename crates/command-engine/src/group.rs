//! Decides the commands of a group, each on the state that the earlier ones lead to. It must never change the cache:
//! nothing has happened until the group is in the log.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
};

use aggregate::{Aggregate, AggregateId, Message, Version};
use event_log::{Codec, Envelope, NewRecord, now};

use crate::{
    CommandError, CommandRequest,
    cache::{CommandKey, CompletedCommand, LookedUp, ShardCache},
    writer::SentGroup,
};

/// The decision about one command: its effect, or why it has none.
pub(crate) type Decision<R> = Result<DecisionEffect, CommandError<R>>;

/// The effect of a command.
pub(crate) enum DecisionEffect {
    /// It leads to these events of the group, which are to be written.
    Events(Range<usize>),
    /// It repeats a command of the group, which leads to these events.
    RepeatedInGroup(Range<usize>),
    /// It is already in the log.
    Repeated(CompletedCommand),
    /// It changes nothing. The aggregate is at this version, which this event led to if it is not in the cache.
    NoChange(Version, Option<LastEvent>),
}

/// The last event of an aggregate, if it is not in the cache.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LastEvent {
    /// The event of the group with this index.
    InGroup(usize),
    /// The event at this offset, which the group before has sent.
    Sent(i64),
}

/// An aggregate after the group's commands so far.
#[derive(Clone, Default)]
pub(crate) struct Draft<S> {
    pub(crate) state: S,
    pub(crate) version: Version,
    pub(crate) last: Option<LastEvent>,
}

/// The decided commands of a group.
pub(crate) struct Group<'a, A: Aggregate> {
    cache: &'a ShardCache<A>,
    /// The group before, if it is not in the cache yet.
    before: Option<&'a SentGroup<A>>,
    /// What was looked up for the group.
    looked_up: &'a LookedUp,
    codec: &'a Codec,
    context: &'a str,
    epoch: u64,
    pub(crate) effects: GroupEffects<A>,
}

/// What the commands of a group lead to.
pub(crate) struct GroupEffects<A: Aggregate> {
    /// The events to write, in order.
    pub(crate) records: Vec<NewRecord>,
    /// The same events, before encoding.
    pub(crate) events: Vec<A::Event>,
    /// The aggregates that change.
    pub(crate) drafts: HashMap<AggregateId, Draft<A::State>>,
    /// The commands that have events: the hash of each request, and the indexes of its events.
    pub(crate) commands: HashMap<CommandKey, (u64, Range<usize>)>,
    /// The number of events in each partition.
    lengths: BTreeMap<i32, u64>,
}

impl<'a, A: Aggregate> Group<'a, A> {
    pub(crate) fn new(
        cache: &'a ShardCache<A>,
        before: Option<&'a SentGroup<A>>,
        looked_up: &'a LookedUp,
        codec: &'a Codec,
        context: &'a str,
        epoch: u64,
    ) -> Self {
        let effects = GroupEffects {
            records: Vec::new(),
            events: Vec::new(),
            drafts: HashMap::new(),
            commands: HashMap::new(),
            lengths: BTreeMap::new(),
        };
        Self { cache, before, looked_up, codec, context, epoch, effects }
    }

    /// Decides the next command of the group.
    pub(crate) fn decide(&mut self, request: &CommandRequest<A::Command>) -> Decision<A::Refusal> {
        self.repeated(request).unwrap_or_else(|| self.decide_new(request))
    }

    /// The decision about a command that is already in this group, in the one before, or in the log.
    fn repeated(&self, request: &CommandRequest<A::Command>) -> Option<Decision<A::Refusal>> {
        let key = request.key();
        let (hash, effect) = if let Some((hash, range)) = self.effects.commands.get(&key) {
            (*hash, DecisionEffect::RepeatedInGroup(range.clone()))
        } else {
            let completed = self.completed(&key)?;
            (completed.request_hash, DecisionEffect::Repeated(completed))
        };
        Some(if hash == request.request_hash { Ok(effect) } else { Err(CommandError::IdReused) })
    }

    fn completed(&self, key: &CommandKey) -> Option<CompletedCommand> {
        let sent = self.before.and_then(|before| before.command(key));
        let looked_up = || self.looked_up.get(key).cloned().flatten();
        sent.or_else(|| self.cache.command(key).cloned()).or_else(looked_up)
    }

    /// Whether a command that is not repeated in memory cannot be decided now: its aggregate is cold, or it is not known
    /// whether it repeats a command that the aggregate no longer remembers.
    pub(crate) fn is_undecidable(&self, request: &CommandRequest<A::Command>) -> bool {
        let id = &request.aggregate_id;
        let is_drafted = self.before.is_some_and(|before| before.effects.drafts.contains_key(id));
        (!is_drafted && self.cache.is_cold(id)) || (request.has_key && self.may_be_repeated(&request.key()))
    }

    fn may_be_repeated(&self, key: &CommandKey) -> bool {
        let is_sent = self.before.is_some_and(|before| before.effects.commands.contains_key(key));
        !is_sent && !self.looked_up.contains_key(key) && self.cache.must_look_up(key)
    }

    fn decide_new(&mut self, request: &CommandRequest<A::Command>) -> Decision<A::Refusal> {
        if self.is_undecidable(request) {
            return Err(CommandError::NotReady);
        }
        let Draft { state, version, last } = self.current(&request.aggregate_id);
        if !request.expected.is_met_by(version) {
            return Err(CommandError::VersionMismatch { current: version });
        }
        let (events, state) = decide::<A>(state, request.command.clone())?;
        if events.is_empty() {
            return Ok(DecisionEffect::NoChange(version, last));
        }
        let records: Result<Vec<_>, CommandError<_>> =
            (0..).zip(&events).map(|(index, event)| self.record(request, version, index, event)).collect();
        Ok(DecisionEffect::Events(self.effects.add(request, records?, events, state)))
    }

    /// An aggregate after the group's commands so far.
    fn current(&self, id: &AggregateId) -> Draft<A::State> {
        let sent = || self.before.and_then(|before| before.draft(id));
        let committed = || {
            let cached = self.cache.get(id)?;
            Some(Draft { state: cached.state.clone(), version: cached.version, last: None })
        };
        self.effects.drafts.get(id).cloned().or_else(sent).or_else(committed).unwrap_or_default()
    }

    fn record(
        &self,
        request: &CommandRequest<A::Command>,
        version: Version,
        index: usize,
        event: &A::Event,
    ) -> Result<NewRecord, CommandError<A::Refusal>> {
        let partition = self.cache.partition_of(&request.aggregate_id);
        let sent = self.before.map_or(0, |before| before.effects.length(partition));
        let before = self.cache.continuity(partition).sequence + sent + self.effects.length(partition);
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
        let record = NewRecord { partition, envelope, payload: self.codec.encode(event)? };
        // It would fail the whole group, however often that is tried.
        if record.is_too_large() { Err(CommandError::EventTooLarge) } else { Ok(record) }
    }
}

impl<A: Aggregate> GroupEffects<A> {
    /// Adds a command's events. Returns their indexes.
    fn add(
        &mut self,
        request: &CommandRequest<A::Command>,
        records: Vec<NewRecord>,
        events: Vec<A::Event>,
        state: A::State,
    ) -> Range<usize> {
        let range = self.records.len()..self.records.len() + records.len();
        *self.lengths.entry(records[0].partition).or_default() += records.len() as u64;
        self.records.extend(records);
        self.events.extend(events);
        let version = self.records[range.end - 1].envelope.version;
        let draft = Draft { state, version, last: Some(LastEvent::InGroup(range.end - 1)) };
        self.drafts.insert(request.aggregate_id.clone(), draft);
        self.commands.insert(request.key(), (request.request_hash, range.clone()));
        range
    }

    /// The number of events in a partition.
    pub(crate) fn length(&self, partition: i32) -> u64 {
        self.lengths.get(&partition).copied().unwrap_or_default()
    }
}

/// The events of a command and the state after them, or why there are none.
type DecideResult<A> =
    Result<(Vec<<A as Aggregate>::Event>, <A as Aggregate>::State), CommandError<<A as Aggregate>::Refusal>>;

/// Calls the aggregate. A panic in it fails this command only: a restart would not help, and the other commands are not
/// affected.
fn decide<A: Aggregate>(state: A::State, command: A::Command) -> DecideResult<A> {
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
