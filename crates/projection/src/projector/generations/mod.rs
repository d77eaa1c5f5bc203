//! Generations, for operators: fill tables again beside the live ones, compare the two, and swap them while
//! everything runs.
//!
//! This only begins, swaps and ends generations; projectors fill them. It must never let a query fail, see less than
//! before, or find rows that do not belong to the checkpoint. So a swap gives way to everybody who uses the tables,
//! and only happens when both generations are at the same position.

mod alignment;
mod begin;
mod compare;
mod comparison;
mod copy;
mod end;
mod error;
mod key_range;
mod list;
mod moves;
mod progress;
mod promote;
mod steer;
mod swap;
mod tables;
mod verify;

pub use begin::begin;
pub use comparison::{Comparison, Difference, TableComparison};
pub use end::end;
pub use error::GenerationError;
pub use list::{all_generations, generations_of, in_state};
pub use moves::Moves;
pub use progress::{PartitionProgress, Progress, offsets, progress};
pub use promote::{Promotion, promote};
pub use steer::{limit, pause, resume};
pub use verify::verify;
