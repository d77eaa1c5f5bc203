use axum::{extract::State, response::Response};
use query_service::{
    Found, List, PageParameters, ReadPosition, ReadRequest,
    openapi::{ReadHeaders, ReadResponses},
};
use serde::{Deserialize, Serialize};
use service_kit::Problem;
use sqlx::types::Json;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    customer_id::CustomerId,
    document::{Order, Status},
    reads::Reads,
};

/// Which orders.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filters {
    /// Only the orders of this customer.
    #[param(value_type = Option<String>, example = "c-1001")]
    customer_id: Option<CustomerId>,
    /// Only the orders with this status.
    #[param(inline)]
    status: Option<Status>,
}

/// The last order of a page.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Last {
    #[serde(with = "time::serde::rfc3339")]
    placed_at: OffsetDateTime,
    order_id: Uuid,
}

/// A page of a list; the `Link` header points to the next one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderPage {
    /// From the newest to the oldest.
    orders: Vec<Order>,
}

/// Orders from the newest to the oldest.
#[utoipa::path(
    get,
    path = "/orders",
    params(Filters, PageParameters, ReadHeaders),
    responses(
        (status = 200, description = "A page. `Link` points to the next one; `Consistency-Token` is the position in the log that the response reflects; `Behind-Since`, if present, lists the position of the first event of each partition that could not be applied yet.", body = OrderPage),
        ReadResponses,
    )
)]
pub(crate) async fn orders(
    State(reads): State<Reads>,
    list: List<Filters, Last>,
    request: ReadRequest,
) -> Result<Response, Problem> {
    let answer = reads.orders.all().read(&request, || select(&reads, &list)).await?;
    let key = |order: &Order| Last { placed_at: order.placed_at, order_id: order.order_id };
    Ok(answer.page(&list, key, |orders| OrderPage { orders }))
}

async fn select(reads: &Reads, list: &List<Filters, Last>) -> Result<Found<Json<Vec<Order>>>, sqlx::Error> {
    let scope = reads.orders.all();
    let mut transaction = reads.orders.read_model().begin_planned().await?;
    sqlx::query_as!(
        Found,
        r#"SELECT read_position($1, $2, NULL, NULL) AS "position!: Json<ReadPosition>",
                  (SELECT coalesce(json_agg(page), '[]')
                     FROM (SELECT order_id, version, status, customer_id, currency, total_minor,
                                  (SELECT coalesce(json_agg(json_build_object('sku', sku, 'quantity', quantity,
                                                                            'unit_price_minor', unit_price_minor)
                                                           ORDER BY line_number), '[]')
                                     FROM order_lines
                                    WHERE order_lines.order_id = orders.order_id) AS lines,
                                  json_build_object('name', delivery_name, 'street', delivery_street,
                                                    'postal_code', delivery_postal_code, 'city', delivery_city,
                                                    'country', delivery_country) AS delivery_address,
                                  placed_at, updated_at,
                                  CASE WHEN cancelled_at IS NOT NULL
                                       THEN json_build_object('reason', cancellation_reason,
                                                              'cancelled_at', cancelled_at)
                                  END AS cancellation
                             FROM orders
                            WHERE ($3::text IS NULL OR customer_id = $3)
                              AND ($4::text IS NULL OR status = $4)
                              AND ($5::timestamptz IS NULL OR (placed_at, order_id) < ($5, $6::uuid))
                            ORDER BY placed_at DESC, order_id DESC
                            LIMIT $7) AS page) AS "found!: Json<Vec<Order>>""#,
        scope.projection,
        scope.topic,
        list.filters.customer_id.as_ref().map(CustomerId::as_str),
        list.filters.status as Option<Status>,
        list.after.map(|last| last.placed_at),
        list.after.map(|last| last.order_id),
        list.rows(),
    )
    .fetch_one(&mut *transaction)
    .await
}
