//! What one instance tells another about a command beside the request itself, and what it hears back.

use std::time::{Duration, Instant};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
};
use uuid::Uuid;

/// On a request: it comes from another instance and goes no further. The value is the request's identity.
pub(super) const FORWARDED: HeaderName = HeaderName::from_static("foldline-forwarded");
/// On a request: which ownership of the partition its sender has in mind.
pub(super) const OWNER_EPOCH: HeaderName = HeaderName::from_static("foldline-owner-epoch");
/// On a request: how long its sender still waits, in milliseconds.
pub(super) const TIMEOUT_MS: HeaderName = HeaderName::from_static("foldline-timeout-ms");
/// On an answer: the command was not decided here, and nothing was written.
pub(super) const NOT_HERE: HeaderName = HeaderName::from_static("foldline-not-here");

/// Marks the response to a command that this instance could not decide: the partition is not its own at the moment,
/// and nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotOwner {
    pub(crate) partition: i32,
}

/// A request's way through the instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ForwardContext {
    /// Stays the same however often the request is passed on: what a command without a key of its own is named after.
    pub(crate) identity: Uuid,
    /// When its sender stops to wait.
    pub(crate) deadline: Instant,
    /// Where another instance has sent it: which ownership is to decide it. A request that was held up on its way until
    /// its partition had moved, and come back, would otherwise be decided after its sender was told "no" elsewhere.
    pub(crate) forwarded_to: Option<u64>,
}

impl ForwardContext {
    /// The headers may come from anybody. Who makes them up gets a 503 instead of a hop and less time; an identity is
    /// no more than an idempotency key.
    pub(super) fn of(headers: &HeaderMap, longest: Duration) -> Self {
        let forwarded = text(headers, &FORWARDED).and_then(|text| Uuid::try_parse(text).ok());
        let left = number(headers, &TIMEOUT_MS).map(Duration::from_millis);
        let timeout = left.filter(|_| forwarded.is_some()).map_or(longest, |left| left.min(longest));
        Self {
            identity: forwarded.unwrap_or_else(Uuid::now_v7),
            deadline: Instant::now() + timeout,
            forwarded_to: forwarded.map(|_| number(headers, &OWNER_EPOCH).unwrap_or(0)),
        }
    }
}

/// Says to the sender that it may ask elsewhere.
pub(super) fn marked(mut response: Response) -> Response {
    response.headers_mut().insert(NOT_HERE, HeaderValue::from_static("true"));
    response
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(8);

    fn trip(headers: &[(HeaderName, &str)]) -> ForwardContext {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        ForwardContext::of(&headers, LONGEST)
    }

    #[test]
    fn a_forwarded_request_keeps_its_identity_and_the_rest_of_its_time() {
        let identity = Uuid::now_v7();
        let trip = trip(&[(FORWARDED, &identity.to_string()), (OWNER_EPOCH, "7"), (TIMEOUT_MS, "500")]);
        assert_eq!((trip.identity, trip.forwarded_to), (identity, Some(7)));
        assert!(trip.deadline <= Instant::now() + Duration::from_millis(500));
    }

    #[test]
    fn nobody_can_ask_for_more_time_than_there_is() {
        for text in ["18446744073709551615", "8001"] {
            let trip = trip(&[(FORWARDED, &Uuid::nil().to_string()), (TIMEOUT_MS, text)]);
            assert!(trip.deadline <= Instant::now() + LONGEST, "{text}");
        }
    }

    #[test]
    fn headers_that_make_no_sense_are_passed_over() {
        let (now, trip) = (Instant::now(), trip(&[(FORWARDED, "me"), (TIMEOUT_MS, "1")]));
        assert_eq!(trip.forwarded_to, None);
        assert!(trip.deadline >= now + LONGEST);
        assert_eq!(trip.identity.get_version_num(), 7);
    }
}
