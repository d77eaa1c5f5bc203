use axum::{
    http::{HeaderName, HeaderValue},
    response::Response,
};
use event_log::Position;
use projection::{Sight, Stand};

const BEHIND_SINCE: HeaderName = HeaderName::from_static("behind-since");

/// The first positions, at most one in each partition, from which on the rows of an answer say nothing new, because
/// events are parked. It is read in the same snapshot as the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parked(pub(crate) Stand);

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
    pub(crate) fn limit<T>(&self, wanted: &Stand, sight: Sight<T>) -> Sight<T> {
        let seen_of = |partition, next: i64| {
            self.0.iter().find(|(parked, _)| *parked == partition).map_or(next, |(_, first)| next.min(first))
        };
        let stand: Stand =
            sight.stand.iter().map(|(partition, next)| (partition, seen_of(partition, next))).collect();
        let is_fresh = sight.is_fresh && stand.covers(wanted);
        Sight { is_fresh, stand, ..sight }
    }
}

#[cfg(test)]
mod tests {
    use super::{Parked, Sight, Stand};

    fn sight() -> Sight<()> {
        Sight { seen: (), stand: Stand::from_iter([(3, 2000)]), is_fresh: true }
    }

    #[test]
    fn a_parked_position_is_not_seen_but_those_before_it_are() {
        let parked = Parked(Stand::from_iter([(3, 1042)]));
        let before = parked.limit(&Stand::from_iter([(3, 1042)]), sight());
        assert_eq!((before.is_fresh, before.stand), (true, Stand::from_iter([(3, 1042)])));
        assert!(!parked.limit(&Stand::from_iter([(3, 1043)]), sight()).is_fresh);
        assert_eq!(parked.positions("orders.events").unwrap(), "orders.events/3@1042");
    }

    #[test]
    fn where_nothing_is_parked_everything_stays_as_it_is() {
        let parked = Parked::default();
        assert_eq!(parked.limit(&Stand::from_iter([(3, 2000)]), sight()), sight());
        assert_eq!(parked.positions("orders.events"), None);
    }
}
