//! The aggregate is a lamp that is installed and then switched on. Its document is how often it was switched on.

use proptest::prelude::*;
use time::{Duration, macros::datetime};

use super::{EventHistory, JournalEntry, OffsetDateTime, PointInTime, ReplayError, Version};

const INSTALLED_AT: OffsetDateTime = datetime!(2026-11-20 10:00 UTC);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    Installed,
    SwitchedOn,
}

fn fold(before: Option<u64>, entry: &JournalEntry<Event>) -> Option<u64> {
    match (before, &entry.event) {
        (None, Event::Installed) => Some(0),
        (Some(times), Event::SwitchedOn) => Some(times + 1),
        (None, Event::SwitchedOn) | (Some(_), Event::Installed) => None,
    }
}

/// A lamp that is installed and then switched on until it has this version, with a minute between events.
fn journal(version: u64) -> Vec<JournalEntry<Event>> {
    let events = [Event::Installed].into_iter().chain(std::iter::repeat(Event::SwitchedOn));
    (1..=version).zip(events).map(|(version, event)| entry(version, event)).collect()
}

fn entry(version: u64, event: Event) -> JournalEntry<Event> {
    let occurred_at = INSTALLED_AT + Duration::minutes(version.cast_signed() - 1);
    JournalEntry { aggregate_id: "lamp".to_owned(), version: Version(version), occurred_at, event }
}

/// The history that is read for this version.
fn up_to(journal: &[JournalEntry<Event>], version: u64) -> EventHistory<Event> {
    let (entries, later): (Vec<_>, Vec<_>) =
        journal.iter().cloned().partition(|entry| entry.version.0 <= version);
    EventHistory { entries, next_version: later.first().map(|entry| entry.version.0), is_cut: false }
}

fn replay(journal: &[JournalEntry<Event>], version: u64) -> Result<u64, ReplayError> {
    up_to(journal, version).replay(PointInTime::Version(Version(version)), fold)
}

proptest! {
    #[test]
    fn every_version_is_the_fold_of_the_events_up_to_it(last in 1..9_u64) {
        for version in 1..=last {
            prop_assert_eq!(replay(&journal(last), version), Ok(version - 1));
        }
    }

    #[test]
    fn versions_after_a_missing_event_are_unknown(last in 2..9_u64, missing in 1..9_u64) {
        prop_assume!(missing < last);
        let mut journal = journal(last);
        journal.retain(|entry| entry.version.0 != missing);
        for version in 1..=last {
            let expected = if version < missing { Ok(version - 1) } else { Err(ReplayError::Missing(missing)) };
            prop_assert_eq!(replay(&journal, version), expected);
        }
    }
}

#[test]
fn a_version_or_time_without_events_is_not_found() {
    let journal = journal(2);
    let before = PointInTime::AsOf(INSTALLED_AT - Duration::SECOND);
    assert_eq!(replay(&journal, 3), Err(ReplayError::VersionNotFound));
    assert_eq!(replay(&[], 1), Err(ReplayError::NotFound));
    assert_eq!(up_to(&journal, 0).replay(before, fold), Err(ReplayError::VersionNotFound));
    assert_eq!(up_to(&[], 0).replay(before, fold), Err(ReplayError::NotFound));
}

#[test]
fn the_state_between_two_events_is_unknown_if_an_event_between_them_is_missing() {
    let mut journal = journal(3);
    journal.remove(1);
    let after_the_first = PointInTime::AsOf(INSTALLED_AT + Duration::seconds(90));
    assert_eq!(up_to(&journal, 1).replay(after_the_first, fold), Err(ReplayError::Missing(2)));
    assert_eq!(replay(&journal, 1), Ok(0));
    let before = PointInTime::AsOf(INSTALLED_AT - Duration::HOUR);
    assert_eq!(up_to(&journal[1..], 0).replay(before, fold), Err(ReplayError::Missing(1)));
}

#[test]
fn versions_after_a_parked_event_are_unknown() {
    let journal = journal(2);
    let cut = |version| EventHistory { is_cut: true, ..up_to(&journal, version) };
    let version = |version| PointInTime::Version(Version(version));
    let as_of = |seconds| PointInTime::AsOf(INSTALLED_AT + Duration::seconds(seconds));
    assert_eq!(cut(2).replay(version(2), fold), Ok(1));
    assert_eq!(cut(3).replay(version(3), fold), Err(ReplayError::Missing(3)));
    assert_eq!(cut(1).replay(as_of(30), fold), Ok(0));
    assert_eq!(cut(2).replay(as_of(540), fold), Err(ReplayError::Missing(3)));
    let nothing = EventHistory::<Event> { is_cut: true, ..up_to(&[], 1) };
    assert_eq!(nothing.replay(version(1), fold), Err(ReplayError::Missing(1)));
}

#[test]
fn an_event_that_cannot_follow_the_one_before_it_is_an_error() {
    assert_eq!(replay(&[entry(1, Event::SwitchedOn)], 1), Err(ReplayError::OutOfPlace(1)));
    let twice = [entry(1, Event::Installed), entry(2, Event::Installed)];
    assert_eq!(replay(&twice, 2), Err(ReplayError::OutOfPlace(2)));
}
