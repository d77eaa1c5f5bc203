//! A command that could not be decided here at once: finds the owner of its shard and has it decided there.

use std::time::{Duration, Instant};

use aggregate::Aggregate;
use axum::http::StatusCode;
use command_engine::CommandRequest;
use event_log::{Owner, Owners};
use service_kit::{Problem, problem::kinds};
use tokio::{
    sync::watch,
    time::{sleep, sleep_until},
};

use super::{ReceivedRequest, peers::ForwardResult};
use crate::{
    CommandState,
    dispatch::Decided,
    problems::{SOON, not_ready},
    write_side::WriteSide,
};

/// The longest pause between two attempts. Most changes show in the table of owners, but not all: an owner that comes
/// back at its old address changes nothing there.
const PAUSE: Duration = Duration::from_millis(50);

/// How long an owner that was replaced has to answer the commands that it was sent before.
const GRACE: Duration = Duration::from_millis(100);

/// One command, until it is answered.
pub(crate) struct OwnerRouting<'r, A: Aggregate> {
    state: &'r CommandState<A>,
    write_side: &'r WriteSide<A>,
    received: &'r ReceivedRequest,
    command: &'r CommandRequest<A::Command>,
    owners: watch::Receiver<Owners>,
    shard: i32,
    /// When the command is given up if no instance has been sent it.
    owner_deadline: Instant,
    /// Whether an instance was sent the command and did not answer.
    is_in_doubt: bool,
}

/// The result of one attempt.
enum Attempt {
    Decided(Decided),
    NotOwner,
    Lost,
}

impl<'r, A: Aggregate> OwnerRouting<'r, A> {
    pub(crate) fn new(
        state: &'r CommandState<A>,
        write_side: &'r WriteSide<A>,
        received: &'r ReceivedRequest,
        command: &'r CommandRequest<A::Command>,
    ) -> Self {
        let owner_deadline = Instant::now() + state.forwarding.settings.owner_timeout;
        Self {
            state,
            write_side,
            received,
            command,
            owners: write_side.owners(),
            shard: state.shard_of(&command.aggregate_id),
            owner_deadline: owner_deadline.min(command.deadline),
            is_in_doubt: false,
        }
    }

    /// Tries until there is an answer. After a lost answer the command is sent again until its deadline: it is the same
    /// command, so it has one effect.
    pub(crate) async fn decide(mut self) -> Decided {
        loop {
            match self.attempt().await {
                // After a lost attempt, "nothing was written" is true of this attempt alone.
                Attempt::Decided(decided) if self.is_in_doubt && is_no_outcome(&decided) => {}
                Attempt::Decided(decided) => return decided,
                Attempt::NotOwner => {}
                Attempt::Lost => self.is_in_doubt = true,
            }
            let deadline = if self.is_in_doubt { self.command.deadline } else { self.owner_deadline };
            if Instant::now() >= deadline {
                return Decided::Here(Err(self.give_up()));
            }
            self.pause(deadline).await;
        }
    }

    async fn attempt(&mut self) -> Attempt {
        let own_address = &self.state.forwarding.settings.own_address;
        let owner = self.owners.borrow_and_update().get(self.shard).cloned();
        match owner {
            Some(owner) if owner.address != *own_address => self.ask(&owner).await,
            _ => self.decide_here().await,
        }
    }

    /// This instance may have become the owner, or be about to.
    async fn decide_here(&self) -> Attempt {
        let decided = self.state.decide_here(&self.received.context, self.command).await;
        decided.map_or(Attempt::NotOwner, |result| Attempt::Decided(Decided::Here(result)))
    }

    /// Asks the owner until it is replaced, so that an owner that hangs does not hold the command back.
    async fn ask(&self, owner: &Owner) -> Attempt {
        let result = tokio::select! {
            result = self.state.forwarding.peers.ask(owner, self.received) => result,
            () = replaced(self.owners.clone(), self.shard, owner) => ForwardResult::Lost,
        };
        if matches!(result, ForwardResult::Unreachable | ForwardResult::Lost) {
            // If the owner is gone, its shards are taken over.
            self.write_side.suspect();
        }
        match result {
            ForwardResult::Answered(response) => Attempt::Decided(Decided::Elsewhere(response)),
            ForwardResult::NotOwner | ForwardResult::Unreachable => Attempt::NotOwner,
            ForwardResult::Lost => Attempt::Lost,
            ForwardResult::Full if self.is_in_doubt => Attempt::Lost,
            ForwardResult::Full => {
                Attempt::Decided(Decided::Here(Err(Problem::new(kinds::OVERLOADED).retry_after(SOON))))
            }
        }
    }

    /// Waits until another attempt may go better.
    async fn pause(&mut self, deadline: Instant) {
        let end = (Instant::now() + PAUSE).min(deadline);
        tokio::select! {
            Ok(()) = self.owners.changed() => {}
            () = sleep_until(end.into()) => {}
        }
    }

    fn give_up(&self) -> Problem {
        if self.is_in_doubt { Problem::new(kinds::OUTCOME_UNKNOWN).retry_after(SOON) } else { not_ready() }
    }
}

fn is_no_outcome(decided: &Decided) -> bool {
    let status = match decided {
        Decided::Here(Ok(_)) => return false,
        Decided::Here(Err(problem)) => problem.status(),
        Decided::Elsewhere(response) => response.status(),
    };
    status == StatusCode::SERVICE_UNAVAILABLE
}

/// Ends when the shard has had another owner for a short while, in which this one can still answer.
async fn replaced(mut owners: watch::Receiver<Owners>, shard: i32, owner: &Owner) {
    if owners.wait_for(|owners| owners.get(shard) != Some(owner)).await.is_err() {
        std::future::pending::<()>().await;
    }
    sleep(GRACE).await;
}
