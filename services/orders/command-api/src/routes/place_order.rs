use axum::response::Response;
use orders_domain::unchecked::{self, Command};
use serde::{Deserialize, Serialize};
use service_kit::{Json, problem::ProblemDocument};
use utoipa::ToSchema;
use uuid::Uuid;

use super::delivery_address::DeliveryAddress;
use crate::{
    answer,
    problems::CommandFailure,
    submission::{CommandInput, Dispatch},
};

/// What a customer orders.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceOrder {
    /// The new order's id, if the caller brings its own; otherwise it is given one.
    #[serde(default)]
    order_id: Option<Uuid>,
    /// Who orders: 1 to 64 visible ASCII characters.
    #[schema(example = "c-1001")]
    customer_id: String,
    /// The currency of the whole order (ISO 4217).
    #[schema(example = "EUR")]
    currency: String,
    /// 1 to 100 lines.
    lines: Vec<OrderLine>,
    delivery_address: DeliveryAddress,
}

/// So many of one product at one price.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrderLine {
    /// The product: 1 to 64 visible ASCII characters.
    #[schema(example = "tea-500g")]
    sku: String,
    /// 1 to 999.
    #[schema(example = 2)]
    quantity: i64,
    /// The price of one in minor units, not negative.
    #[schema(example = 1290)]
    unit_price_minor: i64,
    /// The currency of the price; where it is given, it is the order's.
    #[serde(default)]
    #[schema(example = "EUR")]
    currency: Option<String>,
}

/// Place an order.
#[utoipa::path(
    post,
    path = "/orders",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat."),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if there is no such order."),
        ("Prefer" = Option<String>, Header, description = "`respond-async`: 202 as soon as the command is safe."),
    ),
    request_body = PlaceOrder,
    responses(
        (status = 201, description = "The order is placed.", body = answer::CommandResponse),
        (status = 202, description = "The command is safe and will be decided.", body = answer::AcceptedResponse),
        (status = "4XX", description = "Nothing was written.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "5XX", description = "See the problem's type for what is known.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn place_order(
    submission: Dispatch,
    Json(order): Json<PlaceOrder>,
) -> Result<Response, CommandFailure> {
    let order_id = submission.new_order(order.order_id);
    let wish = Command::PlaceOrder(order.clone().into());
    let ask = CommandInput { order_id, name: "place-order", body: &order, wish };
    submission.submit(ask, answer::created).await
}

impl From<PlaceOrder> for unchecked::PlaceOrder {
    fn from(order: PlaceOrder) -> Self {
        Self {
            customer_id: order.customer_id,
            currency: order.currency,
            lines: order.lines.into_iter().map(Into::into).collect(),
            delivery_address: order.delivery_address.into(),
        }
    }
}

impl From<OrderLine> for unchecked::OrderLine {
    fn from(line: OrderLine) -> Self {
        let OrderLine { sku, quantity, unit_price_minor, currency } = line;
        Self { sku, quantity, unit_price_minor, currency }
    }
}
