//! The read side: what the log says, as rows in Postgres, and queries that know how fresh their rows are.
//!
//! A [`Projector`] folds events into rows. Where it stands is a row too, written in the same transaction and
//! compared there, so that every event is applied exactly once whatever crashes, repeats or wakes up late. What it
//! must never do: skip an event, or write after somebody newer has taken over.
//!
//! A [`Freshness`] is the other end: it lets a query wait until the read model has reached a position, woken by the
//! checkpoint's own move.

mod batch;
mod checkpoint;
mod database;
mod error;
mod follower;
mod freshness;
mod history;
mod lag;
mod membership;
mod projector;
mod retry;
mod settings;
mod source;
mod stand;
#[cfg(test)]
mod tests;

pub use error::ProjectionError;
pub use follower::follow;
pub use freshness::{Freshness, Question, Sight};
pub use history::{Happened, History};
pub use projector::{Projection, Projector};
pub use settings::ProjectorSettings;
pub use source::Source;
pub use stand::{InvalidToken, Stand};
