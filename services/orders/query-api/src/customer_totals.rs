use aggregate::Version;
use axum::{extract::State, response::Response};
use query_service::{
    Document, Found, ReadPosition, ReadRequest,
    openapi::{ConditionalHeaders, ReadHeaders, ReadResponses},
};
use serde::{Deserialize, Serialize};
use service_kit::{Path, Problem};
use sqlx::types::Json;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::{customer_id::CustomerId, reads::Reads};

/// What a customer has ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct CustomerTotals {
    #[schema(example = "c-1001")]
    customer_id: String,
    /// By currency, in the order of the currencies' codes; empty if the customer has ordered nothing.
    totals: Vec<CurrencyTotals>,
}

/// What a customer has ordered in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct CurrencyTotals {
    /// The currency of every amount (ISO 4217).
    #[schema(example = "EUR")]
    currency: String,
    /// How many orders were placed, including cancelled ones.
    #[schema(example = 3)]
    orders_placed: u64,
    /// How many of them were cancelled.
    #[schema(example = 1)]
    orders_cancelled: u64,
    /// The sum of all orders placed, including cancelled ones, in minor units.
    #[schema(example = 7740)]
    placed_minor: i64,
    /// The sum of all orders cancelled, in minor units.
    #[schema(example = 2580)]
    cancelled_minor: i64,
    #[serde(with = "time::serde::rfc3339")]
    first_order_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_order_at: OffsetDateTime,
}

impl Document for CustomerTotals {
    /// How many events the totals are made of: each is counted once, so it grows with every change.
    fn version(&self) -> Version {
        Version(self.totals.iter().map(|totals| totals.orders_placed + totals.orders_cancelled).sum())
    }
}

/// The totals of a customer's orders.
#[utoipa::path(
    get,
    path = "/customers/{customer_id}/totals",
    params(
        ("customer_id" = String, Path, description = "Which customer.", example = "c-1001"),
        ReadHeaders,
        ConditionalHeaders,
    ),
    responses(
        (status = 200, description = "The totals, even of a customer without orders. `Consistency-Token` is the position in the log that the response reflects.", body = CustomerTotals),
        (status = 304, description = "The client already has this version."),
        ReadResponses,
    )
)]
pub(crate) async fn customer_totals(
    State(reads): State<Reads>,
    Path(customer_id): Path<CustomerId>,
    request: ReadRequest,
) -> Result<Response, Problem> {
    // A customer's orders may be in any partition.
    let scope = reads.customer_totals.all();
    let select = || {
        sqlx::query_as!(
            Found,
            r#"SELECT read_position($1, $2, NULL, NULL) AS "position!: Json<ReadPosition>",
                      json_build_object(
                          'customer_id', $3::text,
                          'totals', (SELECT coalesce(json_agg(totals ORDER BY currency), '[]')
                                       FROM customer_totals AS totals
                                      WHERE customer_id = $3)) AS "found: Json<CustomerTotals>""#,
            scope.projection,
            scope.topic,
            customer_id.as_str(),
        )
        .fetch_one(scope.pool())
    };
    scope.document(&request, select).await
}
