//! One statement per table and kind of change, whatever the size of the batch.

mod order_lines;
mod orders;

pub(crate) use order_lines::{copy as copy_lines, insert as insert_lines};
pub(crate) use orders::{copy as copy_orders, insert as insert_orders, update as update_orders};
