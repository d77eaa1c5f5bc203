//! What became of the commands that came through Kafka: a table that follows the outcomes topic, and the resource
//! `/commands/{command_id}` that reads it.
//!
//! Callers may ask for outcomes, but nothing else depends on them: without Postgres, commands are still decided.

mod follower;
mod outcome;
mod route;
mod table;

pub(crate) use follower::follow;
pub(crate) use outcome::Outcome;
pub(crate) use route::{__path_command, OutcomeState, command};
pub(crate) use table::Outcomes;
