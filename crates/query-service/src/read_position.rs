use std::collections::BTreeMap;

use axum::http::HeaderValue;
use event_log::Position;
use projection::PartitionOffsets;
use serde::Deserialize;

/// Where a projection stood in the snapshot that a statement was run on: what the SQL function `read_position` returns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ReadPosition {
    /// The first offset of each partition that is not applied.
    next_offsets: BTreeMap<i32, i64>,
    /// The first offset of each partition that is parked. The rows do not show that event, nor later ones of its
    /// aggregate.
    parked: BTreeMap<i32, i64>,
}

impl ReadPosition {
    /// How far the projection had read.
    pub(crate) fn offsets(&self) -> PartitionOffsets {
        self.next_offsets.iter().map(|(partition, next)| (*partition, *next)).collect()
    }

    /// How far the rows of one aggregate are complete: up to its first parked event, however far the projection is.
    pub(crate) fn visible_offsets(&self) -> PartitionOffsets {
        let visible =
            |partition, next: i64| self.parked.get(partition).map_or(next, |parked| next.min(*parked));
        self.next_offsets.iter().map(|(partition, next)| (*partition, visible(partition, *next))).collect()
    }

    /// The value of `Behind-Since`: the positions of the first parked events; `None` where nothing is parked.
    pub(crate) fn behind_since(&self, topic: &str) -> Option<HeaderValue> {
        let position = |(partition, offset): (&i32, &i64)| Position {
            topic: topic.to_owned(),
            partition: *partition,
            offset: *offset,
        };
        let positions: Vec<_> = self.parked.iter().map(|parked| position(parked).to_string()).collect();
        HeaderValue::try_from(positions.join(",")).ok().filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::{PartitionOffsets, ReadPosition};

    fn position(json: &str) -> ReadPosition {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn rows_are_complete_up_to_the_first_parked_event() {
        let position = position(r#"{ "next_offsets": { "3": 2000 }, "parked": { "3": 1042 } }"#);
        assert_eq!(position.offsets(), PartitionOffsets::from_iter([(3, 2000)]));
        assert_eq!(position.visible_offsets(), PartitionOffsets::from_iter([(3, 1042)]));
        assert_eq!(position.behind_since("orders.events").unwrap(), "orders.events/3@1042");
    }

    #[test]
    fn without_parked_events_everything_that_was_read_is_visible() {
        let position = position(r#"{ "next_offsets": { "0": 7, "3": 2000 }, "parked": {} }"#);
        assert_eq!(position.visible_offsets(), position.offsets());
        assert_eq!(position.behind_since("orders.events"), None);
    }
}
