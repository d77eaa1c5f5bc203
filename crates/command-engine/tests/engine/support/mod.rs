//! Shared by the tests: an aggregate, a log with gates, an engine over it, and checks of the log.

mod account;
mod bank;
mod gate;
mod history;

use std::time::Duration;

use command_engine::{Accepted, CommandError};

pub(crate) use account::{Account, CODEC, Command, Event, Refusal, State};
pub(crate) use bank::{Bank, Queued, answers_to, is_owned, request, settings, topics, wait_for_ownership};
pub(crate) use gate::Gate;
pub(crate) use history::{History, append_unchecked, log_of};

/// A test that waits longer than this fails. Nothing takes nearly as long.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) type CommandRequest = command_engine::CommandRequest<Command>;
pub(crate) type Answer = Result<Accepted, CommandError<Refusal>>;

/// Advances the clock by two hours, so that every shorter deadline passes.
pub(crate) async fn advance_two_hours() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_hours(2)).await;
    tokio::time::resume();
}
