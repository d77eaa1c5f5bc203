use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use projection::{PartitionOffsets, ReadResult};
use serde::Serialize;
use service_kit::{Problem, conditional::etag, prefer::PREFERENCE_APPLIED, request::CONSISTENCY_TOKEN};
use sqlx::types::Json;

use crate::{Document, Found, List, ReadPosition, ReadRequest, problems, request::ConsistencyRequest};

const BEHIND_SINCE: HeaderName = HeaderName::from_static("behind-since");

/// The result of a query, or the problem that it is refused with, and the headers of every response to a query.
#[derive(Debug)]
#[must_use]
pub struct Answer<T> {
    headers: HeaderMap,
    found: Result<T, Problem>,
}

impl<T> Answer<T> {
    /// Maps the result, if there is one. The headers stay.
    pub fn and_then<U>(self, next: impl FnOnce(T) -> Result<U, Problem>) -> Answer<U> {
        Answer { headers: self.headers, found: self.found.and_then(next) }
    }
}

impl<T: Document> Answer<T> {
    /// The document with its entity tag, or 304 if the caller already has this version (RFC 9110, section 13).
    pub fn document(self, request: &ReadRequest) -> Response {
        self.and_then(|document| {
            let version = document.version();
            let tag = [(header::ETAG, etag(version))];
            if request.conditions.is_not_modified(version) {
                return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
            }
            Ok((tag, axum::Json(document)).into_response())
        })
        .into_response()
    }
}

impl<T: Serialize> Answer<Json<T>> {
    /// The result as JSON, for a query whose result has no version, such as a count.
    pub fn json(self) -> Response {
        self.and_then(|Json(found)| Ok(axum::Json(found))).into_response()
    }
}

impl<T> Answer<Json<Vec<T>>> {
    /// A page of a list, and the link to the next one. `key` returns the sort key of a document; the next page begins
    /// after the key of the last document.
    pub fn page<P, K: Serialize, B: Serialize>(
        self,
        list: &List<P, K>,
        key: impl FnOnce(&T) -> K,
        body: impl FnOnce(Vec<T>) -> B,
    ) -> Response {
        self.and_then(|Json(mut rows)| {
            let has_more = list.cut(&mut rows);
            let next = rows.last().filter(|_| has_more).and_then(|last| list.next(&key(last)));
            Ok((next.map(|next| [(header::LINK, next)]), axum::Json(body(rows))).into_response())
        })
        .into_response()
    }
}

impl<T: IntoResponse> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        (self.headers, self.found).into_response()
    }
}

/// The result of a statement, before it becomes an [`Answer`].
#[derive(Debug)]
pub(crate) struct QueryResult<T> {
    consistency: ConsistencyRequest,
    found: T,
    position: ReadPosition,
    offsets: PartitionOffsets,
    is_fresh: bool,
    behind_since: Option<HeaderValue>,
}

impl<T> QueryResult<T> {
    pub(crate) fn new(consistency: ConsistencyRequest, result: ReadResult<Found<T>>) -> Self {
        let ReadResult { output: Found { position, found }, offsets, is_fresh } = result;
        Self { consistency, found, position: position.0, offsets, is_fresh, behind_since: None }
    }

    /// Takes parked events into account: the rows of one aggregate are only as fresh as its first parked event allows.
    pub(crate) fn without_parked(self) -> Self {
        let offsets = self.position.visible_offsets();
        let is_fresh = self.is_fresh && offsets.covers(&self.consistency.offsets);
        Self { offsets, is_fresh, ..self }
    }

    /// Adds the header `Behind-Since` if events are parked.
    pub(crate) fn behind_since(self, topic: &str) -> Self {
        Self { behind_since: self.position.behind_since(topic), ..self }
    }

    /// The answer holds the result only if it is as fresh as requested, or the request was lenient.
    pub(crate) fn answer(self, topic: &str) -> Answer<T> {
        let headers = self.headers(topic);
        let is_shown = self.is_fresh || self.consistency.lenient;
        Answer { headers, found: if is_shown { Ok(self.found) } else { Err(problems::not_yet_visible()) } }
    }

    /// There is no token only if the projection has read nothing yet.
    fn headers(&self, topic: &str) -> HeaderMap {
        let token = self.offsets.token(topic).and_then(|token| HeaderValue::try_from(token).ok());
        let mut headers = HeaderMap::new();
        // The response may hold personal data, and it may already be out of date when it is read.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("consistency-token, prefer"));
        headers.extend(token.map(|token| (CONSISTENCY_TOKEN, token)));
        headers.extend(self.consistency.applied.clone().map(|applied| (PREFERENCE_APPLIED, applied)));
        headers.extend(self.behind_since.clone().map(|positions| (BEHIND_SINCE, positions)));
        headers
    }
}
