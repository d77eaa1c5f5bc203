//! Tests of projections in given/when/then style, on a real database but without Kafka. Facts become rows through the
//! same batches and checkpoints as in a projector.
//!
//! ```no_run
//! # use aggregate::{Message, Payload};
//! # use projection::{History, Projection, ProjectionError};
//! # use serde::{Deserialize, Serialize};
//! # struct Visits;
//! # #[derive(Clone, Serialize, Deserialize)]
//! # enum Event { Arrived, Left }
//! # impl Message for Event {
//! #     fn message_type(&self) -> &'static str { "Arrived" }
//! #     fn decode<P: Payload>(_: &str, payload: P) -> Result<Option<Self>, P::Error> { payload.read().map(Some) }
//! # }
//! # impl Projection for Visits {
//! #     const NAME: &str = "visits";
//! #     const VERSION: i32 = 1;
//! #     const TABLES: &[&str] = &["visits"];
//! #     type Event = Event;
//! #     async fn apply(
//! #         &self,
//! #         _: &mut sqlx::PgConnection,
//! #         _: &[&History<Event>],
//! #     ) -> Result<(), ProjectionError> {
//! #         Ok(())
//! #     }
//! # }
//! # async fn example() {
//! use projection::kit::{database, fact, given};
//!
//! given(Visits, &database("doors_read"), [fact("ada", &Event::Arrived)])
//!     .when([fact("ada", &Event::Left)])
//!     .then("SELECT visitor, is_inside FROM visits", [("ada".to_owned(), false)])
//!     .await;
//! # }
//! ```
//!
//! [`Running`] is a complete projector in the test's process, on a real log.
//!
//! This module is for tests only, and panics when a test cannot continue. Enable the feature `kit` in
//! `[dev-dependencies]`.

mod cuts;
mod fact;
mod log;
mod rows;
mod running;
mod scenario;
#[cfg(test)]
mod tests;

pub use fact::{Fact, fact, happened_at};
pub use running::{Holder, Running, batches_of};
pub use scenario::{Applied, Given, database, given};
