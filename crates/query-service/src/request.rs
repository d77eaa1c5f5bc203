use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, request::Parts},
};
use projection::PartitionOffsets;
use service_kit::{Problem, conditional::Conditions, prefer::Prefer, request::CONSISTENCY_TOKEN};

use crate::{WaitLimits, problems};

/// The headers of every query: how fresh the response has to be (`Consistency-Token`, `Prefer`), and which version the
/// client already has (`If-None-Match`).
#[derive(Debug, Clone)]
pub struct ReadRequest {
    token: Option<String>,
    prefer: Prefer,
    pub(crate) conditions: Conditions,
}

/// How fresh the response has to be, and how long to wait for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConsistencyRequest {
    /// The consistency token; empty if there is none.
    pub(crate) offsets: PartitionOffsets,
    /// How long to wait for it.
    pub(crate) wait: Duration,
    /// Whether to respond with older rows if the token is not reached in time.
    pub(crate) lenient: bool,
    /// The preferences that were applied (`Preference-Applied`).
    pub(crate) applied: Option<HeaderValue>,
}

impl ReadRequest {
    /// Parses the token, of which only the positions of `topic` matter to the query.
    pub(crate) fn consistency(
        &self,
        topic: &str,
        partitions: i32,
        limits: WaitLimits,
    ) -> Result<ConsistencyRequest, Problem> {
        // A client may send all of its positions to every service; those of other topics are ignored.
        let parse = if self.prefer.strict { PartitionOffsets::parse } else { PartitionOffsets::pick };
        let offsets = self.token.as_deref().map(|token| parse(token, topic, partitions)).transpose();
        let offsets = offsets.map_err(|error| problems::invalid_token(&error))?.unwrap_or_default();
        let wait = self.prefer.wait.map(|wait| wait.min(limits.longest));
        let has_token = offsets != PartitionOffsets::default();
        Ok(ConsistencyRequest {
            offsets,
            wait: wait.unwrap_or(limits.default),
            lenient: self.prefer.lenient,
            applied: if has_token { preference_applied(wait, self.prefer) } else { None },
        })
    }

    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self { token: token(headers), prefer: Prefer::of(headers), conditions: Conditions::of(headers)? })
    }
}

impl<S: Sync> FromRequestParts<S> for ReadRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

/// The header may be repeated; its values form one list.
fn token(headers: &HeaderMap) -> Option<String> {
    let lines: Vec<_> = headers
        .get_all(&CONSISTENCY_TOKEN)
        .iter()
        .map(|line| String::from_utf8_lossy(line.as_bytes()))
        .collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// The value of `Preference-Applied` (RFC 7240, section 3).
fn preference_applied(wait: Option<Duration>, prefer: Prefer) -> Option<HeaderValue> {
    let wait = wait.map(|wait| format!("wait={}", wait.as_secs()));
    let lenient = prefer.lenient.then(|| "handling=lenient".to_owned());
    let strict = prefer.strict.then(|| "handling=strict".to_owned());
    let applied: Vec<_> = wait.into_iter().chain(lenient).chain(strict).collect();
    HeaderValue::try_from(applied.join(", ")).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{
        ConsistencyRequest, Duration, HeaderMap, PartitionOffsets, Problem, ReadRequest, WaitLimits,
    };

    fn request(lines: &[(&'static str, &'static str)]) -> Result<ConsistencyRequest, Problem> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let limits = WaitLimits { default: Duration::from_secs(2), longest: Duration::from_secs(9) };
        ReadRequest::of(&headers)?.consistency("orders.events", 8, limits)
    }

    #[test]
    fn a_query_without_a_token_does_not_wait() {
        let request = request(&[("prefer", "wait=3")]).unwrap();
        assert_eq!(request.offsets, PartitionOffsets::default());
        assert_eq!(request.applied, None);
    }

    #[test]
    fn a_query_waits_for_its_token_for_two_seconds_by_default() {
        let request = request(&[("consistency-token", "orders.events/1@4")]).unwrap();
        assert_eq!(request.offsets, PartitionOffsets::from_iter([(1, 5)]));
        assert_eq!((request.wait, request.applied), (Duration::from_secs(2), None));
    }

    #[test]
    fn preferences_are_applied_within_limits() {
        let token = ("consistency-token", "orders.events/1@4");
        let request = request(&[token, ("prefer", "wait=60, handling=lenient")]).unwrap();
        assert_eq!((request.wait, request.lenient), (Duration::from_secs(9), true));
        assert_eq!(request.applied.unwrap(), "wait=9, handling=lenient");
    }

    #[test]
    fn repeated_headers_form_one_token() {
        let lines = [
            ("consistency-token", "orders.events/1@4"),
            ("consistency-token", "orders.events/2@7, orders.events/3@1"),
        ];
        assert_eq!(request(&lines).unwrap().offsets, PartitionOffsets::from_iter([(1, 5), (2, 8), (3, 2)]));
    }

    #[test]
    fn positions_of_other_topics_are_ignored_unless_handling_is_strict() {
        let token = ("consistency-token", "payments.events/1@4, orders.events/1@4");
        assert_eq!(request(&[token]).unwrap().offsets, PartitionOffsets::from_iter([(1, 5)]));
        let problem = request(&[token, ("prefer", "handling=strict")]).unwrap_err();
        assert_eq!(problem.code(), "invalid-consistency-token");
        let own = ("consistency-token", "orders.events/1@4");
        assert_eq!(
            request(&[own, ("prefer", "handling=strict")]).unwrap().applied.unwrap(),
            "handling=strict"
        );
    }

    #[test]
    fn an_invalid_token_is_refused() {
        for token in ["", "x", "payments.events/1@4,", "orders.events/8@4"] {
            let problem = request(&[("consistency-token", token)]).unwrap_err();
            assert_eq!(problem.code(), "invalid-consistency-token", "{token}");
        }
    }
}
