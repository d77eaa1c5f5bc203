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
use uuid::Uuid;

use crate::{answer, desk::Desk, document::Order, problems, read_model::OneOrder, wish::Wish};

/// An order.
#[utoipa::path(
    get,
    path = "/orders/{order_id}",
    params(
        ("order_id" = Uuid, Path, description = "Which order."),
        ("Consistency-Token" = Option<String>, Header, description = "What the answer must have seen, as in `orders.events/2@1042`."),
        ("Prefer" = Option<String>, Header, description = "`wait=5`: how long to wait for that; `handling=lenient`: rather an old answer than none."),
        ("If-None-Match" = Option<String>, Header, description = "The version that the caller has, as in `\"1\"`."),
    ),
    responses(
        (status = 200, description = "The order. `Consistency-Token` says where the answer stands.", body = Order),
        (status = 304, description = "The caller has it."),
        (status = "4XX", description = "There is no such order, or the request is wrong.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not yet visible, or not ready.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn order(
    State(desk): State<Desk>,
    Path(order_id): Path<Uuid>,
    conditions: Conditions,
    wish: Wish,
) -> Result<Response, Problem> {
    // Nothing that happens in other partitions can change this order.
    let wanted = wish.stand.within(desk.read_model.partition_of(order_id));
    let question = OneOrder { read_model: &desk.read_model, order_id };
    let sight = desk.freshness.ask(&question, &wanted, wish.patience).await.map_err(problems::unanswered)?;
    Ok(answer::of(&wish, &desk.topic, sight, |order| found(order, &conditions)))
}

fn found(order: Option<Order>, conditions: &Conditions) -> Result<Response, Problem> {
    let order = order.ok_or(Problem::new(problems::ORDER_NOT_FOUND))?;
    let version = Version(order.version.cast_unsigned());
    let tag = [(header::ETAG, etag(version))];
    if conditions.is_not_modified(version) {
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    Ok((tag, Json(order)).into_response())
}
