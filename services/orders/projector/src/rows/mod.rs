//! The statements: one per table and kind of change, whatever the size of the batch.

mod order_lines;
mod orders;

pub(crate) use order_lines::insert as insert_lines;
pub(crate) use orders::{insert as insert_orders, update as update_orders};

/// One column of an `UNNEST`.
fn column<'r, R, T>(rows: &'r [R], of: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}
