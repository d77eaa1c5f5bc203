use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use service_kit::{Json, Problem, Query, problem::ProblemDocument};
use utoipa::IntoParams;

use crate::{
    answer, cursor,
    customer_id::CustomerId,
    desk::ReadState,
    document::{Order, OrderPage, Status},
    problems,
    read_model::{After, Filter, ManyOrders},
    routes::limit::Limit,
    wish::{ConsistencyRequest, Headers},
};

/// Which orders, and which part of the list.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// Only the orders of this customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, example = "c-1001")]
    customer_id: Option<CustomerId>,
    /// Only the orders with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    status: Option<Status>,
    /// How many orders at most: 1 to 200.
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 200, default = 50)]
    limit: Limit,
    /// Where the last page ended, from its `Link`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// Orders from the newest to the oldest.
#[utoipa::path(
    get,
    path = "/orders",
    params(
        Parameters,
        Headers,
    ),
    responses(
        (status = 200, description = "A page. `Link` leads to the next one; `Consistency-Token` says where the answer stands; `Behind-Since`, if it is there, names the first event of each partition that could not be applied yet.", body = OrderPage),
        (status = 400, description = "A parameter, the cursor or the token is wrong.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not yet visible, or not ready.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn orders(
    State(desk): State<ReadState>,
    Query(parameters): Query<Parameters>,
    wish: ConsistencyRequest,
) -> Result<Response, Problem> {
    let filter = parameters.filter();
    let after = parameters.cursor.as_deref().map(|text| cursor::read(text, &filter)).transpose();
    let question = ManyOrders {
        read_model: &desk.read_model,
        after: after.map_err(problems::invalid_cursor)?,
        filter,
        limit: parameters.limit.and_one(),
    };
    let result =
        desk.orders.ask(&question, &wish.offsets, wish.patience).await.map_err(problems::unanswered)?;
    let parked = result.seen.1.clone();
    let answer = answer::of(&wish, &desk.topic, result, |(orders, _)| Ok(parameters.page(orders)));
    Ok(parked.tell(&desk.topic, answer))
}

impl Parameters {
    fn filter(&self) -> Filter {
        Filter { customer_id: self.customer_id.clone().map(String::from), status: self.status }
    }

    fn page(self, mut orders: Vec<Order>) -> Response {
        let has_more = self.limit.cut(&mut orders);
        let link = orders.last().filter(|_| has_more).map(|last| self.next(last));
        let link = link.map(|link| [(header::LINK, link)]);
        (link, Json(OrderPage { orders })).into_response()
    }

    /// The link to the next page (RFC 8288), relative to this service.
    fn next(&self, last: &Order) -> HeaderValue {
        let after = After { placed_at: last.placed_at, order_id: last.order_id };
        let next = Self { cursor: Some(cursor::write(&self.filter(), after)), ..self.clone() };
        let query = serde_urlencoded::to_string(next).expect("parameters are plain texts");
        HeaderValue::try_from(format!("</orders?{query}>; rel=\"next\"")).expect("an encoded query is ASCII")
    }
}
