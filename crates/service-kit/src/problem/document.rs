use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use axum::{
    http::{HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Problem;
use crate::request::RequestContext;

/// The members that RFC 9457 defines. An extension must not repeat one of these names.
const DEFINED: [&str; 5] = ["type", "title", "status", "detail", "instance"];

/// The body of a problem, `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemDocument {
    /// Identifies the kind of problem, and links to a description of it.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not-found")]
    link: String,
    /// The kind of problem in words; the same for every problem of a kind.
    #[schema(example = "Not found")]
    title: String,
    /// The status of the response.
    #[schema(example = 404)]
    status: u16,
    /// What is wrong in this case.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    detail: Option<Cow<'static, str>>,
    /// The request id, which is also in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    instance: Option<Arc<str>>,
    /// Extension members of this kind of problem, such as `current_version`.
    #[serde(flatten)]
    extensions: BTreeMap<String, Value>,
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let status = self.status();
        let headers = std::mem::take(&mut self.headers);
        let mut response = (status, axum::Json(ProblemDocument::from(self))).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().extend(headers);
        response
    }
}

impl From<Problem> for ProblemDocument {
    fn from(problem: Problem) -> Self {
        let mut extensions = problem.extensions;
        extensions.retain(|name, _| !DEFINED.contains(&name.as_str()));
        Self {
            link: format!("/problems/{}", problem.kind.code),
            title: title(problem.kind.code),
            status: problem.kind.status.as_u16(),
            detail: problem.detail,
            instance: RequestContext::current().map(|context| context.request_id),
            extensions,
        }
    }
}

/// The code of a problem in words: `order-already-cancelled` becomes `Order already cancelled`.
pub fn title(code: &str) -> String {
    let words = code.replace('-', " ");
    let first_letter = words.get(..1).unwrap_or_default().to_ascii_uppercase();
    first_letter + words.get(1..).unwrap_or_default()
}
