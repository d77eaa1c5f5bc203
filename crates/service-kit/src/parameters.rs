//! The extractors of path and query parameters. An invalid parameter becomes a problem.

use axum::{
    extract::{
        FromRequestParts,
        path::ErrorKind,
        rejection::{PathRejection, QueryRejection},
    },
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::{
    Problem,
    deserialize::{safe_message, truncated},
    problem::kinds,
};

/// The parameters of the path: `/orders/{order_id}`.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

/// The parameters of the query: `?limit=50&cursor=…`.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(path_problem(rejection)),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(query_problem(&rejection)),
        }
    }
}

fn path_problem(rejection: PathRejection) -> Problem {
    let PathRejection::FailedToDeserializePathParams(failure) = rejection else {
        return Problem::internal(&rejection);
    };
    let detail = match failure.into_kind() {
        ErrorKind::ParseErrorAtKey { key, expected_type, .. } => format!("{key}: expected {expected_type}"),
        ErrorKind::DeserializeError { key, message, .. } => format!("{key}: {}", safe_message(&message)),
        ErrorKind::InvalidUtf8InPathParam { key } => format!("{key}: not UTF-8"),
        ErrorKind::ParseError { expected_type, .. } | ErrorKind::ParseErrorAtIndex { expected_type, .. } => {
            format!("expected {expected_type}")
        }
        ErrorKind::Message(message) => safe_message(&message),
        _ => return Problem::new(kinds::NOT_FOUND),
    };
    Problem::new(kinds::INVALID_PATH_PARAMETER).detail(detail)
}

fn query_problem(rejection: &QueryRejection) -> Problem {
    // Such as "Failed to deserialize query string: status: unknown variant …".
    let text = rejection.body_text();
    let detail = match text.splitn(3, ": ").collect::<Vec<_>>()[..] {
        [_, parameter, message] => format!("{}: {}", truncated(parameter), safe_message(message)),
        _ => safe_message(&text),
    };
    Problem::new(kinds::INVALID_QUERY_PARAMETER).detail(detail)
}
