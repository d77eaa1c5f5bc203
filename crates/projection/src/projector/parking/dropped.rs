use std::collections::HashMap;

use aggregate::Version;
use event_log::Recorded;

/// The events that operators have dropped, by partition and aggregate. There are only a few, because they are dropped
/// one by one.
#[derive(Debug, Default)]
pub(super) struct Dropped(HashMap<(i32, String), Vec<DroppedEvent>>);

#[derive(Debug, Clone, Copy)]
struct DroppedEvent {
    offset: i64,
    /// The version that was dropped, and the version of the aggregate before it.
    gap: Option<(Version, Version)>,
}

impl Dropped {
    /// Adds an event; those of one aggregate must be added in order.
    pub(super) fn add(
        &mut self,
        (partition, offset): (i32, i64),
        aggregate: String,
        version: Option<Version>,
        stands_at: Option<Version>,
    ) {
        let gap = version.map(|version| (version, stands_at.unwrap_or(previous(version))));
        self.0.entry((partition, aggregate)).or_default().push(DroppedEvent { offset, gap });
    }

    pub(super) fn contains(&self, partition: i32, aggregate: &str, offset: i64) -> bool {
        let events = self.of(partition, aggregate);
        events.binary_search_by_key(&offset, |event| event.offset).is_ok()
    }

    /// The version of the aggregate before an event: one less than its own, unless that one was dropped.
    pub(super) fn before(&self, recorded: &Recorded) -> Version {
        let (envelope, position) = (&recorded.envelope, &recorded.position);
        let mut before = previous(envelope.version);
        let earlier = self
            .of(position.partition, envelope.aggregate_id.as_str())
            .iter()
            .rev()
            .filter(|dropped| dropped.offset < position.offset)
            .filter_map(|dropped| dropped.gap);
        for (dropped, version_before) in earlier {
            if dropped != before {
                break;
            }
            before = version_before;
        }
        before
    }

    fn of(&self, partition: i32, aggregate: &str) -> &[DroppedEvent] {
        if self.0.is_empty() {
            return &[];
        }
        self.0.get(&(partition, aggregate.to_owned())).map_or(&[], Vec::as_slice)
    }
}

/// The version before another one, unless it was dropped.
pub(super) const fn previous(version: Version) -> Version {
    Version(version.0.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use aggregate::Version;

    use super::Dropped;
    use crate::tests::tick;

    /// The version before the event at this offset. A dropped event has an offset, a version and the version before it.
    fn before(dropped: &[(i64, u64, Option<u64>)], offset: i64, version: u64) -> u64 {
        let mut events = Dropped::default();
        for (offset, version, stands_at) in dropped {
            events.add((0, *offset), "a".to_owned(), Some(Version(*version)), stands_at.map(Version));
        }
        let mut next = tick("a", version, 1);
        next.position.offset = offset;
        events.before(&next).0
    }

    #[test]
    fn an_event_after_a_dropped_version_follows_the_version_before_it() {
        assert_eq!(before(&[(10, 6, Some(5))], 11, 7), 5);
        assert_eq!(before(&[(10, 6, Some(5)), (11, 7, None)], 12, 8), 5);
    }

    #[test]
    fn an_event_elsewhere_follows_the_previous_version() {
        assert_eq!(before(&[(10, 6, Some(5))], 12, 8), 7);
        assert_eq!(before(&[(10, 6, Some(5))], 9, 7), 6);
    }

    #[test]
    fn dropping_a_repeated_version_leaves_no_gap() {
        assert_eq!(before(&[(10, 6, Some(6))], 11, 7), 6);
        assert_eq!(before(&[(10, 6, Some(7))], 11, 8), 7);
    }

    #[test]
    fn a_gap_before_a_dropped_version_remains() {
        assert_eq!(before(&[(10, 7, Some(5))], 11, 8), 5);
    }

    #[test]
    fn only_the_offset_of_the_aggregate_in_its_partition_is_dropped() {
        let mut events = Dropped::default();
        events.add((0, 10), "a".to_owned(), None, None);
        assert!(events.contains(0, "a", 10));
        assert!(!events.contains(0, "b", 10) && !events.contains(1, "a", 10) && !events.contains(0, "a", 11));
    }
}
