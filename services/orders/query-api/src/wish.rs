use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
};
use projection::PartitionOffsets;
use service_kit::{Problem, prefer::Prefer};
use utoipa::IntoParams;

use crate::{desk::ReadState, problems, settings::WaitLimits};

/// A position that a reader asks to see, or where an answer stands.
pub(crate) const CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("consistency-token");

/// How fresh the caller wants the answer to be, and how long the caller would wait for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConsistencyRequest {
    /// The consistency token; empty where there is none.
    pub(crate) offsets: PartitionOffsets,
    /// How long to wait for it.
    pub(crate) patience: Duration,
    /// Rather an old answer than none.
    pub(crate) lenient: bool,
    /// The preferences that are honoured by this.
    pub(crate) applied: Option<HeaderValue>,
}

/// The headers that make a wish, for the description of the API.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it is described, not read")]
pub(crate) struct Headers {
    /// What the answer must have seen, as in `orders.events/2@1042`; several with commas, of any topics.
    #[param(rename = "Consistency-Token")]
    consistency_token: Option<String>,
    /// `wait=5`: how long to wait for that; `handling=lenient`: rather an old answer than none; `handling=strict`: refuse
    /// positions of topics that the answer is not made of.
    #[param(rename = "Prefer")]
    prefer: Option<String>,
}

impl ConsistencyRequest {
    fn of(headers: &HeaderMap, topic: &str, partitions: i32, patience: WaitLimits) -> Result<Self, Problem> {
        let prefer = Prefer::of(headers);
        // A client may send all the positions that it has to every service. Those of other topics ask for nothing here.
        let read = if prefer.strict { PartitionOffsets::parse } else { PartitionOffsets::pick };
        let offsets = token(headers).map(|token| read(&token, topic, partitions)).transpose();
        let offsets = offsets.map_err(|error| problems::invalid_token(&error))?.unwrap_or_default();
        let asked = prefer.wait.map(|wait| wait.min(patience.longest));
        let is_asked = offsets != PartitionOffsets::default();
        Ok(Self {
            offsets,
            patience: asked.unwrap_or(patience.default),
            lenient: prefer.lenient,
            applied: if is_asked { applied(asked, prefer) } else { None },
        })
    }
}

impl FromRequestParts<ReadState> for ConsistencyRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &ReadState) -> Result<Self, Problem> {
        Self::of(&parts.headers, &desk.topic, desk.partitions, desk.patience)
    }
}

/// The header may come several times; it is one list.
fn token(headers: &HeaderMap) -> Option<String> {
    let lines: Vec<_> = headers
        .get_all(&CONSISTENCY_TOKEN)
        .iter()
        .map(|line| String::from_utf8_lossy(line.as_bytes()))
        .collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// `Preference-Applied` (RFC 7240, section 3).
fn applied(wait: Option<Duration>, prefer: Prefer) -> Option<HeaderValue> {
    let wait = wait.map(|wait| format!("wait={}", wait.as_secs()));
    let lenient = prefer.lenient.then(|| "handling=lenient".to_owned());
    let strict = prefer.strict.then(|| "handling=strict".to_owned());
    let applied: Vec<_> = wait.into_iter().chain(lenient).chain(strict).collect();
    HeaderValue::try_from(applied.join(", ")).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{ConsistencyRequest, Duration, HeaderMap, PartitionOffsets, Problem, WaitLimits};

    fn wish(lines: &[(&'static str, &'static str)]) -> Result<ConsistencyRequest, Problem> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let patience = WaitLimits { default: Duration::from_secs(2), longest: Duration::from_secs(9) };
        ConsistencyRequest::of(&headers, "orders.events", 8, patience)
    }

    #[test]
    fn without_a_token_there_is_nothing_to_wait_for() {
        let wish = wish(&[("prefer", "wait=3")]).unwrap();
        assert_eq!(wish.offsets, PartitionOffsets::default());
        assert_eq!(wish.applied, None);
    }

    #[test]
    fn a_token_is_waited_for_two_seconds_if_not_told_otherwise() {
        let wish = wish(&[("consistency-token", "orders.events/1@4")]).unwrap();
        assert_eq!(wish.offsets, PartitionOffsets::from_iter([(1, 5)]));
        assert_eq!((wish.patience, wish.applied), (Duration::from_secs(2), None));
    }

    #[test]
    fn what_is_preferred_is_honoured_within_bounds() {
        let token = ("consistency-token", "orders.events/1@4");
        let wish = wish(&[token, ("prefer", "wait=60, handling=lenient")]).unwrap();
        assert_eq!((wish.patience, wish.lenient), (Duration::from_secs(9), true));
        assert_eq!(wish.applied.unwrap(), "wait=9, handling=lenient");
    }

    #[test]
    fn several_lines_are_one_token() {
        let lines = [
            ("consistency-token", "orders.events/1@4"),
            ("consistency-token", "orders.events/2@7, orders.events/3@1"),
        ];
        assert_eq!(wish(&lines).unwrap().offsets, PartitionOffsets::from_iter([(1, 5), (2, 8), (3, 2)]));
    }

    #[test]
    fn positions_of_other_topics_ask_for_nothing_but_of_a_strict_service() {
        let token = ("consistency-token", "payments.events/1@4, orders.events/1@4");
        assert_eq!(wish(&[token]).unwrap().offsets, PartitionOffsets::from_iter([(1, 5)]));
        let problem = wish(&[token, ("prefer", "handling=strict")]).unwrap_err();
        assert_eq!(problem.code(), "invalid-consistency-token");
        let own = ("consistency-token", "orders.events/1@4");
        assert_eq!(wish(&[own, ("prefer", "handling=strict")]).unwrap().applied.unwrap(), "handling=strict");
    }

    #[test]
    fn a_token_that_was_not_made_here_is_a_problem() {
        for token in ["", "x", "payments.events/1@4,", "orders.events/8@4"] {
            let problem = wish(&[("consistency-token", token)]).unwrap_err();
            assert_eq!(problem.code(), "invalid-consistency-token", "{token}");
        }
    }
}
