use aggregate::Version;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use projection::ReadResult;
use serde::Deserialize;
use service_kit::{
    Json, Path, Problem, Query,
    conditional::{Conditions, etag},
    problem::{ProblemDocument, kinds},
};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::{
    answer,
    desk::ReadState,
    document::Order,
    moment::{PointInTime, Time, WantedVersion},
    parked::Parked,
    past::Untold,
    problems,
    read_model::{OneOrder, OnePast},
    wish::{ConsistencyRequest, Headers},
};

/// As it is now, or as it was: one of these at most.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// The order as it was when it had just got to this version.
    #[param(value_type = Option<i64>, minimum = 1, example = 3)]
    version: Option<WantedVersion>,
    /// The order as it was at this time (RFC 3339), by the events that are known by now.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-11-20T10:00:00Z")]
    as_of: Option<Time>,
}

/// An order: as it is, or as it was at a version or a time.
///
/// What it was is the same document that was the answer then, with the entity tag of then.
#[utoipa::path(
    get,
    path = "/orders/{order_id}",
    params(
        ("order_id" = Uuid, Path, description = "Which order."),
        Parameters,
        Headers,
        ("If-None-Match" = Option<String>, Header, description = "The version that the caller has, as in `\"1\"`."),
    ),
    responses(
        (status = 200, description = "The order. `Consistency-Token` says where the answer stands; `Behind-Since`, if it is there, names the first of its events that could not be applied yet.", body = Order),
        (status = 304, description = "The caller has it."),
        (status = "4XX", description = "There is no such order, or it has no such version, or the request is wrong.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "`order-history-incomplete`: an event is missing, so it cannot be told what the order was.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not yet visible, or not ready.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn order(
    State(desk): State<ReadState>,
    Path(order_id): Path<Uuid>,
    Query(parameters): Query<Parameters>,
    conditions: Conditions,
    wish: ConsistencyRequest,
) -> Result<Response, Problem> {
    let (result, parked) = match parameters.moment()? {
        None => present(&desk, order_id, &wish).await?,
        Some(moment) => (past(&desk, order_id, moment, &wish).await?, Parked::default()),
    };
    let answer = answer::of(&wish, &desk.topic, result, |told| {
        let order = told.map_err(problems::untold)?;
        Ok(found(order, &conditions))
    });
    Ok(parked.tell(&desk.topic, answer))
}

async fn present(
    desk: &ReadState,
    order_id: Uuid,
    wish: &ConsistencyRequest,
) -> Result<(ReadResult<Result<Order, Untold>>, Parked), Problem> {
    // Nothing that happens in other partitions can change this order.
    let wanted = wish.offsets.within(desk.read_model.partition_of(order_id));
    let question = OneOrder { read_model: &desk.read_model, order_id };
    let result = desk.orders.ask(&question, &wanted, wish.patience).await.map_err(problems::unanswered)?;
    let (order, parked) = result.seen;
    let seen = order.ok_or(Untold::OrderNotFound);
    let result =
        parked.limit(&wanted, ReadResult { seen, offsets: result.offsets, is_fresh: result.is_fresh });
    Ok((result, parked))
}

async fn past(
    desk: &ReadState,
    order_id: Uuid,
    moment: PointInTime,
    wish: &ConsistencyRequest,
) -> Result<ReadResult<Result<Order, Untold>>, Problem> {
    let wanted = wish.offsets.within(desk.read_model.partition_of(order_id));
    let question = OnePast { read_model: &desk.read_model, order_id, moment };
    let result = desk.journal.ask(&question, &wanted, wish.patience).await.map_err(problems::unanswered)?;
    Ok(ReadResult { seen: result.seen.tell(moment), offsets: result.offsets, is_fresh: result.is_fresh })
}

impl Parameters {
    fn moment(self) -> Result<Option<PointInTime>, Problem> {
        match (self.version, self.as_of) {
            (None, None) => Ok(None),
            (Some(version), None) => Ok(Some(PointInTime::Version(version))),
            (None, Some(time)) => Ok(Some(PointInTime::AsOf(time))),
            (Some(_), Some(_)) => {
                Err(Problem::new(kinds::INVALID_QUERY_PARAMETER).detail("either version or as_of, not both"))
            }
        }
    }
}

fn found(order: Order, conditions: &Conditions) -> Response {
    let version = Version(order.version.cast_unsigned());
    let tag = [(header::ETAG, etag(version))];
    if conditions.is_not_modified(version) {
        return (StatusCode::NOT_MODIFIED, tag).into_response();
    }
    (tag, Json(order)).into_response()
}
