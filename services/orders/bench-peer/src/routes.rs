//! The routes that the benchmark calls, with the paths, bodies and statuses of `orders-command-api`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{
        StatusCode,
        header::{ETAG, LOCATION, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
    routing::post,
};
use cqrs_es::AggregateError;
use garde::Validate;
use orders_domain::{ChangeDeliveryAddress, Command, DeliveryAddress, PlaceOrder, Refusal};
use postgres_es::PostgresCqrs;
use serde_json::json;
use uuid::Uuid;

use crate::order::Order;

type Framework = Arc<PostgresCqrs<Order>>;

pub(crate) fn router(framework: Framework) -> Router {
    Router::new()
        .route("/orders", post(place_order))
        .route("/orders/{order_id}/delivery-address", post(change_delivery_address))
        .with_state(framework)
}

async fn place_order(State(framework): State<Framework>, Json(order): Json<PlaceOrder>) -> Response {
    if let Err(report) = order.validate() {
        return invalid(&report);
    }
    let id = order.order_id.unwrap_or_else(Uuid::now_v7).to_string();
    match framework.execute(&id, Command::PlaceOrder(order)).await {
        Ok(()) => {
            let headers = [(LOCATION, format!("/orders/{id}")), (ETAG, "\"1\"".to_owned())];
            (StatusCode::CREATED, headers, Json(json!({"order_id": id, "version": 1}))).into_response()
        }
        Err(error) => failure(&error),
    }
}

async fn change_delivery_address(
    State(framework): State<Framework>,
    Path(order_id): Path<Uuid>,
    Json(delivery_address): Json<DeliveryAddress>,
) -> Response {
    if let Err(report) = delivery_address.validate() {
        return invalid(&report);
    }
    let id = order_id.to_string();
    let command = Command::ChangeDeliveryAddress(ChangeDeliveryAddress { delivery_address });
    match framework.execute(&id, command).await {
        Ok(()) => Json(json!({"order_id": id})).into_response(),
        Err(error) => failure(&error),
    }
}

fn invalid(report: &garde::Report) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, report.to_string()).into_response()
}

/// The statuses that the documentation of `cqrs-es` recommends.
fn failure(error: &AggregateError<Refusal>) -> Response {
    let message = error.to_string();
    match error {
        AggregateError::UserError(Refusal::OrderNotFound {}) => {
            (StatusCode::NOT_FOUND, message).into_response()
        }
        AggregateError::UserError(_) => (StatusCode::CONFLICT, message).into_response(),
        AggregateError::AggregateConflict => {
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], message).into_response()
        }
        _ => (StatusCode::INTERNAL_SERVER_ERROR, message).into_response(),
    }
}
