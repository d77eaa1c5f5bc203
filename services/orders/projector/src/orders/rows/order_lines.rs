use projection::{CopyRows, ProjectionError, column};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::change::Change;

struct Line<'b> {
    order_id: Uuid,
    number: i32,
    ordered: &'b orders_domain::events::OrderLine,
}

/// Inserts the lines of new orders.
pub(crate) async fn insert(
    transaction: &mut PgConnection,
    placed: &[Change<'_>],
) -> Result<(), ProjectionError> {
    let lines: Vec<_> = placed.iter().flat_map(lines).collect();
    if lines.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO order_lines (order_id, line_number, sku, quantity, unit_price_minor)
         SELECT * FROM UNNEST($1::uuid[], $2::integer[], $3::text[], $4::integer[], $5::bigint[])",
        &column(&lines, |row| row.order_id),
        &column(&lines, |row| row.number),
        column(&lines, |row| row.ordered.sku.as_str()) as _,
        &column(&lines, |row| row.ordered.quantity),
        &column(&lines, |row| row.ordered.unit_price_minor),
    )
    .execute(transaction)
    .await?;
    Ok(())
}

/// Copies the lines of new orders.
pub(crate) async fn copy(
    transaction: &mut PgConnection,
    placed: &[Change<'_>],
) -> Result<(), ProjectionError> {
    let mut rows = CopyRows::default();
    for Line { order_id, number, ordered } in placed.iter().flat_map(lines) {
        rows.row()
            .plain(&order_id)
            .plain(&number)
            .text(&ordered.sku)
            .plain(&ordered.quantity)
            .plain(&ordered.unit_price_minor)
            .end();
    }
    let columns = "order_id, line_number, sku, quantity, unit_price_minor";
    rows.copy(transaction, &format!("COPY order_lines ({columns}) FROM STDIN")).await
}

fn lines<'b>(change: &Change<'b>) -> impl Iterator<Item = Line<'b>> + use<'b> {
    let order_id = change.order_id;
    let lines = change.placed.as_ref().map(|placed| &placed.order.lines);
    let numbered = lines.into_iter().flatten().zip(1..);
    numbered.map(move |(ordered, number)| Line { order_id, number, ordered })
}
