//! Commands that may be in the log or not.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use aggregate::{Aggregate, Version};
use event_log::Recorded;
use smallvec::SmallVec;

use crate::{
    CommandError, CommandRequest,
    cache::{AggregateCache, CompletedCommand},
    queued_command::{Key, QueuedCommand},
};

/// The commands of a group whose append has failed, and what the log has shown of them since.
pub struct InDoubt<A: Aggregate> {
    pub(crate) waiting: Vec<QueuedCommand<A>>,
    wanted: HashSet<Key>,
    pub(crate) found: HashMap<Key, Found>,
}

/// A command that the log knows.
pub(crate) struct Found {
    pub(crate) done: CompletedCommand,
    /// Whether a caller has heard of it. Only the first who hears of a command in doubt hears of it as new.
    pub(crate) told: bool,
}

impl<A: Aggregate> InDoubt<A> {
    /// No commands: nothing has been tried yet.
    pub fn nothing() -> Self {
        Self { waiting: Vec::new(), wanted: HashSet::new(), found: HashMap::new() }
    }

    /// What the cache knows already is kept: such commands repeat others, and so many new ones may be found beside
    /// them that their aggregate forgets them.
    pub(crate) fn of(waiting: Vec<QueuedCommand<A>>, cache: &AggregateCache<A>) -> Self {
        let callers = waiting.iter().filter(|waiting| matches!(waiting, QueuedCommand::Caller(_)));
        let wanted: HashSet<_> =
            callers.filter_map(QueuedCommand::request).map(CommandRequest::key).collect();
        let cached = |key: &Key| {
            let done = cache.get(&key.0)?.done(key.1)?.clone();
            Some((key.clone(), Found { done, told: true }))
        };
        let found = wanted.iter().filter_map(cached).collect();
        Self { waiting, wanted, found }
    }

    /// Whether nobody waits to hear.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes note of an event of the log, if it belongs to a command in doubt.
    pub(crate) fn note(&mut self, recorded: &Recorded, event_type: &'static str) {
        let envelope = &recorded.envelope;
        let key = (envelope.aggregate_id.clone(), envelope.metadata.command_id);
        if !self.wanted.contains(&key) {
            return;
        }
        let found = match self.found.entry(key) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(none) => none.insert(Found::begin(recorded)),
        };
        // An event is seen again where an earlier try came to it and broke off.
        if envelope.version > found.done.version {
            (found.done.version, found.done.offset) = (envelope.version, recorded.position.offset);
            found.done.event_types.push(event_type);
        }
    }

    /// Gives up: who cannot be told what is true is told that nobody knows.
    pub fn give_up(self) {
        self.waiting.into_iter().for_each(|waiting| waiting.turn_away(CommandError::OutcomeUnknown));
    }
}

impl Found {
    fn begin(recorded: &Recorded) -> Self {
        let done = CompletedCommand {
            command_id: recorded.envelope.metadata.command_id,
            request_hash: recorded.envelope.request_hash,
            version: Version::NONE,
            offset: 0,
            event_types: SmallVec::new(),
        };
        Self { done, told: false }
    }
}
