#![expect(clippy::disallowed_methods, reason = "it blocks only the thread of its projector")]

use std::time::Duration;

use event_log::{Bookmarks, EventReader, LogError, Reading};

use crate::{ProjectionError, projector::shared_reader::Subscription};

/// Reads the log for one generation.
pub(crate) enum LogReader {
    /// A generation that is not live reads in a consumer group of its own.
    Own(EventReader),
    /// The live generations of a process share one reader.
    Shared(Subscription),
}

impl LogReader {
    /// Waits up to `timeout` for the next record or change.
    pub(crate) fn next(&mut self, timeout: Duration) -> Result<Reading, ProjectionError> {
        match self {
            Self::Own(reader) => Ok(reader.next(timeout)?),
            Self::Shared(subscription) => subscription.next(timeout),
        }
    }

    /// Starts reading the assigned partitions, each at its offset. `furthest` has the offsets that any live generation
    /// has reached.
    pub(crate) fn start(&mut self, bookmarks: &Bookmarks, furthest: &Bookmarks) -> Result<(), LogError> {
        match self {
            Self::Own(reader) => {
                for ((topic, partition), next) in bookmarks {
                    reader.available(topic, *partition, *next)?;
                }
                reader.start(bookmarks)
            }
            Self::Shared(subscription) => subscription.start(bookmarks, furthest),
        }
    }

    /// Gives revoked partitions back.
    pub(crate) fn release(&mut self) -> Result<(), LogError> {
        match self {
            Self::Own(reader) => reader.release(),
            Self::Shared(subscription) => subscription.release(),
        }
    }

    /// Commits the offsets to the group, for monitoring tools.
    pub(crate) fn hint(&self, bookmarks: &Bookmarks) -> Result<(), LogError> {
        match self {
            Self::Own(reader) => reader.hint(bookmarks),
            Self::Shared(subscription) => subscription.hint(bookmarks),
        }
    }

    /// The member of the consumer group, which knows the ends of the partitions.
    pub(crate) fn events(&self) -> &EventReader {
        match self {
            Self::Own(reader) => reader,
            Self::Shared(subscription) => subscription.events(),
        }
    }
}
