//! What one instance tells another about a command, besides the request itself.

use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use service_kit::Problem;
use uuid::Uuid;

use crate::problems::not_ready;

/// On a request: it comes from another instance and must not be forwarded again. The value is the identity of the request.
pub(super) const FORWARDED: HeaderName = HeaderName::from_static("foldline-forwarded");
/// On a request: the epoch of the ownership that its sender addresses.
pub(super) const OWNER_EPOCH: HeaderName = HeaderName::from_static("foldline-owner-epoch");
/// On a request: how long its sender will wait, in milliseconds.
pub(super) const TIMEOUT_MS: HeaderName = HeaderName::from_static("foldline-timeout-ms");
/// On an answer: the command was not decided here, and nothing was written.
pub(super) const NOT_HERE: HeaderName = HeaderName::from_static("foldline-not-here");

/// Where a request comes from, and how much time it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ForwardContext {
    /// Stays the same when the request is forwarded. A command without an idempotency key takes its id from it.
    pub(crate) identity: Uuid,
    /// When its sender stops waiting.
    pub(crate) deadline: Instant,
    /// Where another instance has forwarded it: the epoch of the ownership that may decide it. Otherwise a request that
    /// was delayed until its shard had moved away and come back would be decided after its sender was told elsewhere
    /// that nothing was written.
    pub(crate) owner_epoch: Option<u64>,
}

impl ForwardContext {
    /// Any client may send these headers. One that does gets a 503 instead of a hop, and less time; the identity that it
    /// makes up is no more than an idempotency key.
    pub(super) fn of(headers: &HeaderMap, command_timeout: Duration) -> Self {
        let forwarded = text(headers, &FORWARDED).and_then(|text| Uuid::try_parse(text).ok());
        let left = number(headers, &TIMEOUT_MS).map(Duration::from_millis);
        let timeout =
            left.filter(|_| forwarded.is_some()).map_or(command_timeout, |left| left.min(command_timeout));
        Self {
            identity: forwarded.unwrap_or_else(Uuid::now_v7),
            deadline: Instant::now() + timeout,
            owner_epoch: forwarded.map(|_| number(headers, &OWNER_EPOCH).unwrap_or(0)),
        }
    }
}

/// The answer to a command that another instance has forwarded here in vain: nothing was written, and its sender may ask
/// another instance.
pub(crate) fn not_here() -> Problem {
    not_ready().header(NOT_HERE, HeaderValue::from_static("true"))
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

    fn context(headers: &[(HeaderName, &str)]) -> ForwardContext {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        ForwardContext::of(&headers, LONGEST)
    }

    #[test]
    fn a_forwarded_request_keeps_its_identity_and_the_rest_of_its_time() {
        let identity = Uuid::now_v7();
        let context = context(&[(FORWARDED, &identity.to_string()), (OWNER_EPOCH, "7"), (TIMEOUT_MS, "500")]);
        assert_eq!((context.identity, context.owner_epoch), (identity, Some(7)));
        assert!(context.deadline <= Instant::now() + Duration::from_millis(500));
    }

    #[test]
    fn no_request_gets_more_time_than_a_command_may_take() {
        for text in ["18446744073709551615", "8001"] {
            let context = context(&[(FORWARDED, &Uuid::nil().to_string()), (TIMEOUT_MS, text)]);
            assert!(context.deadline <= Instant::now() + LONGEST, "{text}");
        }
    }

    #[test]
    fn headers_that_cannot_be_read_are_ignored() {
        let (now, context) = (Instant::now(), context(&[(FORWARDED, "me"), (TIMEOUT_MS, "1")]));
        assert_eq!(context.owner_epoch, None);
        assert!(context.deadline >= now + LONGEST);
        assert_eq!(context.identity.get_version_num(), 7);
    }
}
