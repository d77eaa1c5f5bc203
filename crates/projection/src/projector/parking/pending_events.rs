use std::ops::Range;

use aggregate::Version;
use event_log::{Discontinuity, Envelope, Recorded};

use super::{ParkReason, ParkedEvent};
use crate::{History, RecordedEvent};

/// The history of one aggregate within a batch, with what is needed to park it.
pub(crate) struct PendingEvents<E> {
    history: History<E>,
    notes: Vec<Note>,
}

/// What an event's [`RecordedEvent`] does not say.
struct Note {
    before: Version,
    payload: Vec<u8>,
}

impl<E> PendingEvents<E> {
    pub(crate) fn begin(recorded: Recorded, event: E, before: Version) -> Self {
        let (happened, payload) = happened(recorded, event);
        Self { history: History::begin(happened, before), notes: vec![Note { before, payload }] }
    }

    /// Whether an event that the aggregate stands at `before` ahead of can be the next one.
    pub(crate) fn check(&self, recorded: &Recorded, before: Version) -> Result<(), Discontinuity> {
        self.history.check(&recorded.envelope, &recorded.position, before)
    }

    /// Adds the next event, which has been checked.
    pub(crate) fn push(&mut self, recorded: Recorded, event: E, before: Version) {
        let (happened, payload) = happened(recorded, event);
        self.history.push(happened);
        self.notes.push(Note { before, payload });
    }

    /// Takes in the next event, which is not wanted.
    pub(crate) const fn pass_over(&mut self, envelope: &Envelope) {
        self.history.pass_over(envelope);
    }

    pub(crate) const fn history(&self) -> &History<E> {
        &self.history
    }

    pub(crate) fn len(&self) -> usize {
        self.notes.len()
    }

    /// The version at which the aggregate stands before an event.
    pub(crate) fn before(&self, index: usize) -> Version {
        self.notes[index].before
    }

    /// Where an event stands in its partition.
    pub(crate) fn offset(&self, index: usize) -> i64 {
        self.history.events().nth(index).map_or(i64::MAX, |happened| happened.position.offset)
    }

    /// The events from one on, as parked ones: it meets the obstacle, the others wait for it.
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
    /// A part of it as a history of its own; none of no events.
    pub(crate) fn part(&self, range: Range<usize>) -> Option<History<E>> {
        let mut events = self.history.events().skip(range.start).take(range.len()).cloned();
        let mut part = History::begin(events.next()?, self.notes[range.start].before);
        events.for_each(|happened| part.push(happened));
        Some(part)
    }
}

fn happened<E>(recorded: Recorded, event: E) -> (RecordedEvent<E>, Vec<u8>) {
    let Recorded { envelope, position, payload } = recorded;
    (RecordedEvent { envelope, position, event }, payload)
}
