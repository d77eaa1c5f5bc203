use aggregate::Version;
use time::OffsetDateTime;

use super::PointInTime;

/// An event as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry<E> {
    /// The aggregate's id.
    pub aggregate_id: String,
    /// The aggregate's version after the event.
    pub version: Version,
    /// When it was decided.
    pub occurred_at: OffsetDateTime,
    /// The fact itself.
    pub event: E,
}

/// Makes the document after an event of the document before it; `None` if this event cannot come there.
pub type Fold<T, E> = fn(Option<T>, &JournalEntry<E>) -> Option<T>;

/// The events of an aggregate up to a point in time, and what the journal knows of the events after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventHistory<E> {
    /// In the order of their versions.
    pub(super) entries: Vec<JournalEntry<E>>,
    /// The version of the first event after them.
    pub(super) next_version: Option<u64>,
    /// Whether events after the last one in the journal are parked or were dropped.
    pub(super) is_cut: bool,
}

/// Why it is unknown what an aggregate was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReplayError {
    /// The journal has no event of it.
    #[error("there is no such aggregate")]
    NotFound,
    /// It does not have this version yet, or did not exist at this time.
    #[error("there is no such version")]
    VersionNotFound,
    /// The event is in the log but not in the journal: it is parked, or was dropped.
    #[error("the event that led to version {0} is not in the journal")]
    Missing(u64),
    /// The events are not a history of this kind of aggregate.
    #[error("the event that led to version {0} cannot come there")]
    OutOfPlace(u64),
}

impl<E> EventHistory<E> {
    /// The document at the point in time up to which the events were read.
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

    /// If the next event is missing, its time is unknown: it may have been before the point in time.
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
