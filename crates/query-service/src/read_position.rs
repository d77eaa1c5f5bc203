use std::collections::BTreeMap;

use axum::http::HeaderValue;
use event_log::Position;
use projection::PartitionOffsets;
use serde::Deserialize;

/// The position of a projection in the snapshot of a statement: the result of the SQL function `read_position`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ReadPosition {
    /// The first offset of each partition that is not yet applied.
    next_offsets: BTreeMap<i32, i64>,
    /// The first offset of each partition that is parked. The rows include neither that event nor later events of its
    /// aggregate.
    parked: BTreeMap<i32, i64>,
}

impl ReadPosition {
    /// The offsets that the projection had reached.
    pub(crate) fn offsets(&self) -> PartitionOffsets {
        self.next_offsets.iter().map(|(partition, next)| (*partition, *next)).collect()
    }

    /// The offsets up to which the rows of one aggregate are complete: at most up to its first parked event.
    pub(crate) fn visible_offsets(&self) -> PartitionOffsets {
        let visible =
            |partition, next: i64| self.parked.get(partition).map_or(next, |parked| next.min(*parked));
        self.next_offsets.iter().map(|(partition, next)| (*partition, visible(partition, *next))).collect()
    }

    /// The value of `Behind-Since`: the positions of the first parked events; `None` if nothing is parked.
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
    fn without_parked_events_rows_are_complete_up_to_the_checkpoint() {
        let position = position(r#"{ "next_offsets": { "0": 7, "3": 2000 }, "parked": {} }"#);
        assert_eq!(position.visible_offsets(), position.offsets());
        assert_eq!(position.behind_since("orders.events"), None);
    }
}
