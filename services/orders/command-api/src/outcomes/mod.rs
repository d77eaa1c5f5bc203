//! What became of the commands that came through Kafka: a table that follows the outcomes topic and is asked for one
//! command at a time.
//!
//! It is a convenience for callers, never the truth: without Postgres commands are decided all the same.

mod document;
mod follow;
mod table;

pub(crate) use document::Outcome;
pub(crate) use follow::follow;
pub(crate) use table::Outcomes;
