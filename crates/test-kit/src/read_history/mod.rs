//! What sessions asked a read model and were told, and whether the log explains it.
//!
//! A test records every query of its sessions as a [`Read`], folds the log by itself into [`Step`]s, and [`check`]s the
//! [`ReadHistory`]. The check knows nothing of how rows come about; of the business it knows nothing at all.

mod check;
mod models;
mod parked;
mod projected;
mod record;
mod sessions;
mod timeline;

pub use check::{Promise, Violation, check};
pub use projected::{Projected, Row};
pub use record::{
    Behind, LoggedRecord, Model, Offsets, ParkedRecord, Read, ReadAnswer, ReadHistory, Shown, Step, Write,
};
