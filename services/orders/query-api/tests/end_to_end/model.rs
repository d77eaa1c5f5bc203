//! The expected content of the read model, computed independently, and the actual content.

use std::collections::BTreeMap;

use orders_domain::Event;
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// Orders by id, each as one JSON document.
pub(crate) type Model = BTreeMap<String, Value>;

/// Applies an event to an order.
pub(crate) fn apply(order: &mut Value, version: u64, at: OffsetDateTime, event: Event) {
    let at = at.format(&Rfc3339).unwrap();
    match event {
        Event::OrderPlaced(placed) => {
            *order = json!({
                "status": "placed", "customer_id": placed.customer_id, "currency": placed.currency,
                "total_minor": placed.total_minor, "lines": placed.lines, "address": placed.delivery_address,
                "placed_at": at, "reason": null, "cancelled_at": null,
            });
        }
        Event::DeliveryAddressChanged(changed) => order["address"] = json!(changed.delivery_address),
        Event::OrderCancelled(cancelled) => {
            order["status"] = json!("cancelled");
            order["reason"] = json!(cancelled.reason);
            order["cancelled_at"] = json!(at);
        }
    }
    order["version"] = json!(version);
    order["updated_at"] = json!(at);
}

/// The actual content of the read model.
pub(crate) async fn of_rows(database: &mut PgConnection) -> Model {
    let rows: Vec<(String, Value)> = sqlx::query_as(
        "SELECT order_id::text, jsonb_build_object(
                'status', status, 'customer_id', customer_id, 'currency', currency, 'total_minor', total_minor,
                'version', version, 'reason', cancellation_reason,
                'placed_at', placed_at, 'updated_at', updated_at, 'cancelled_at', cancelled_at,
                'address', jsonb_build_object('name', delivery_name, 'street', delivery_street,
                    'postal_code', delivery_postal_code, 'city', delivery_city, 'country', delivery_country),
                'lines', (SELECT jsonb_agg(jsonb_build_object(
                        'sku', sku, 'quantity', quantity, 'unit_price_minor', unit_price_minor) ORDER BY line_number)
                    FROM order_lines WHERE order_lines.order_id = orders.order_id))
           FROM orders",
    )
    .fetch_all(database)
    .await
    .unwrap();
    rows.into_iter().map(|(id, order)| (id, normalized_times(order))).collect()
}

/// Converts times to UTC, since one time can be written in several ways.
pub(crate) fn normalized_times(mut order: Value) -> Value {
    for name in ["placed_at", "updated_at", "cancelled_at"] {
        if let Some(text) = order[name].as_str() {
            let time = OffsetDateTime::parse(text, &Rfc3339).unwrap();
            order[name] = json!(time.to_offset(UtcOffset::UTC).format(&Rfc3339).unwrap());
        }
    }
    order
}
