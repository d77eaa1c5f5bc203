use std::time::Duration;

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::request::Parts,
};

use super::ForwardContext;

/// A request with its whole body, so that it can be tried again, here or on another instance.
pub(super) struct BufferedRequest {
    pub(super) context: ForwardContext,
    pub(super) parts: Parts,
    pub(super) body: Bytes,
}

impl BufferedRequest {
    /// Reads a request to its end. `command_timeout` is how long a command may take.
    pub(super) async fn of(request: Request, command_timeout: Duration) -> Self {
        let (mut parts, body) = request.into_parts();
        // The server has already read the body within its own limit, so this cannot fail.
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let context = ForwardContext::of(&parts.headers, command_timeout);
        parts.extensions.insert(context);
        Self { context, parts, body }
    }

    /// The request once more. The bytes of the body are shared.
    pub(super) fn request(&self) -> Request {
        Request::from_parts(self.parts.clone(), Body::from(self.body.clone()))
    }
}
