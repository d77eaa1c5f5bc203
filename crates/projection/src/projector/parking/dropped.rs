use std::collections::HashMap;

use aggregate::Version;
use event_log::Recorded;

/// The positions that operators have dropped. There are few, because people drop them one by one.
#[derive(Debug, Default)]
pub(super) struct Dropped(HashMap<(i32, String), Vec<Omission>>);

#[derive(Debug, Clone, Copy)]
struct Omission {
    offset: i64,
    /// The version that was dropped, and the version of the aggregate before it.
    gap: Option<(Version, Version)>,
}

impl Dropped {
    /// Adds a position; those of one aggregate must come in order.
    pub(super) fn add(
        &mut self,
        (partition, offset): (i32, i64),
        aggregate: String,
        version: Option<Version>,
        stands_at: Option<Version>,
    ) {
        let gap = version.map(|version| (version, stands_at.unwrap_or(previous(version))));
        self.0.entry((partition, aggregate)).or_default().push(Omission { offset, gap });
    }

    pub(super) fn contains(&self, partition: i32, aggregate: &str, offset: i64) -> bool {
        let omissions = self.of(partition, aggregate);
        omissions.binary_search_by_key(&offset, |omission| omission.offset).is_ok()
    }

    /// The version of the aggregate before an event: one less than its own, unless that one was dropped.
    pub(super) fn before(&self, recorded: &Recorded) -> Version {
        let (envelope, position) = (&recorded.envelope, &recorded.position);
        let mut stands_at = previous(envelope.version);
        let earlier = self
            .of(position.partition, envelope.aggregate_id.as_str())
            .iter()
            .rev()
            .filter(|omission| omission.offset < position.offset)
            .filter_map(|omission| omission.gap);
        for (version, before) in earlier {
            if version != stands_at {
                break;
            }
            stands_at = before;
        }
        stands_at
    }

    fn of(&self, partition: i32, aggregate: &str) -> &[Omission] {
        if self.0.is_empty() {
            return &[];
        }
        self.0.get(&(partition, aggregate.to_owned())).map_or(&[], Vec::as_slice)
    }
}

/// The version before another one, if none is dropped.
pub(super) const fn previous(version: Version) -> Version {
    Version(version.0.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use aggregate::Version;

    use super::Dropped;
    use crate::tests::tick;

    /// The version before one at this offset, where these are dropped: offset, version, the version before.
    fn before(dropped: &[(i64, u64, Option<u64>)], offset: i64, version: u64) -> u64 {
        let mut omitted = Dropped::default();
        for (offset, version, stands_at) in dropped {
            omitted.add((0, *offset), "a".to_owned(), Some(Version(*version)), stands_at.map(Version));
        }
        let mut next = tick("a", version, 1);
        next.position.offset = offset;
        omitted.before(&next).0
    }

    #[test]
    fn a_version_that_was_dropped_is_not_waited_for() {
        assert_eq!(before(&[(10, 6, Some(5))], 11, 7), 5);
        assert_eq!(before(&[(10, 6, Some(5)), (11, 7, None)], 12, 8), 5);
    }

    #[test]
    fn what_comes_later_follows_as_ever() {
        assert_eq!(before(&[(10, 6, Some(5))], 12, 8), 7);
        assert_eq!(before(&[(10, 6, Some(5))], 9, 7), 6);
    }

    #[test]
    fn a_version_that_came_twice_leaves_no_gap() {
        assert_eq!(before(&[(10, 6, Some(6))], 11, 7), 6);
        assert_eq!(before(&[(10, 6, Some(7))], 11, 8), 7);
    }

    #[test]
    fn a_hole_that_was_dropped_stays_one() {
        assert_eq!(before(&[(10, 7, Some(5))], 11, 8), 5);
    }

    #[test]
    fn only_positions_of_the_aggregate_are_dropped() {
        let mut omitted = Dropped::default();
        omitted.add((0, 10), "a".to_owned(), None, None);
        assert!(omitted.contains(0, "a", 10));
        assert!(
            !omitted.contains(0, "b", 10) && !omitted.contains(1, "a", 10) && !omitted.contains(0, "a", 11)
        );
    }
}
