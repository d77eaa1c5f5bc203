//! From the log into Postgres. Each generation of each projection has a thread ([`worker`]) with a membership in a consumer
//! group and a connection of its own; a [`supervisor`] starts and stops them.

pub(crate) mod batch;
mod batch_limit;
mod catch_up_buffer;
pub(crate) mod checkpoint;
pub(crate) mod database;
mod error;
pub(crate) mod generation;
mod generation_handle;
pub mod generations;
mod history;
mod instruction;
pub(crate) mod journal;
mod lag;
mod membership;
mod pace;
pub(crate) mod parking;
mod projection;
mod projectors;
mod retry;
mod rows;
pub(crate) mod session;
mod settings;
mod shared;
mod supervisor;
pub(crate) mod target;
mod worker;
pub(crate) mod write;

pub use error::ProjectionError;
pub use generation::{Generation, GenerationState};
pub use history::{History, RecordedEvent};
pub use journal::Journal;
pub use parking::dead_letters;
pub use projection::Projection;
pub use projectors::Projectors;
pub use rows::{CopyRow, CopyRows, column};
pub use settings::{ProjectorSettings, Settings};
