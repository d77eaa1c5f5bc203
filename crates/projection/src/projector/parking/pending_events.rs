use std::ops::Range;

use aggregate::Version;
use event_log::{Discontinuity, Envelope, Recorded};

use super::{ParkReason, ParkedEvent};
use crate::{History, RecordedEvent};

/// One aggregate's history in a batch, with the data that is needed to park it.
pub(crate) struct PendingEvents<E> {
    history: History<E>,
    /// One for each event of the history.
    extras: Vec<Extra>,
}

/// The data of an event that a [`RecordedEvent`] does not hold.
struct Extra {
    before: Version,
    payload: Vec<u8>,
}

impl<E> PendingEvents<E> {
    pub(crate) fn begin(recorded: Recorded, event: E, before: Version) -> Self {
        let (recorded_event, payload) = split(recorded, event);
        Self { history: History::begin(recorded_event, before), extras: vec![Extra { before, payload }] }
    }

    /// Fails if an event that follows the version `before` is not the next one.
    pub(crate) fn check(&self, recorded: &Recorded, before: Version) -> Result<(), Discontinuity> {
        self.history.check(&recorded.envelope, &recorded.position, before)
    }

    /// Adds the next event, which has been checked.
    pub(crate) fn push(&mut self, recorded: Recorded, event: E, before: Version) {
        let (recorded_event, payload) = split(recorded, event);
        self.history.push(recorded_event);
        self.extras.push(Extra { before, payload });
    }

    /// Skips the next event, which is not wanted.
    pub(crate) const fn skip(&mut self, envelope: &Envelope) {
        self.history.skip(envelope);
    }

    pub(crate) const fn history(&self) -> &History<E> {
        &self.history
    }

    pub(crate) fn len(&self) -> usize {
        self.extras.len()
    }

    /// The version of the aggregate before an event.
    pub(crate) fn before(&self, index: usize) -> Version {
        self.extras[index].before
    }

    /// The offset of an event in its partition.
    pub(crate) fn offset(&self, index: usize) -> i64 {
        self.history.events().nth(index).map_or(i64::MAX, |recorded_event| recorded_event.position.offset)
    }

    /// Parks the events from the one at `index` on. That one gets the reason; the others wait for it.
    pub(crate) fn park_from(self, index: usize, mut park_reason: Option<ParkReason>) -> Vec<ParkedEvent> {
        let events = self.history.into_events().into_iter().zip(self.extras).skip(index);
        events
            .map(|(RecordedEvent { envelope, position, .. }, Extra { payload, .. })| {
                ParkedEvent::new(Recorded { envelope, position, payload }, park_reason.take())
            })
            .collect()
    }
}

impl<E: Clone> PendingEvents<E> {
    /// The history of some of the events; `None` if the range is empty.
    pub(crate) fn part(&self, range: Range<usize>) -> Option<History<E>> {
        let mut events = self.history.events().skip(range.start).take(range.len()).cloned();
        let mut part = History::begin(events.next()?, self.extras[range.start].before);
        events.for_each(|recorded_event| part.push(recorded_event));
        Some(part)
    }
}

fn split<E>(recorded: Recorded, event: E) -> (RecordedEvent<E>, Vec<u8>) {
    let Recorded { envelope, position, payload } = recorded;
    (RecordedEvent { envelope, position, event }, payload)
}
