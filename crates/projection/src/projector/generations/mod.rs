//! Operations on generations, for operators: rebuild tables beside the live ones, compare the two, and swap them
//! without downtime.
//!
//! This module begins, swaps and ends generations; projectors fill them. A swap must never make a query fail, show
//! fewer events than before, or show rows that do not belong to the checkpoint. So it yields to every statement that
//! uses the tables, and swaps only while both generations are at the same position.

mod alignment;
mod begin;
mod compare;
mod comparison;
mod control;
mod copy;
mod end;
mod error;
mod key_range;
mod list;
mod notifications;
mod progress;
mod promote;
mod swap;
mod tables;
mod verify;

pub use begin::begin;
pub use comparison::{Comparison, Difference, TableComparison};
pub use control::{limit, pause, resume};
pub use end::end;
pub use error::GenerationError;
pub use list::{all_generations, generations_of, in_state};
pub use notifications::Notifications;
pub use progress::{PartitionProgress, Progress, offsets, progress};
pub use promote::{Promotion, promote};
pub use verify::verify;
