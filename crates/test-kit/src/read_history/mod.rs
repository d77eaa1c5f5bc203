//! Checks the answers of a read model against the log.
//!
//! A test records every query of its sessions as a [`Read`], folds the log into [`Step`]s on its own, and [`check`]s
//! the [`ReadHistory`]. The check depends neither on how rows are written nor on the business.

mod check;
mod models;
mod parked;
mod projected;
mod record;
mod sessions;
mod timeline;

pub use check::{Invariant, Violation, check};
pub use projected::{Projected, Row};
pub use record::{
    Behind, LoggedRecord, Model, Offsets, ParkedRecord, Read, ReadAnswer, ReadHistory, Shown, Step, Write,
};
