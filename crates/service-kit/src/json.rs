//! The extractor of JSON bodies. An error in a body becomes a problem that names the field.

mod strict;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{
        HeaderMap, HeaderValue,
        header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;

use self::strict::Strict;
use crate::{
    Problem,
    deserialize::{safe_message, truncated},
    problem::kinds,
};

/// The name of an aggregate's id in JSON: `order_id` for an `order`.
pub fn id_field(aggregate: &str) -> String {
    format!("{aggregate}_id")
}

/// The JSON body of a request or response.
///
/// Requests are read strictly: an unknown field, a repeated field, or an array in place of an object is refused, even
/// if the type itself would accept it.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(kinds::UNSUPPORTED_MEDIA_TYPE)
                .detail("the body must be sent with content-type application/json"));
        }
        if is_encoded(request.headers()) {
            return Err(Problem::new(kinds::UNSUPPORTED_MEDIA_TYPE)
                .detail("the body must be sent without a content-encoding")
                .header(ACCEPT_ENCODING, HeaderValue::from_static("identity")));
        }
        let body = Bytes::from_request(request, state).await.map_err(|_| {
            Problem::new(kinds::MALFORMED_JSON).detail("the body could not be read completely")
        })?;
        from_slice(&body).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Parses a body that consists of one JSON document.
fn from_slice<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = T::deserialize(Strict(&mut deserializer)).map_err(|error| located::<T>(body, &error))?;
    deserializer.end().map_err(|error| problem(&error, "."))?;
    Ok(value)
}

/// The problem with a body that could not be parsed. It is parsed again to find the field: keeping track of the path
/// costs an allocation for each field, which most bodies need not pay.
fn located<T: DeserializeOwned>(body: &[u8], error: &serde_json::Error) -> Problem {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(Strict(&mut deserializer)) {
        Err(error) => problem(error.inner(), &error.path().to_string()),
        Ok(_) => problem(error, "."),
    }
}

fn problem(error: &serde_json::Error, field: &str) -> Problem {
    match error.classify() {
        // These messages come from a fixed set and never quote the body.
        Category::Syntax | Category::Eof | Category::Io => {
            Problem::new(kinds::MALFORMED_JSON).detail(error.to_string())
        }
        Category::Data => {
            let (field, message) = (truncated(field), safe_message(&error.to_string()));
            Problem::new(kinds::INVALID_BODY).detail(format!("{field}: {message}")).extension("field", field)
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}

/// Whether the body is compressed or otherwise encoded (RFC 9110, section 8.4). No coding is supported.
fn is_encoded(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(CONTENT_ENCODING).iter();
    let mut codings = lines.flat_map(|line| line.to_str().unwrap_or("unreadable").split(','));
    codings.any(|coding| !matches!(coding.trim().to_ascii_lowercase().as_str(), "" | "identity"))
}
