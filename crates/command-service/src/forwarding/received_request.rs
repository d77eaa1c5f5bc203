use std::time::Duration;

use axum::{
    Extension, RequestPartsExt,
    body::Bytes,
    http::{HeaderMap, Method, Uri, request::Parts},
};
use service_kit::{Problem, http::WholeBody};

use super::ForwardContext;

/// A request as it was received, so that it can be sent to another instance.
pub(crate) struct ReceivedRequest {
    pub(crate) context: ForwardContext,
    pub(crate) uri: Uri,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl ReceivedRequest {
    /// `command_timeout` is how long a command may take.
    pub(crate) async fn of(parts: &mut Parts, command_timeout: Duration) -> Result<Self, Problem> {
        let body = parts.extract::<Extension<WholeBody>>().await;
        let Extension(WholeBody(body)) = body.map_err(|error| Problem::internal(&error))?;
        Ok(Self {
            context: ForwardContext::of(&parts.headers, command_timeout),
            uri: parts.uri.clone(),
            method: parts.method.clone(),
            headers: parts.headers.clone(),
            body,
        })
    }
}
