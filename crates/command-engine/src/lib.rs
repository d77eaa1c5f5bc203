//! The write side of a service: commands queue, one thread per partition decides them in groups, and each is
//! answered when its events are in the log.
//!
//! What it must never do: answer before the commit, answer "no" to a command whose events are in the log, or decide
//! on a state that is not the fold of the log.

mod answers;
mod engine;
mod group;
mod image;
mod measures;
mod partition;
mod request;
mod ticket;

pub use engine::{Engine, EngineSettings};
pub use partition::Readiness;
pub use request::{Accepted, AcceptedEvent, CommandError, CommandRequest, Expected};
