use std::ops::Range;

use aggregate::Version;
use event_log::{Discontinuity, Envelope, Recorded};

use super::{ParkReason, ParkedEvent};
use crate::{History, RecordedEvent};

/// One aggregate's history in a batch, with what is needed to park it.
pub(crate) struct PendingEvents<E> {
    history: History<E>,
    notes: Vec<Note>,
}

/// What a [`RecordedEvent`] does not hold.
struct Note {
    before: Version,
    payload: Vec<u8>,
}

impl<E> PendingEvents<E> {
    pub(crate) fn begin(recorded: Recorded, event: E, before: Version) -> Self {
        let (recorded_event, payload) = split(recorded, event);
        Self { history: History::begin(recorded_event, before), notes: vec![Note { before, payload }] }
    }

    /// Fails if an event that follows the version `before` cannot be the next one.
    pub(crate) fn check(&self, recorded: &Recorded, before: Version) -> Result<(), Discontinuity> {
        self.history.check(&recorded.envelope, &recorded.position, before)
    }

    /// Adds the next event, which has been checked.
    pub(crate) fn push(&mut self, recorded: Recorded, event: E, before: Version) {
        let (recorded_event, payload) = split(recorded, event);
        self.history.push(recorded_event);
        self.notes.push(Note { before, payload });
    }

    /// Skips the next event, which is not wanted.
    pub(crate) const fn pass_over(&mut self, envelope: &Envelope) {
        self.history.pass_over(envelope);
    }

    pub(crate) const fn history(&self) -> &History<E> {
        &self.history
    }

    pub(crate) fn len(&self) -> usize {
        self.notes.len()
    }

    /// The version of the aggregate before an event.
    pub(crate) fn before(&self, index: usize) -> Version {
        self.notes[index].before
    }

    /// The offset of an event in its partition.
    pub(crate) fn offset(&self, index: usize) -> i64 {
        self.history.events().nth(index).map_or(i64::MAX, |recorded_event| recorded_event.position.offset)
    }

    /// The events from one on, as parked events: that one has the reason, the others wait for it.
    pub(crate) fn park_from(self, index: usize, mut park_reason: Option<ParkReason>) -> Vec<ParkedEvent> {
        let events = self.history.into_events().into_iter().zip(self.notes).skip(index);
        events
            .map(|(RecordedEvent { envelope, position, .. }, Note { payload, .. })| {
                ParkedEvent::new(Recorded { envelope, position, payload }, park_reason.take())
            })
            .collect()
    }
}

impl<E: Clone> PendingEvents<E> {
    /// Some of the events as a history of their own; `None` if there are none.
    pub(crate) fn part(&self, range: Range<usize>) -> Option<History<E>> {
        let mut events = self.history.events().skip(range.start).take(range.len()).cloned();
        let mut part = History::begin(events.next()?, self.notes[range.start].before);
        events.for_each(|recorded_event| part.push(recorded_event));
        Some(part)
    }
}

fn split<E>(recorded: Recorded, event: E) -> (RecordedEvent<E>, Vec<u8>) {
    let Recorded { envelope, position, payload } = recorded;
    (RecordedEvent { envelope, position, event }, payload)
}
