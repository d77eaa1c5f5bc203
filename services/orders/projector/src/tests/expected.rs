use std::collections::BTreeMap;

use orders_domain::Event;
use sqlx::{Connection, FromRow, PgConnection, postgres::PgConnectOptions};
use test_kit::TestEnvironment;
use time::OffsetDateTime;
use uuid::Uuid;

use super::log::Log;

/// An order as a row, and its lines.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(super) struct OrderRow {
    order_id: Uuid,
    version: i64,
    status: String,
    customer_id: String,
    currency: String,
    total_minor: i64,
    delivery_street: String,
    delivery_country: String,
    cancellation_reason: Option<String>,
    placed_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    cancelled_at: Option<OffsetDateTime>,
    lines: Vec<String>,
}

/// The rows of the live tables, ordered by id.
pub(super) async fn rows(environment: &TestEnvironment) -> Vec<OrderRow> {
    rows_in(environment, "public").await
}

/// The rows of the tables in a schema.
pub(super) async fn rows_in(environment: &TestEnvironment, schema: &str) -> Vec<OrderRow> {
    let options: PgConnectOptions = environment.database_url("orders_read").parse().unwrap();
    let options = options.options([("search_path", schema)]);
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    sqlx::query_as(
        "SELECT *, ARRAY(SELECT format('%s %s %s %s', line_number, sku, quantity, unit_price_minor)
                           FROM order_lines
                          WHERE order_lines.order_id = orders.order_id
                          ORDER BY line_number) AS lines
           FROM orders
          ORDER BY order_id",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap()
}

/// The expected rows: the fold of the log, one event at a time.
pub(super) fn expected(log: &Log) -> Vec<OrderRow> {
    let mut rows = BTreeMap::<Uuid, OrderRow>::new();
    for (envelope, event) in &log.written {
        let order_id: Uuid = envelope.aggregate_id.as_str().parse().unwrap();
        if let Event::OrderPlaced(placed) = event {
            rows.insert(
                order_id,
                OrderRow {
                    order_id,
                    version: 0,
                    status: "placed".to_owned(),
                    customer_id: placed.customer_id.clone(),
                    currency: placed.currency.clone(),
                    total_minor: placed.total_minor,
                    delivery_street: placed.delivery_address.street.clone(),
                    delivery_country: placed.delivery_address.country.clone(),
                    cancellation_reason: None,
                    placed_at: envelope.time,
                    updated_at: envelope.time,
                    cancelled_at: None,
                    lines: (1..)
                        .zip(&placed.lines)
                        .map(|(number, line)| {
                            format!("{number} {} {} {}", line.sku, line.quantity, line.unit_price_minor)
                        })
                        .collect(),
                },
            );
        }
        let row = rows.get_mut(&order_id).expect("an order is placed first");
        row.version += 1;
        row.updated_at = envelope.time;
        match event {
            Event::OrderPlaced(_) => {}
            Event::DeliveryAddressChanged(changed) => {
                row.delivery_street.clone_from(&changed.delivery_address.street);
            }
            Event::OrderCancelled(cancelled) => {
                row.status = "cancelled".to_owned();
                row.cancellation_reason = Some(cancelled.reason.clone());
                row.cancelled_at = Some(envelope.time);
            }
        }
    }
    rows.into_values().collect()
}
