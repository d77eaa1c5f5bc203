//! `Prefer` (RFC 7240): the preferences of a client. An unknown preference is ignored, as the RFC requires.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, request::Parts},
};

/// The response header that lists the preferences that were applied (RFC 7240, section 3).
pub const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The supported preferences.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prefer {
    /// `wait=2`: how many seconds the client is willing to wait. The service has an upper limit.
    pub wait: Option<Duration>,
    /// `handling=lenient`: the client prefers an outdated response to an error.
    pub lenient: bool,
    /// `handling=strict`: the client prefers an error to a request of which parts are ignored.
    pub strict: bool,
    /// `respond-async`: the client prefers 202 at once to waiting for the outcome.
    pub respond_async: bool,
}

impl Prefer {
    /// Reads the preferences from the headers of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut prefer = Self::default();
        let mut handling = None;
        let lines = headers.get_all(HeaderName::from_static("prefer")).iter();
        for preference in lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')) {
            // The first preference of each name applies. No supported preference has parameters after `;`.
            let preference = preference.split(';').next().unwrap_or_default();
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "wait" => prefer.wait = prefer.wait.or_else(|| seconds(value)),
                "handling" => handling = handling.or(Some(value.to_ascii_lowercase())),
                "respond-async" => prefer.respond_async = true,
                _ => {}
            }
        }
        prefer.lenient = handling.as_deref() == Some("lenient");
        prefer.strict = handling.as_deref() == Some("strict");
        prefer
    }
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse::<u32>().ok().map(|seconds| Duration::from_secs(seconds.into()))
}

impl<S: Sync> FromRequestParts<S> for Prefer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::{Duration, Prefer};

    fn prefer(lines: &[&'static str]) -> Prefer {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("prefer", line.parse().unwrap());
        }
        Prefer::of(&headers)
    }

    #[test]
    fn preferences_may_be_in_one_header_or_in_several() {
        let expected = Prefer {
            wait: Some(Duration::from_secs(2)),
            lenient: true,
            respond_async: true,
            ..Prefer::default()
        };
        assert_eq!(prefer(&["respond-async, wait=2, handling=lenient"]), expected);
        assert_eq!(prefer(&["Respond-Async", "WAIT = \"2\"", "handling=Lenient; x=1"]), expected);
    }

    #[test]
    fn unknown_and_malformed_preferences_are_ignored() {
        assert_eq!(prefer(&["wait=soon, return=minimal, handling=fast, ;;==,"]), Prefer::default());
    }

    #[test]
    fn the_first_of_two_equal_preferences_applies() {
        let prefer = prefer(&["wait=1, wait=9, handling=strict", "handling=lenient"]);
        assert_eq!(prefer.wait, Some(Duration::from_secs(1)));
        assert!(prefer.strict && !prefer.lenient);
    }
}
