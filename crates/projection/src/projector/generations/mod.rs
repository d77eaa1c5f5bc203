//! The life of generations, as an operator leads it: tables are filled anew beside the ones that queries see, compared
//! with them, and put in their place while everything runs.
//!
//! What is done here only begins, swaps and ends generations; projectors fill them. What it must never do: let a query
//! fail, see less than it saw before, or find rows that are not of the checkpoint beside them. So a swap gives way to
//! whoever uses the tables, and is made only where both generations stand at the same position.

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
