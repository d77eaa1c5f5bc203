//! One statement per table and kind of change, whatever the size of the batch.

use std::collections::HashSet;

use projection::{ProjectionError, RecordedEvent, column};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::event::{Event, OrderPlaced};

/// What an order adds to its customer's totals.
#[derive(Debug, Clone)]
pub(super) struct Order {
    order_id: Uuid,
    customer_id: String,
    currency: String,
    total_minor: i64,
    placed_at: OffsetDateTime,
}

impl Order {
    pub(super) fn new(order_id: Uuid, placed: &OrderPlaced, placed_at: OffsetDateTime) -> Self {
        Self {
            order_id,
            customer_id: placed.customer_id.clone(),
            currency: placed.currency.clone(),
            total_minor: placed.total_minor,
            placed_at,
        }
    }
}

/// Keeps orders in case they are cancelled. An order that already exists violates the primary key.
pub(super) async fn open(transaction: &mut PgConnection, placed: &[Order]) -> Result<(), ProjectionError> {
    if placed.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO customer_open_orders (order_id, customer_id, currency, total_minor, placed_at)
         SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[])",
        &column(placed, |order| order.order_id),
        column(placed, |order| order.customer_id.as_str()) as _,
        column(placed, |order| order.currency.as_str()) as _,
        &column(placed, |order| order.total_minor),
        &column(placed, |order| order.placed_at),
    )
    .execute(transaction)
    .await?;
    Ok(())
}

/// Deletes the orders that are cancelled, and returns them.
pub(super) async fn close(
    transaction: &mut PgConnection,
    cancellations: &[(Uuid, &RecordedEvent<Event>)],
) -> Result<Vec<Order>, ProjectionError> {
    if cancellations.is_empty() {
        return Ok(Vec::new());
    }
    let closed = sqlx::query_as!(
        Order,
        "DELETE FROM customer_open_orders
          WHERE order_id = ANY($1)
         RETURNING order_id, customer_id, currency, total_minor, placed_at",
        &column(cancellations, |(order_id, _)| *order_id),
    )
    .fetch_all(transaction)
    .await?;
    let mut open: HashSet<_> = closed.iter().map(|order| order.order_id).collect();
    match cancellations.iter().find(|(order_id, _)| !open.remove(order_id)) {
        Some((_, recorded)) => {
            Err(recorded.unfit("only an order that was placed can be cancelled, and only once"))
        }
        None => Ok(closed),
    }
}

/// Adds orders to the totals of their customers.
pub(super) async fn count(
    transaction: &mut PgConnection,
    placed: &[Order],
    cancelled: &[Order],
) -> Result<(), ProjectionError> {
    let orders: Vec<_> = placed.iter().chain(cancelled).collect();
    if orders.is_empty() {
        return Ok(());
    }
    let is_cancelled: Vec<_> = (0..orders.len()).map(|index| index >= placed.len()).collect();
    // In the order of the key, so that projectors that write rows of the same customers cannot deadlock.
    sqlx::query!(
        "INSERT INTO customer_totals AS totals
            (customer_id, currency, orders_placed, orders_cancelled, placed_minor, cancelled_minor,
             first_order_at, last_order_at)
         SELECT customer_id, currency,
                count(*) FILTER (WHERE NOT is_cancelled),
                count(*) FILTER (WHERE is_cancelled),
                coalesce(sum(total_minor) FILTER (WHERE NOT is_cancelled), 0)::bigint,
                coalesce(sum(total_minor) FILTER (WHERE is_cancelled), 0)::bigint,
                min(placed_at), max(placed_at)
           FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::boolean[])
             AS counted (customer_id, currency, total_minor, placed_at, is_cancelled)
          GROUP BY customer_id, currency
          ORDER BY customer_id, currency
             ON CONFLICT (customer_id, currency) DO UPDATE
            SET orders_placed = totals.orders_placed + excluded.orders_placed,
                orders_cancelled = totals.orders_cancelled + excluded.orders_cancelled,
                placed_minor = totals.placed_minor + excluded.placed_minor,
                cancelled_minor = totals.cancelled_minor + excluded.cancelled_minor,
                first_order_at = least(totals.first_order_at, excluded.first_order_at),
                last_order_at = greatest(totals.last_order_at, excluded.last_order_at)",
        column(&orders, |order| order.customer_id.as_str()) as _,
        column(&orders, |order| order.currency.as_str()) as _,
        &column(&orders, |order| order.total_minor),
        &column(&orders, |order| order.placed_at),
        &is_cancelled,
    )
    .execute(transaction)
    .await?;
    Ok(())
}
