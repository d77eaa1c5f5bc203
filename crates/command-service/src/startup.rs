//! Start-up and shutdown of the write side.
//!
//! Until Kafka and the registry have answered, the service serves HTTP, reports that it is not ready, and keeps trying.
//! At the end the shards move to other instances while this one still serves.

mod check_registry;
mod connect;
mod error;
mod watch_topics;

pub use error::StartupError;

use std::{sync::Arc, time::Duration};

use aggregate::Aggregate;
use service_kit::{health::Health, shutdown};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    CommandAggregate, CommandState, Context, Settings,
    outcomes::{OutcomeState, Outcomes},
    write_side::WriteSideCell,
};
use connect::Connect;

/// How long the hand-over of shards may take. Together with the drain of HTTP and the last group it fits in the
/// ten seconds that a service has to end.
const HAND_OVER: Duration = Duration::from_millis(3_500);

/// How long the last group may take.
const LAST_GROUP: Duration = Duration::from_millis(1_500);

/// The task that starts the write side, and hands its shards over in the end.
pub struct Startup<A: Aggregate> {
    context: Context,
    settings: Settings,
    write_side: WriteSideCell<A>,
    outcomes: Outcomes,
    task: JoinHandle<Result<(), StartupError>>,
    handed_over: CancellationToken,
}

impl<A: CommandAggregate> Startup<A> {
    /// Starts the write side in the background, as the components of `health` show. An error that waiting cannot mend
    /// cancels `shutdown`; [`finish`](Self::finish) returns it.
    pub fn begin(
        context: &Context,
        settings: &Settings,
        health: &Health,
        shutdown: &CancellationToken,
    ) -> Self {
        let write_side = WriteSideCell::default();
        let outcomes = Outcomes::new(&settings.database, context.name);
        let handed_over = CancellationToken::new();
        let connect = Connect {
            context: *context,
            settings: settings.clone(),
            health: health.clone(),
            outcomes: outcomes.clone(),
            shutdown: shutdown.clone(),
        };
        let task = tokio::spawn(run(connect, Arc::clone(&write_side), handed_over.clone()));
        Self { context: *context, settings: settings.clone(), write_side, outcomes, task, handed_over }
    }
}

impl<A: Aggregate> Startup<A> {
    /// Cancelled when the service was asked to end and has handed its shards to other instances, as far as there are
    /// any. Until then it goes on serving.
    pub fn handed_over(&self) -> CancellationToken {
        self.handed_over.clone()
    }

    /// Stops the engine after the queued commands are answered. An error is the reason why the service could not start, or
    /// could not go on.
    pub async fn finish(self) -> Result<(), StartupError> {
        self.task.await??;
        if let Some(write_side) = self.write_side.get() {
            shutdown::within(LAST_GROUP, "queued commands", write_side.engine.stop()).await;
        }
        info!("shut down");
        Ok(())
    }

    pub(crate) const fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn write_side(&self) -> WriteSideCell<A> {
        Arc::clone(&self.write_side)
    }

    pub(crate) fn outcome_state(&self) -> OutcomeState {
        OutcomeState {
            outcomes: self.outcomes.clone(),
            aggregate: A::NAME,
            refusal_statuses: self.context.refusal_statuses,
        }
    }

    pub(crate) fn command_state(&self) -> CommandState<A> {
        CommandState::new(&self.context, &self.settings, self.write_side())
    }
}

/// Connects, then waits for the shutdown and hands the shards over. A write side of which a thread has panicked shuts the
/// service down, so that another instance takes its shards.
async fn run<A: CommandAggregate>(
    connect: Connect,
    cell: WriteSideCell<A>,
    handed_over: CancellationToken,
) -> Result<(), StartupError> {
    // However this ends, the server must not serve on.
    let _handed_over = handed_over.drop_guard();
    let shutdown = connect.shutdown.clone();
    let _shutdown = shutdown.clone().drop_guard();
    let Some(connected) = shutdown.run_until_cancelled(connect.write_side()).await else {
        return Ok(());
    };
    let write_side = connected?;
    let write_side = cell.get_or_init(|| write_side);
    let has_panicked = tokio::select! {
        () = shutdown.cancelled() => false,
        () = write_side.engine.panicked() => {
            shutdown.cancel();
            true
        }
    };
    shutdown::within(HAND_OVER, "the hand-over of shards", write_side.coordination.leave()).await;
    if has_panicked { Err(StartupError::WriteSidePanicked) } else { Ok(()) }
}
