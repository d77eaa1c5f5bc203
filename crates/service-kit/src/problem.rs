//! Problem documents (RFC 9457): the one form in which a service says no.
//!
//! A problem is safe to show to anybody: it never holds a body, a secret or the text of an inner error.

mod document;
pub mod kinds;
pub mod page;

pub use document::{ProblemDocument, title};
pub use kinds::ProblemKind;

use std::{borrow::Cow, collections::BTreeMap, error::Error, time::Duration};

use aggregate::Refusal;
use axum::http::{HeaderName, HeaderValue, StatusCode, header::RETRY_AFTER};
use serde::Serialize;
use serde_json::Value;

/// Why a request was not answered as asked; sent as a [`ProblemDocument`].
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

    /// A rule's "no": 422 with the rule's code, its sentence and its facts.
    pub fn refused(refusal: &impl Refusal) -> Self {
        let mut problem = Self::new(ProblemKind::new(refusal.code(), StatusCode::UNPROCESSABLE_ENTITY))
            .detail(refusal.to_string());
        if let Ok(Value::Object(extensions)) = serde_json::to_value(refusal) {
            problem.extensions.extend(extensions);
        }
        problem
    }

    /// A failure of our own: logged with all its causes here and now, told without any of them.
    pub fn internal(error: &dyn Error) -> Self {
        let causes: Vec<_> =
            std::iter::successors(error.source(), |&cause| cause.source()).map(ToString::to_string).collect();
        tracing::error!(%error, ?causes, "a request failed");
        Self::new(kinds::INTERNAL)
    }

    /// What is wrong this time, in a sentence that is safe to show.
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a member of this kind's own, such as `current_version`.
    ///
    /// # Panics
    /// Where the value cannot be told in JSON (a map whose keys are not texts).
    pub fn extension(mut self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("a fact can be told in JSON");
        self.extensions.insert(name.to_owned(), value);
        self
    }

    /// Says when a further try may go better, in whole seconds and at least one.
    pub fn retry_after(self, delay: Duration) -> Self {
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        self.header(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// Adds a header to the answer.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Answers with another status than the kind's own.
    pub const fn with_status(mut self, status: StatusCode) -> Self {
        self.kind.status = status;
        self
    }

    /// What clients match on: `order-already-cancelled`.
    pub const fn code(&self) -> &'static str {
        self.kind.code
    }

    /// The status of the answer.
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
