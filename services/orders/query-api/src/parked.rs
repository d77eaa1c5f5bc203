use axum::{
    http::{HeaderName, HeaderValue},
    response::Response,
};
use event_log::Position;
use projection::{PartitionOffsets, ReadResult};

const BEHIND_SINCE: HeaderName = HeaderName::from_static("behind-since");

/// The first positions, at most one in each partition, from which on the rows of an answer say nothing new, because
/// events are parked. It is read in the same snapshot as the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parked(pub(crate) PartitionOffsets);

impl Parked {
    /// Tells the caller of an answer that is made of many orders.
    pub(crate) fn tell(&self, topic: &str, mut answer: Response) -> Response {
        answer.headers_mut().extend(self.positions(topic).map(|positions| (BEHIND_SINCE, positions)));
        answer
    }

    fn positions(&self, topic: &str) -> Option<HeaderValue> {
        let position = |(partition, offset)| Position { topic: topic.to_owned(), partition, offset };
        let positions: Vec<_> = self.0.iter().map(|first| position(first).to_string()).collect();
        HeaderValue::try_from(positions.join(",")).ok().filter(|value| !value.is_empty())
    }

    /// What a caller who wants this has seen of the one order whose parked events these are: no position that is parked
    /// is seen, however far the projection is.
    pub(crate) fn limit<T>(&self, wanted: &PartitionOffsets, result: ReadResult<T>) -> ReadResult<T> {
        let seen_of = |partition, next: i64| {
            self.0.iter().find(|(parked, _)| *parked == partition).map_or(next, |(_, first)| next.min(first))
        };
        let offsets: PartitionOffsets =
            result.offsets.iter().map(|(partition, next)| (partition, seen_of(partition, next))).collect();
        let is_fresh = result.is_fresh && offsets.covers(wanted);
        ReadResult { is_fresh, offsets, ..result }
    }
}

#[cfg(test)]
mod tests {
    use super::{Parked, PartitionOffsets, ReadResult};

    fn result() -> ReadResult<()> {
        ReadResult { seen: (), offsets: PartitionOffsets::from_iter([(3, 2000)]), is_fresh: true }
    }

    #[test]
    fn a_parked_position_is_not_seen_but_those_before_it_are() {
        let parked = Parked(PartitionOffsets::from_iter([(3, 1042)]));
        let before = parked.limit(&PartitionOffsets::from_iter([(3, 1042)]), result());
        assert_eq!((before.is_fresh, before.offsets), (true, PartitionOffsets::from_iter([(3, 1042)])));
        assert!(!parked.limit(&PartitionOffsets::from_iter([(3, 1043)]), result()).is_fresh);
        assert_eq!(parked.positions("orders.events").unwrap(), "orders.events/3@1042");
    }

    #[test]
    fn where_nothing_is_parked_everything_stays_as_it_is() {
        let parked = Parked::default();
        assert_eq!(parked.limit(&PartitionOffsets::from_iter([(3, 2000)]), result()), result());
        assert_eq!(parked.positions("orders.events"), None);
    }
}
