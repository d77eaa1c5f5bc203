//! Commands that may or may not be in the log. Their callers must not get an answer until the log has shown which.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use aggregate::{Aggregate, Version};
use event_log::Recorded;
use smallvec::SmallVec;

use crate::{
    CommandError, CommandRequest,
    cache::{CommandKey, CompletedCommand, ShardCache},
    queued_command::QueuedCommand,
};

/// The commands of groups that are not known to be committed, and what the log has shown of them since.
pub struct InDoubt<A: Aggregate> {
    pub(crate) commands: Vec<QueuedCommand<A>>,
    wanted: HashSet<CommandKey>,
    pub(crate) found: HashMap<CommandKey, FoundCommand>,
}

/// A command that is in the log.
pub(crate) struct FoundCommand {
    pub(crate) completed: CompletedCommand,
    /// Whether a caller has been answered. Only the first one gets the answer as a new one, later ones get it as
    /// replayed.
    pub(crate) answered: bool,
}

impl<A: Aggregate> InDoubt<A> {
    /// No commands: nothing has been sent yet.
    pub fn nothing() -> Self {
        Self { commands: Vec::new(), wanted: HashSet::new(), found: HashMap::new() }
    }

    /// Looks up which commands are already in the cache. These are repeats, and their aggregate might forget them while
    /// many new commands are found.
    pub(crate) fn of(commands: Vec<QueuedCommand<A>>, cache: &ShardCache<A>) -> Self {
        let callers = commands.iter().filter(|command| matches!(command, QueuedCommand::Caller(_)));
        let wanted: HashSet<_> =
            callers.filter_map(QueuedCommand::request).map(CommandRequest::key).collect();
        let cached = |key: &CommandKey| {
            let completed = cache.command(key)?.clone();
            Some((key.clone(), FoundCommand { completed, answered: true }))
        };
        let found = wanted.iter().filter_map(cached).collect();
        Self { commands, wanted, found }
    }

    /// Whether there are no commands.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Records an event of the log if it belongs to a command in doubt.
    pub(crate) fn note(&mut self, recorded: &Recorded, event_type: &'static str) {
        let envelope = &recorded.envelope;
        let key = (envelope.aggregate_id.clone(), envelope.metadata.command_id);
        if !self.wanted.contains(&key) {
            return;
        }
        let found = match self.found.entry(key) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(none) => none.insert(FoundCommand::begin(recorded)),
        };
        // A later attempt reads events again that an interrupted one has read.
        if envelope.version > found.completed.version {
            (found.completed.version, found.completed.offset) = (envelope.version, recorded.position.offset);
            found.completed.event_types.push(event_type);
        }
    }

    /// Answers all callers that the outcome is unknown.
    pub fn give_up(self) {
        self.commands.into_iter().for_each(|command| command.fail(CommandError::OutcomeUnknown));
    }
}

impl FoundCommand {
    fn begin(recorded: &Recorded) -> Self {
        let completed = CompletedCommand {
            command_id: recorded.envelope.metadata.command_id,
            request_hash: recorded.envelope.request_hash,
            version: Version::NONE,
            offset: 0,
            event_types: SmallVec::new(),
        };
        Self { completed, answered: false }
    }
}
