//! Checks the requests and answers of clients against the log.
//!
//! A test records every request of its clients as an [`Attempt`], reads the whole log afterwards, and [`check`]s the
//! [`History`]. The check depends only on the business [`Rules`], not on how the service works.

mod aggregates;
mod answers;
mod check;
mod order;
mod real_time;
mod record;
mod writes;

pub use check::{Invariant, Violation, check};
pub use record::{Answer, Attempt, Fact, History, LoggedEvent};

use serde_json::Value;

/// The business rules that the check needs.
pub trait Rules {
    /// The state that decisions depend on. `Default` is the aggregate before its first event.
    type State: Default + Clone;

    /// The events that a request leads to, or the code of its refusal.
    fn decide(&self, state: &Self::State, request: &Value) -> Result<Vec<Fact>, String>;

    /// The state after a fact.
    fn evolve(&self, state: Self::State, fact: &Fact) -> Self::State;
}
