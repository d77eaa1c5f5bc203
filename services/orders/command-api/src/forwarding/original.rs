use std::time::Duration;

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::request::Parts,
};

use super::ForwardContext;

/// A request as it came in, kept so that it can be asked again, here or elsewhere.
pub(super) struct BufferedRequest {
    pub(super) trip: ForwardContext,
    pub(super) parts: Parts,
    pub(super) body: Bytes,
}

impl BufferedRequest {
    /// `longest` is how long a command may take.
    pub(super) async fn of(request: Request, longest: Duration) -> Self {
        let (mut parts, body) = request.into_parts();
        // The server has read it to its end within its own limit; there is nothing left to fail.
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let trip = ForwardContext::of(&parts.headers, longest);
        parts.extensions.insert(trip);
        Self { trip, parts, body }
    }

    /// The request, once more. The bytes of the body are shared.
    pub(super) fn request(&self) -> Request {
        Request::from_parts(self.parts.clone(), Body::from(self.body.clone()))
    }
}
