use std::{ops::Deref, str::FromStr, sync::Arc};

use aggregate::{AggregateId, Version};
use event_log::{Discontinuity, Recorded};

use crate::ProjectionError;

/// An event that was read from the log. It dereferences to its record, for the envelope and the position; the
/// projections of a process share the record.
#[derive(Debug, Clone)]
pub struct RecordedEvent<E> {
    pub(crate) recorded: Arc<Recorded>,
    /// The event itself.
    pub event: E,
}

impl<E> Deref for RecordedEvent<E> {
    type Target = Recorded;

    fn deref(&self) -> &Recorded {
        &self.recorded
    }
}

impl<E> RecordedEvent<E> {
    /// The error with which a projection refuses this event, so that it is parked.
    pub fn unfit(&self, reason: &'static str) -> ProjectionError {
        ProjectionError::Unfit { position: self.position.clone(), reason }
    }
}

/// The events of one aggregate in a batch that the projection wants; at least one. Versions have no gaps except for
/// events that the projection does not want and events that an operator dropped.
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
    pub(crate) fn begin(first: RecordedEvent<E>, before: Version) -> Self {
        Self { before, version: first.envelope.version, first, later: Vec::new() }
    }

    /// Fails if an event that follows the version `before` is not the next one.
    pub(crate) fn check(&self, next: &Recorded, before: Version) -> Result<(), Discontinuity> {
        if before == self.version {
            return Ok(());
        }
        Err(Discontinuity::Version {
            aggregate: next.envelope.aggregate_id.to_string(),
            expected: self.version.next().0,
            found: next.envelope.version.0,
            position: next.position.clone(),
        })
    }

    /// Adds the next event, which has been checked.
    pub(crate) fn push(&mut self, next: RecordedEvent<E>) {
        self.version = next.envelope.version;
        self.later.push(next);
    }

    /// Skips the next event, which is not wanted.
    pub(crate) const fn skip(&mut self, next: &Recorded) {
        self.version = next.envelope.version;
    }

    /// All events, in order.
    pub(crate) fn into_events(self) -> Vec<RecordedEvent<E>> {
        let mut events = self.later;
        events.insert(0, self.first);
        events
    }

    /// The aggregate's id.
    pub fn aggregate_id(&self) -> &AggregateId {
        &self.first.envelope.aggregate_id
    }

    /// The aggregate's id as the type that the projection's tables use, such as a UUID. If the id cannot be parsed, the
    /// error parks the event.
    pub fn aggregate_id_as<T: FromStr>(&self) -> Result<T, ProjectionError> {
        let id = self.aggregate_id().as_str().parse();
        id.map_err(|_| self.first.unfit("the aggregate's id does not have the form of those in the tables"))
    }

    /// The version that the aggregate must have in the read model before these events; [`Version::NONE`] if it must not
    /// exist.
    ///
    /// This is the version before that of the first event, or an earlier one if events in between were dropped.
    pub const fn before(&self) -> Version {
        self.before
    }

    /// The first event.
    pub const fn first(&self) -> &RecordedEvent<E> {
        &self.first
    }

    /// The last event, which may be the first.
    pub fn last(&self) -> &RecordedEvent<E> {
        self.later.last().unwrap_or(&self.first)
    }

    /// All events, in order.
    pub fn events(&self) -> impl Iterator<Item = &RecordedEvent<E>> {
        std::iter::once(&self.first).chain(&self.later)
    }

    /// The error for an aggregate whose row does not have the version [`before`](Self::before). `stored` is the version
    /// that it has; `None` if there is no row.
    pub fn does_not_follow(&self, stored: Option<i64>) -> Discontinuity {
        Discontinuity::Version {
            position: self.first.position.clone(),
            aggregate: self.aggregate_id().to_string(),
            expected: stored.unwrap_or_default().cast_unsigned() + 1,
            found: self.first.envelope.version.0,
        }
    }
}
