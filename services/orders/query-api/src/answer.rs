use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use projection::{Sight, Stand};
use service_kit::Problem;

use crate::{
    problems,
    wish::{CONSISTENCY_TOKEN, Wish},
};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What was seen is given out only if it is as fresh as was wished, or the wish was lenient.
pub(crate) fn of<T>(
    wish: &Wish,
    topic: &str,
    sight: Sight<T>,
    answer: impl FnOnce(T) -> Result<Response, Problem>,
) -> Response {
    let headers = headers(wish, &sight.stand, topic);
    let answer =
        if sight.is_fresh || wish.lenient { answer(sight.seen) } else { Err(problems::not_yet_visible()) };
    (headers, answer).into_response()
}

/// The headers that every answer has. The token is missing only where the read model has seen nothing yet.
fn headers(wish: &Wish, stand: &Stand, topic: &str) -> HeaderMap {
    let token = stand.token(topic).and_then(|token| HeaderValue::try_from(token).ok());
    let mut headers = HeaderMap::new();
    // Personal data, and true only for now.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("consistency-token, prefer"));
    headers.extend(token.map(|token| (CONSISTENCY_TOKEN, token)));
    headers.extend(wish.applied.clone().map(|applied| (PREFERENCE_APPLIED, applied)));
    headers
}
