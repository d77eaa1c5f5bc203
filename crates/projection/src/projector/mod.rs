//! Projects events of the log into Postgres. Each generation of each projection has its own thread ([`worker`]) and
//! connection; a [`supervisor`] starts and stops the threads. The live generations of a process share one reader of the
//! log ([`shared_reader`]) and write small batches together ([`shared_transactions`]); each of the others is a member of
//! a consumer group of its own.

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
mod log_reader;
mod membership;
pub(crate) mod parking;
mod projection;
mod projectors;
mod rate_limiter;
mod retry;
mod rows;
pub(crate) mod session;
mod settings;
mod shared;
mod shared_reader;
pub(crate) mod shared_transactions;
mod supervisor;
pub(crate) mod target;
mod worker;
pub(crate) mod write;

pub use error::ProjectionError;
pub use generation::{Generation, GenerationState};
pub use history::{History, RecordedEvent};
pub use journal::Journal;
pub use parking::parked_events;
pub use projection::Projection;
pub use projectors::Projectors;
pub use rows::{CopyRow, CopyRows, column};
pub use settings::{ProjectorSettings, Settings};
