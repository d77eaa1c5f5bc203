use axum::{extract::State, response::Response};
use query_service::{
    Found, PointInTimeParameters, ReadPosition, ReadRequest,
    openapi::{ConditionalHeaders, DocumentResponses, ReadHeaders, ReadResponses},
};
use service_kit::{Path, Problem, Query};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{document::Order, fold::fold, reads::Reads};

/// An order: its current state, or its state at a version or time.
///
/// An earlier state is the document as it was at that point, with the entity tag of that version.
#[utoipa::path(
    get,
    path = "/orders/{order_id}",
    params(
        ("order_id" = Uuid, Path, description = "Which order."),
        PointInTimeParameters,
        ReadHeaders,
        ConditionalHeaders,
    ),
    responses(
        (status = 200, description = "The order. `Consistency-Token` is the position in the log that the response reflects; `Behind-Since`, if present, is the position of the first event of the order that could not be applied yet.", body = Order),
        DocumentResponses,
        ReadResponses,
    )
)]
pub(crate) async fn order(
    State(reads): State<Reads>,
    Path(order_id): Path<Uuid>,
    Query(parameters): Query<PointInTimeParameters>,
    request: ReadRequest,
) -> Result<Response, Problem> {
    if let Some(point) = parameters.point_in_time()? {
        return reads.journal.document_at(&request, order_id, point, fold).await;
    }
    let scope = reads.orders.aggregate(order_id);
    let select = || {
        sqlx::query_as!(
            Found,
            r#"SELECT read_position($1, $2, $3, $4) AS "position!: Json<ReadPosition>",
                      (SELECT to_json(found)
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
                                WHERE order_id = $4::uuid) AS found) AS "found: Json<Order>""#,
            scope.projection,
            scope.topic,
            scope.partition,
            scope.aggregate_id,
        )
        .fetch_one(scope.pool())
    };
    scope.document(&request, select).await
}
