use aggregate::Version;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use service_kit::{
    Json, Path, Problem,
    conditional::{Conditions, etag},
    problem::ProblemDocument,
};

use crate::{
    answer,
    customer_id::CustomerId,
    desk::ReadState,
    document::CustomerTotals,
    problems,
    read_model::TotalsOf,
    wish::{ConsistencyRequest, Headers},
};

/// What a customer has ordered.
#[utoipa::path(
    get,
    path = "/customers/{customer_id}/totals",
    params(
        ("customer_id" = String, Path, description = "Which customer.", example = "c-1001"),
        Headers,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the totals that the caller has."),
    ),
    responses(
        (status = 200, description = "The totals, also of a customer who has ordered nothing. `Consistency-Token` says where the answer stands.", body = CustomerTotals),
        (status = 304, description = "The caller has them."),
        (status = 400, description = "The customer's id or the token is wrong.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not yet visible, or not ready.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn customer_totals(
    State(desk): State<ReadState>,
    Path(customer_id): Path<CustomerId>,
    conditions: Conditions,
    wish: ConsistencyRequest,
) -> Result<Response, Problem> {
    let question = TotalsOf { read_model: &desk.read_model, customer_id: customer_id.as_str() };
    let result = desk
        .customer_totals
        .ask(&question, &wish.offsets, wish.patience)
        .await
        .map_err(problems::unanswered)?;
    Ok(answer::of(&wish, &desk.topic, result, |totals| Ok(told(totals, &conditions))))
}

fn told(totals: CustomerTotals, conditions: &Conditions) -> Response {
    let version = Version(totals.events().cast_unsigned());
    let tag = [(header::ETAG, etag(version))];
    if conditions.is_not_modified(version) {
        return (StatusCode::NOT_MODIFIED, tag).into_response();
    }
    (tag, Json(totals)).into_response()
}
