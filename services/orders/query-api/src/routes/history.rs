use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use service_kit::{Json, Path, Problem, Query, problem::ProblemDocument};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::{
    answer,
    cursor::history as cursor,
    desk::ReadState,
    document::{HistoryPage, PastEvent},
    problems,
    read_model::OneHistory,
    routes::limit::Limit,
    wish::{ConsistencyRequest, Headers},
};

/// Which part of the history.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// How many events at most: 1 to 200.
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 200, default = 50)]
    limit: Limit,
    /// Where the last page ended, from its `Link`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// Everything that has happened to an order, from the first event to the last: who caused it, when, by which command,
/// and where it stands in the log.
///
/// It holds personal data, also such that the order itself shows no more: earlier addresses, and who asked for what.
/// Versions follow each other without a gap; where one is missing, its event was dropped by an operator.
#[utoipa::path(
    get,
    path = "/orders/{order_id}/history",
    params(
        ("order_id" = Uuid, Path, description = "Which order."),
        Parameters,
        Headers,
    ),
    responses(
        (status = 200, description = "A page. `Link` leads to the next one; `Consistency-Token` says where the answer stands.", body = HistoryPage),
        (status = "4XX", description = "There is no such order, or the request is wrong.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not yet visible, or not ready.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn history(
    State(desk): State<ReadState>,
    Path(order_id): Path<Uuid>,
    Query(parameters): Query<Parameters>,
    wish: ConsistencyRequest,
) -> Result<Response, Problem> {
    let wanted = wish.offsets.within(desk.read_model.partition_of(order_id));
    let after = parameters.cursor.as_deref().map(|text| cursor::read(text, order_id)).transpose();
    let question = OneHistory {
        read_model: &desk.read_model,
        order_id,
        after: after.map_err(problems::invalid_cursor)?.unwrap_or(0),
        limit: parameters.limit.and_one(),
    };
    let result = desk.journal.ask(&question, &wanted, wish.patience).await.map_err(problems::unanswered)?;
    Ok(answer::of(&wish, &desk.topic, result, |events| {
        let events = events.ok_or(Problem::new(problems::ORDER_NOT_FOUND))?;
        Ok(parameters.page(order_id, events))
    }))
}

impl Parameters {
    fn page(self, order_id: Uuid, mut events: Vec<PastEvent>) -> Response {
        let has_more = self.limit.cut(&mut events);
        let link = events.last().filter(|_| has_more).map(|last| self.next(order_id, last.version));
        let link = link.map(|link| [(header::LINK, link)]);
        (link, Json(HistoryPage { events })).into_response()
    }

    /// The link to the next page (RFC 8288), relative to this service.
    fn next(&self, order_id: Uuid, last: i64) -> HeaderValue {
        let next = Self { cursor: Some(cursor::write(order_id, last)), limit: self.limit };
        let query = serde_urlencoded::to_string(next).expect("parameters are plain texts");
        let link = format!("</orders/{order_id}/history?{query}>; rel=\"next\"");
        HeaderValue::try_from(link).expect("an encoded query is ASCII")
    }
}
