//! The write side of a service: commands queue, one thread per partition decides them in groups, and each is
//! answered when its events are in the log.
//!
//! What it must never do: answer before the commit, answer "no" to a command whose events are in the log, or decide
//! on a state that is not the fold of the log.

mod answers;
pub mod coordination;
mod delivery;
mod desk;
mod engine;
mod group;
mod image;
mod in_doubt;
mod measures;
mod outcome;
mod pace;
mod partition;
pub mod protocol;
mod queue;
mod replay;
mod request;
mod snapshots;
mod ticket;
mod waiting;
mod writer;

pub use delivery::{Delivery, Rejection, Undecoded};
pub use desk::Ownership;
pub use engine::{Engine, EngineSettings};
pub use image::{Done, Image, ImageError, ImageSettings, Known};
pub use request::{Accepted, AcceptedEvent, CommandError, CommandRequest};
pub use snapshots::{
    Aggregates, Checkpoint, NoSnapshots, PendingSave, PostgresSnapshots, Save, Saved, SnapshotDatabase,
    SnapshotError, SnapshotSettings, SnapshotStore,
};
