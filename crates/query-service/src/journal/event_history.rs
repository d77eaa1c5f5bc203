use aggregate::Version;
use time::OffsetDateTime;

use super::PointInTime;

/// An event of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry<E> {
    /// The aggregate's id.
    pub aggregate_id: String,
    /// The aggregate's version after the event.
    pub version: Version,
    /// When the command was decided.
    pub occurred_at: OffsetDateTime,
    /// The event itself.
    pub event: E,
}

/// Applies an event to a document; `None` if the event cannot occur in that state.
pub type Fold<T, E> = fn(Option<T>, &JournalEntry<E>) -> Option<T>;

/// The events of an aggregate up to a point in time, and whether later events exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventHistory<E> {
    /// In the order of their versions.
    pub(super) entries: Vec<JournalEntry<E>>,
    /// The version of the first later event in the journal.
    pub(super) next_version: Option<u64>,
    /// Whether events after the last one in the journal are parked or were dropped.
    pub(super) is_cut: bool,
}

/// Why the earlier state of an aggregate cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReplayError {
    /// The journal has no event of the aggregate.
    #[error("there is no such aggregate")]
    NotFound,
    /// The aggregate does not have this version yet, or did not exist at this time.
    #[error("there is no such version")]
    VersionNotFound,
    /// The event is in the log but not in the journal: it is parked or was dropped.
    #[error("the event that led to version {0} is not in the journal")]
    Missing(u64),
    /// The events are not a history of this kind of aggregate.
    #[error("the event that led to version {0} cannot follow the event before it")]
    OutOfPlace(u64),
}

impl<E> EventHistory<E> {
    /// The document at a point in time, which must be the one up to which the events were read.
    pub(crate) fn replay<T>(&self, point: PointInTime, fold: Fold<T, E>) -> Result<T, ReplayError> {
        self.check_reaches(point)?;
        let mut document = None;
        for (expected, entry) in (1..).zip(&self.entries) {
            if entry.version.0 != expected {
                return Err(ReplayError::Missing(expected));
            }
            document = Some(fold(document, entry).ok_or(ReplayError::OutOfPlace(expected))?);
        }
        document.ok_or(ReplayError::NotFound)
    }

    /// The last version that was read; 0 if there is none.
    fn version(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.version.0)
    }

    /// Checks that all events up to the point in time were read. If the next event is missing, its time is unknown, so
    /// it may have occurred before that point.
    fn check_reaches(&self, point: PointInTime) -> Result<(), ReplayError> {
        let following = self.version() + 1;
        match (point, self.next_version) {
            (PointInTime::Version(wanted), _) if wanted.0 == self.version() => Ok(()),
            (_, Some(next)) if next != following => Err(ReplayError::Missing(following)),
            (_, None) if self.is_cut => Err(ReplayError::Missing(following)),
            (_, None) if self.entries.is_empty() => Err(ReplayError::NotFound),
            (PointInTime::AsOf(_), _) if !self.entries.is_empty() => Ok(()),
            _ => Err(ReplayError::VersionNotFound),
        }
    }
}

#[cfg(test)]
mod tests;
