//! Shared by the tests: an aggregate, a log with gates, an engine over it, and checks of the log.

mod account;
mod bank;
mod gate;
mod history;

use std::time::Duration;

use command_engine::{Accepted, CommandError};

pub(crate) use account::{Account, CODEC, Command, Event, Refusal, State};
pub(crate) use bank::{Bank, Queued, all, is_owned, reached, request, settings, topics};
pub(crate) use gate::Gate;
pub(crate) use history::{History, copied, planted};

/// A test that waits longer than this has failed; nothing takes nearly as long.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) type CommandRequest = command_engine::CommandRequest<Command>;
pub(crate) type Answer = Result<Accepted, CommandError<Refusal>>;

/// Advances the clock by two hours, so that every shorter deadline passes.
pub(crate) async fn hours_pass() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_hours(2)).await;
    tokio::time::resume();
}
