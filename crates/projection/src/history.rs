use aggregate::{AggregateId, Version};
use event_log::{Discontinuity, Envelope, Position};

/// An event that was read, with everything that is known about it.
#[derive(Debug, Clone)]
pub struct Happened<E> {
    /// Who, when, which command.
    pub envelope: Envelope,
    /// Where it stands in the log.
    pub position: Position,
    /// The fact itself.
    pub event: E,
}

/// What happened to one aggregate within a batch: at least one event, versions without a gap.
#[derive(Debug, Clone)]
pub struct History<E> {
    first: Happened<E>,
    later: Vec<Happened<E>>,
}

impl<E> History<E> {
    pub(crate) const fn begin(first: Happened<E>) -> Self {
        Self { first, later: Vec::new() }
    }

    /// Adds the next event, or says why it cannot be the next one.
    pub(crate) fn follow(&mut self, next: Happened<E>) -> Result<(), Discontinuity> {
        let expected = self.last().envelope.version.next();
        if next.envelope.version == expected {
            self.later.push(next);
            return Ok(());
        }
        Err(Discontinuity::Version {
            aggregate: next.envelope.aggregate_id.to_string(),
            expected: expected.0,
            found: next.envelope.version.0,
            position: next.position,
        })
    }

    /// Which aggregate.
    pub const fn aggregate_id(&self) -> &AggregateId {
        &self.first.envelope.aggregate_id
    }

    /// The version that the read model must show before this: [`Version::NONE`] where it must not know the aggregate.
    pub fn before(&self) -> Version {
        Version(self.first.envelope.version.0.saturating_sub(1))
    }

    /// The first event.
    pub const fn first(&self) -> &Happened<E> {
        &self.first
    }

    /// The last event, which may be the first one.
    pub fn last(&self) -> &Happened<E> {
        self.later.last().unwrap_or(&self.first)
    }

    /// All events, in order.
    pub fn events(&self) -> impl Iterator<Item = &Happened<E>> {
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
