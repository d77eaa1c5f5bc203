//! What clients asked and were told, what is in the log, and whether the one explains the other.
//!
//! A test records every single request of its clients as an [`Attempt`], reads the whole log afterwards, and
//! [`check`]s the [`History`]. The check knows nothing of how the service works; of the business it knows only the
//! [`Rules`].

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

/// What the check must know of the business: what may follow from what.
pub trait Rules {
    /// What decisions are made on. `Default` is the aggregate before its first event.
    type State: Default + Clone;

    /// What follows from a request, or the code of its refusal.
    fn decide(&self, state: &Self::State, request: &Value) -> Result<Vec<Fact>, String>;

    /// What a fact makes of a state.
    fn evolve(&self, state: Self::State, fact: &Fact) -> Self::State;
}
