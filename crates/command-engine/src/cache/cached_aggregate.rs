use std::sync::atomic::{AtomicU32, Ordering};

use aggregate::{AggregateId, Version};
use event_log::Recorded;
use smallvec::SmallVec;
use uuid::Uuid;

/// The memory of an aggregate in the cache besides what [`CachedAggregate::bytes`] counts, in bytes: the key, the entry of
/// the map, the counters of the id, and what the allocator rounds up.
const OVERHEAD: usize = 96;

/// An aggregate after its events up to some offset.
#[derive(Debug, Clone)]
pub struct CachedAggregate<S> {
    /// The state that `decide` needs.
    pub state: S,
    /// The number of its events.
    pub version: Version,
    /// The offset of its last event.
    pub offset: i64,
    /// The last commands that led to events, oldest first; [`CacheSettings`](super::CacheSettings) says how many. The
    /// capacity is kept exact: most aggregates see few commands, and there are many aggregates.
    pub commands: Vec<CompletedCommand>,
    /// The size of the state.
    pub(crate) state_size: StateSize,
}

/// The length of a state as JSON, in bytes, when it was last saved or loaded, and of the events since then. It takes no
/// serialisation of its own.
#[derive(Debug, Default)]
pub(crate) struct StateSize(AtomicU32);

impl StateSize {
    /// The state takes this much as JSON.
    pub(crate) fn measured(&self, bytes: usize) {
        self.0.store(saturated(bytes), Ordering::Relaxed);
    }

    /// An event of this size has changed the state.
    fn grow(&mut self, bytes: usize) {
        let size = self.0.get_mut();
        *size = size.saturating_add(saturated(bytes));
    }

    fn bytes(&self) -> usize {
        usize::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }
}

fn saturated(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl Clone for StateSize {
    fn clone(&self) -> Self {
        Self(AtomicU32::new(self.0.load(Ordering::Relaxed)))
    }
}

/// A command that led to events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedCommand {
    /// The command's id.
    pub command_id: Uuid,
    /// The hash of its request.
    pub request_hash: u64,
    /// The aggregate's version after its last event.
    pub version: Version,
    /// The offset of its last event.
    pub offset: i64,
    /// The types of its events. Most commands lead to one event, which needs no allocation.
    pub event_types: SmallVec<[&'static str; 1]>,
}

impl<S> CachedAggregate<S> {
    /// An estimate of the memory that it takes in the cache, in bytes. What a state has on the heap is taken to be what is
    /// longer in JSON than in memory.
    pub(super) fn bytes(&self, id: &AggregateId) -> usize {
        let on_heap = self.state_size.bytes().saturating_sub(size_of::<S>());
        let commands = self.commands.capacity() * size_of::<CompletedCommand>();
        OVERHEAD + id.as_str().len() + size_of::<Self>() + on_heap + commands
    }

    /// The command with this id, if the aggregate remembers it.
    pub fn command(&self, command_id: Uuid) -> Option<&CompletedCommand> {
        self.commands.iter().rev().find(|done| done.command_id == command_id)
    }

    /// Whether all of its events seem to be at this offset or later. The events of a command are next to each other, unless
    /// something else has written between them.
    pub(crate) fn is_new_since(&self, offset: i64) -> bool {
        let first_offset = |first: &CompletedCommand| {
            let events = i64::try_from(first.event_types.len()).unwrap_or(i64::MAX);
            first.offset.saturating_sub(events - 1)
        };
        !self.has_evicted() && self.commands.first().is_some_and(|first| first_offset(first) >= offset)
    }

    /// Whether it has had more commands than it remembers.
    pub(super) fn has_evicted(&self) -> bool {
        self.commands.first().is_some_and(|oldest| oldest.version.0 > oldest.event_types.len() as u64)
    }

    /// Records an event and the command that led to it, and remembers that one and up to `max - 1` before it. Returns the
    /// command that is evicted for it.
    pub(super) fn remember(
        &mut self,
        recorded: &Recorded,
        event_type: &'static str,
        max: usize,
    ) -> Option<CompletedCommand> {
        let envelope = &recorded.envelope;
        (self.version, self.offset) = (envelope.version, recorded.position.offset);
        self.state_size.grow(recorded.payload.len());
        let command_id = envelope.metadata.command_id;
        let is_new = self.commands.last().is_none_or(|last| last.command_id != command_id);
        let evicted = (is_new && self.commands.len() == max).then(|| self.commands.remove(0));
        if is_new {
            self.begin(command_id, envelope.request_hash);
        }
        let completed = self.commands.last_mut().expect("a command was begun if there was none");
        (completed.version, completed.offset) = (envelope.version, recorded.position.offset);
        completed.event_types.push(event_type);
        evicted
    }

    fn begin(&mut self, command_id: Uuid, request_hash: u64) {
        self.commands.reserve_exact(1);
        self.commands.push(CompletedCommand {
            command_id,
            request_hash,
            version: Version::NONE,
            offset: 0,
            event_types: SmallVec::new(),
        });
    }
}

/// How large the state was when it was measured does not matter.
impl<S: PartialEq> PartialEq for CachedAggregate<S> {
    fn eq(&self, other: &Self) -> bool {
        let parts = |of: &Self| (of.version, of.offset);
        parts(self) == parts(other) && self.state == other.state && self.commands == other.commands
    }
}

impl<S: Default> Default for CachedAggregate<S> {
    fn default() -> Self {
        Self {
            state: S::default(),
            version: Version::NONE,
            offset: -1,
            commands: Vec::new(),
            state_size: StateSize::default(),
        }
    }
}
