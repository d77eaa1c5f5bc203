use std::{ops::Range, sync::Arc};

use aggregate::Version;
use event_log::{Discontinuity, Recorded};

use super::{ParkReason, ParkedEvent};
use crate::{History, RecordedEvent};

/// One aggregate's history in a batch, with the data that is needed to park it.
pub(crate) struct PendingEvents<E> {
    history: History<E>,
    /// The version of the aggregate before each event of the history.
    before: Vec<Version>,
}

impl<E> PendingEvents<E> {
    pub(crate) fn begin(recorded: Arc<Recorded>, event: E, before: Version) -> Self {
        Self { history: History::begin(RecordedEvent { recorded, event }, before), before: vec![before] }
    }

    /// Fails if an event that follows the version `before` is not the next one.
    pub(crate) fn check(&self, recorded: &Recorded, before: Version) -> Result<(), Discontinuity> {
        self.history.check(recorded, before)
    }

    /// Adds the next event, which has been checked.
    pub(crate) fn push(&mut self, recorded: Arc<Recorded>, event: E, before: Version) {
        self.history.push(RecordedEvent { recorded, event });
        self.before.push(before);
    }

    /// Skips the next event, which is not wanted.
    pub(crate) const fn skip(&mut self, recorded: &Recorded) {
        self.history.skip(recorded);
    }

    pub(crate) const fn history(&self) -> &History<E> {
        &self.history
    }

    pub(crate) fn len(&self) -> usize {
        self.before.len()
    }

    /// The version of the aggregate before an event.
    pub(crate) fn before(&self, index: usize) -> Version {
        self.before[index]
    }

    /// The offset of an event in its partition.
    pub(crate) fn offset(&self, index: usize) -> i64 {
        self.history.events().nth(index).map_or(i64::MAX, |recorded_event| recorded_event.position.offset)
    }

    /// Parks the events from the one at `index` on. That one gets the reason; the others wait for it.
    pub(crate) fn park_from(self, index: usize, mut park_reason: Option<ParkReason>) -> Vec<ParkedEvent> {
        let events = self.history.into_events().into_iter().skip(index);
        events.map(|event| ParkedEvent::new(event.recorded, park_reason.take())).collect()
    }
}

impl<E: Clone> PendingEvents<E> {
    /// The history of some of the events; `None` if the range is empty.
    pub(crate) fn part(&self, range: Range<usize>) -> Option<History<E>> {
        let mut events = self.history.events().skip(range.start).take(range.len()).cloned();
        let mut part = History::begin(events.next()?, self.before[range.start]);
        events.for_each(|recorded_event| part.push(recorded_event));
        Some(part)
    }
}
