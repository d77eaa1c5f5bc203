use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use projection::{PartitionOffsets, ReadResult};
use service_kit::Problem;

use crate::{
    problems,
    wish::{CONSISTENCY_TOKEN, ConsistencyRequest},
};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What was seen is given out only if it is as fresh as was wished, or the wish was lenient.
pub(crate) fn of<T>(
    wish: &ConsistencyRequest,
    topic: &str,
    result: ReadResult<T>,
    answer: impl FnOnce(T) -> Result<Response, Problem>,
) -> Response {
    let headers = headers(wish, &result.offsets, topic);
    let answer =
        if result.is_fresh || wish.lenient { answer(result.seen) } else { Err(problems::not_yet_visible()) };
    (headers, answer).into_response()
}

/// The headers that every answer has. The token is missing only where the read model has seen nothing yet.
fn headers(wish: &ConsistencyRequest, offsets: &PartitionOffsets, topic: &str) -> HeaderMap {
    let token = offsets.token(topic).and_then(|token| HeaderValue::try_from(token).ok());
    let mut headers = HeaderMap::new();
    // Personal data, and true only for now.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("consistency-token, prefer"));
    headers.extend(token.map(|token| (CONSISTENCY_TOKEN, token)));
    headers.extend(wish.applied.clone().map(|applied| (PREFERENCE_APPLIED, applied)));
    headers
}
