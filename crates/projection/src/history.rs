use aggregate::{AggregateId, Version};
use event_log::{Discontinuity, Envelope, Position};

use crate::ProjectionError;

/// An event that was read, with everything that is known about it.
#[derive(Debug, Clone)]
pub struct RecordedEvent<E> {
    /// Who, when, which command.
    pub envelope: Envelope,
    /// Where it stands in the log.
    pub position: Position,
    /// The fact itself.
    pub event: E,
}

impl<E> RecordedEvent<E> {
    /// Says that the projection has no use for this event.
    pub fn unfit(&self, reason: &'static str) -> ProjectionError {
        ProjectionError::Unfit { position: self.position.clone(), reason }
    }
}

/// What happened to one aggregate within a batch: at least one event that the projection wants, versions without a gap
/// but for those that it does not want, and those that somebody has decided to drop.
#[derive(Debug, Clone)]
pub struct History<E> {
    first: RecordedEvent<E>,
    later: Vec<RecordedEvent<E>>,
    before: Version,
    /// The version after the last event, wanted or not.
    version: Version,
}

impl<E> History<E> {
    /// Begins with an event that follows the version `before`.
    pub(crate) const fn begin(first: RecordedEvent<E>, before: Version) -> Self {
        Self { before, version: first.envelope.version, first, later: Vec::new() }
    }

    /// Says why an event that follows the version `before` cannot be the next one.
    pub(crate) fn check(
        &self,
        next: &Envelope,
        position: &Position,
        before: Version,
    ) -> Result<(), Discontinuity> {
        if before == self.version {
            return Ok(());
        }
        Err(Discontinuity::Version {
            aggregate: next.aggregate_id.to_string(),
            expected: self.version.next().0,
            found: next.version.0,
            position: position.clone(),
        })
    }

    /// Adds the next event, which has been checked.
    pub(crate) fn push(&mut self, next: RecordedEvent<E>) {
        self.version = next.envelope.version;
        self.later.push(next);
    }

    /// Takes in the next event, which is not wanted.
    pub(crate) const fn pass_over(&mut self, next: &Envelope) {
        self.version = next.version;
    }

    /// All events, in order.
    pub(crate) fn into_events(self) -> Vec<RecordedEvent<E>> {
        let mut events = self.later;
        events.insert(0, self.first);
        events
    }

    /// Which aggregate.
    pub const fn aggregate_id(&self) -> &AggregateId {
        &self.first.envelope.aggregate_id
    }

    /// The version that the read model must show before this: [`Version::NONE`] where it must not know the aggregate.
    ///
    /// It is the version before the first event's own, or an older one where those between were dropped.
    pub const fn before(&self) -> Version {
        self.before
    }

    /// The first event.
    pub const fn first(&self) -> &RecordedEvent<E> {
        &self.first
    }

    /// The last event, which may be the first one.
    pub fn last(&self) -> &RecordedEvent<E> {
        self.later.last().unwrap_or(&self.first)
    }

    /// All events, in order.
    pub fn events(&self) -> impl Iterator<Item = &RecordedEvent<E>> {
        std::iter::once(&self.first).chain(&self.later)
    }

    /// Says that the read model shows another version than [`before`](Self::before).
    pub fn does_not_follow(&self, shown: Version) -> Discontinuity {
        Discontinuity::Version {
            position: self.first.position.clone(),
            aggregate: self.aggregate_id().to_string(),
            expected: shown.next().0,
            found: self.first.envelope.version.0,
        }
    }
}
