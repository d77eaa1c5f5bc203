//! Problem documents (RFC 9457): the format of every error response.
//!
//! A problem is safe to show to anyone: it never contains a body, a secret or the text of an internal error.

mod document;
mod invalid_values;
pub mod kinds;
pub mod page;

pub use document::{ProblemDocument, title};
pub use invalid_values::{InvalidValues, validate};
pub use kinds::ProblemKind;

use std::{borrow::Cow, collections::BTreeMap, error::Error, time::Duration};

use aggregate::Refusal;
use axum::http::{HeaderName, HeaderValue, StatusCode, header::RETRY_AFTER};
use serde::Serialize;
use serde_json::Value;

/// Why a request failed or was refused. It is sent as a [`ProblemDocument`].
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Problem {
    kind: ProblemKind,
    detail: Option<Cow<'static, str>>,
    extensions: BTreeMap<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of this kind.
    pub const fn new(kind: ProblemKind) -> Self {
        Self { kind, detail: None, extensions: BTreeMap::new(), headers: Vec::new() }
    }

    /// A refusal by a rule: 422 with the refusal's code, message and fields.
    pub fn refused(refusal: &impl Refusal) -> Self {
        let mut problem = Self::new(ProblemKind::new(refusal.code(), StatusCode::UNPROCESSABLE_ENTITY))
            .detail(refusal.to_string());
        if let Ok(Value::Object(extensions)) = serde_json::to_value(refusal) {
            problem.extensions.extend(extensions);
        }
        problem
    }

    /// A failure of the service. The error is logged here with all its sources; the response contains none of them.
    pub fn internal(error: &dyn Error) -> Self {
        let causes: Vec<_> =
            std::iter::successors(error.source(), |&cause| cause.source()).map(ToString::to_string).collect();
        tracing::error!(%error, ?causes, "a request failed");
        Self::new(kinds::INTERNAL)
    }

    /// Sets the detail: what is wrong in this case, in a sentence that is safe to show.
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds an extension member (RFC 9457, section 3.2), such as `current_version`.
    ///
    /// # Panics
    /// If the value cannot be serialized as JSON, such as a map whose keys are not strings.
    pub fn extension(mut self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("an extension serializes as JSON");
        self.extensions.insert(name.to_owned(), value);
        self
    }

    /// Sets `Retry-After`, in whole seconds and at least one.
    pub fn retry_after(self, delay: Duration) -> Self {
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        self.header(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// Adds a header to the response.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Replaces the status of the kind.
    pub const fn with_status(mut self, status: StatusCode) -> Self {
        self.kind.status = status;
        self
    }

    /// The code that clients match on: `order-already-cancelled`.
    pub const fn code(&self) -> &'static str {
        self.kind.code
    }

    /// The status of the response.
    pub const fn status(&self) -> StatusCode {
        self.kind.status
    }
}

impl From<ProblemKind> for Problem {
    fn from(kind: ProblemKind) -> Self {
        Self::new(kind)
    }
}

#[cfg(test)]
mod tests;
