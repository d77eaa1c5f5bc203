use projection::{CopyRow, CopyRows, ProjectionError, column};
use sqlx::PgConnection;

use super::super::change::{Change, Placed};

/// Inserts new orders. If an order already exists, its history is broken.
pub(crate) async fn insert(
    transaction: &mut PgConnection,
    placed: &[Change<'_>],
) -> Result<(), ProjectionError> {
    if placed.is_empty() {
        return Ok(());
    }
    let orders: Vec<_> = placed.iter().filter_map(|change| change.placed.as_ref()).collect();
    let written = sqlx::query!(
        "INSERT INTO orders
            (order_id, version, status, customer_id, currency, total_minor,
             delivery_name, delivery_street, delivery_postal_code, delivery_city, delivery_country,
             cancellation_reason, placed_at, updated_at, cancelled_at)
         SELECT order_id, version, CASE WHEN cancelled_at IS NULL THEN 'placed' ELSE 'cancelled' END,
                customer_id, currency, total_minor, name, street, postal_code, city, country,
                cancellation_reason, placed_at, updated_at, cancelled_at
           FROM UNNEST($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::bigint[],
                       $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                       $11::text[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[])
             AS new (order_id, version, customer_id, currency, total_minor,
                     name, street, postal_code, city, country,
                     cancellation_reason, placed_at, updated_at, cancelled_at)
             ON CONFLICT (order_id) DO NOTHING",
        &column(placed, |change| change.order_id),
        &column(placed, Change::version),
        column(&orders, |placed: &&Placed<'_>| placed.order.customer_id.as_str()) as _,
        column(&orders, |placed: &&Placed<'_>| placed.order.currency.as_str()) as _,
        &column(&orders, |placed: &&Placed<'_>| placed.order.total_minor),
        column(placed, |change| change.address(|address| &address.name)) as _,
        column(placed, |change| change.address(|address| &address.street)) as _,
        column(placed, |change| change.address(|address| &address.postal_code)) as _,
        column(placed, |change| change.address(|address| &address.city)) as _,
        column(placed, |change| change.address(|address| &address.country)) as _,
        column(placed, Change::cancellation_reason) as _,
        &column(&orders, |placed: &&Placed<'_>| placed.at),
        &column(placed, Change::updated_at),
        column(placed, Change::cancelled_at) as _,
    )
    .execute(&mut *transaction)
    .await?;
    require_all(transaction, placed, written.rows_affected()).await
}

/// Copies new orders. Postgres refuses an order that already exists.
pub(crate) async fn copy(
    transaction: &mut PgConnection,
    placed: &[Change<'_>],
) -> Result<(), ProjectionError> {
    let mut rows = CopyRows::default();
    for change in placed {
        if let Some(placed) = &change.placed {
            write(rows.row(), change, placed);
        }
    }
    let statement = "COPY orders
        (order_id, version, status, customer_id, currency, total_minor,
         delivery_name, delivery_street, delivery_postal_code, delivery_city, delivery_country,
         cancellation_reason, placed_at, updated_at, cancelled_at)
        FROM STDIN";
    rows.copy(transaction, statement).await
}

fn write(row: CopyRow<'_>, change: &Change<'_>, placed: &Placed<'_>) {
    let address = change.delivery_address.unwrap_or(&placed.order.delivery_address);
    row.plain(&change.order_id)
        .plain(&change.version())
        .text(if change.cancelled.is_some() { "cancelled" } else { "placed" })
        .text(&placed.order.customer_id)
        .text(&placed.order.currency)
        .plain(&placed.order.total_minor)
        .text(&address.name)
        .text(&address.street)
        .text(&address.postal_code)
        .text(&address.city)
        .text(&address.country)
        .optional(change.cancellation_reason(), CopyRow::text)
        .time(placed.at)
        .time(change.updated_at())
        .optional(change.cancelled_at(), CopyRow::time)
        .end();
}

/// Updates existing orders, each only if it has the version before the change.
pub(crate) async fn update(
    transaction: &mut PgConnection,
    changed: &[Change<'_>],
) -> Result<(), ProjectionError> {
    if changed.is_empty() {
        return Ok(());
    }
    let written = sqlx::query!(
        "UPDATE orders
            SET version = change.version,
                updated_at = change.updated_at,
                delivery_name = COALESCE(change.name, orders.delivery_name),
                delivery_street = COALESCE(change.street, orders.delivery_street),
                delivery_postal_code = COALESCE(change.postal_code, orders.delivery_postal_code),
                delivery_city = COALESCE(change.city, orders.delivery_city),
                delivery_country = COALESCE(change.country, orders.delivery_country),
                status = CASE WHEN change.cancelled_at IS NULL THEN orders.status ELSE 'cancelled' END,
                cancellation_reason = COALESCE(change.cancellation_reason, orders.cancellation_reason),
                cancelled_at = COALESCE(change.cancelled_at, orders.cancelled_at)
           FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[],
                       $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                       $10::text[], $11::timestamptz[])
             AS change (order_id, before, version, updated_at,
                        name, street, postal_code, city, country,
                        cancellation_reason, cancelled_at)
          WHERE orders.order_id = change.order_id AND orders.version = change.before",
        &column(changed, |change| change.order_id),
        &column(changed, Change::before),
        &column(changed, Change::version),
        &column(changed, Change::updated_at),
        column(changed, |change| change.address(|address| &address.name)) as _,
        column(changed, |change| change.address(|address| &address.street)) as _,
        column(changed, |change| change.address(|address| &address.postal_code)) as _,
        column(changed, |change| change.address(|address| &address.city)) as _,
        column(changed, |change| change.address(|address| &address.country)) as _,
        column(changed, Change::cancellation_reason) as _,
        column(changed, Change::cancelled_at) as _,
    )
    .execute(&mut *transaction)
    .await?;
    require_all(transaction, changed, written.rows_affected()).await
}

/// Checks that every change was written. An order was not if its version differs from the one that its history follows.
/// The error reports the first order; the projector then applies each order alone and finds the right one.
async fn require_all(
    transaction: &mut PgConnection,
    changes: &[Change<'_>],
    written: u64,
) -> Result<(), ProjectionError> {
    if written == changes.len() as u64 {
        return Ok(());
    }
    let version = sqlx::query_scalar!("SELECT version FROM orders WHERE order_id = $1", changes[0].order_id)
        .fetch_optional(transaction)
        .await?;
    Err(changes[0].history.does_not_follow(version).into())
}
