//! A command that was not decided here at once: it looks for the owner of its partition until it is answered.

use std::time::{Duration, Instant};

use axum::{
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use event_log::{Owner, Owners};
use service_kit::{Problem, problem::kinds};
use tokio::{
    sync::watch,
    time::{sleep, sleep_until},
};

use super::{Forwarding, NotOwner, hop::ForwardResult, original::BufferedRequest};
use crate::{
    opening::WriteSide,
    problems::{SOON, not_ready},
};

/// The longest time between two tries. What changes is most often told by the table of owners, but not always: an owner
/// that comes back at its old address changes nothing there.
const PAUSE: Duration = Duration::from_millis(50);

/// How long an owner that was replaced may take to tell what became of the commands it had.
const LAST_WORD: Duration = Duration::from_millis(100);

/// A command on its way.
pub(super) struct OwnerRouting<'r> {
    forwarding: &'r Forwarding,
    original: &'r BufferedRequest,
    next: Next,
    open: &'r WriteSide,
    owners: watch::Receiver<Owners>,
    partition: i32,
    /// When it is given up, if nobody has it.
    patience_ends: Instant,
    /// Whether somebody has it who did not answer.
    was_lost: bool,
}

/// How one try has ended.
enum Try {
    Answered(Response),
    NotOwnerThere,
    Lost,
}

impl<'r> OwnerRouting<'r> {
    pub(super) fn begin(
        forwarding: &'r Forwarding,
        original: &'r BufferedRequest,
        next: Next,
        open: &'r WriteSide,
        partition: i32,
    ) -> Self {
        let patience_ends = (Instant::now() + forwarding.settings.patience).min(original.trip.deadline);
        let owners = open.owners();
        Self { forwarding, original, next, open, owners, partition, patience_ends, was_lost: false }
    }

    /// Tries until there is an answer. A lost answer is asked for again until the deadline: it is the same command, and
    /// has one effect.
    pub(super) async fn end(mut self) -> Response {
        loop {
            match self.attempt().await {
                // After a lost try "nothing was done" is true of this try alone.
                Try::Answered(response) if self.was_lost && is_no_outcome(&response) => {}
                Try::Answered(response) => return response,
                Try::NotOwnerThere => {}
                Try::Lost => self.was_lost = true,
            }
            let end = if self.was_lost { self.original.trip.deadline } else { self.patience_ends };
            if Instant::now() >= end {
                return self.given_up().into_response();
            }
            self.change(end).await;
        }
    }

    async fn attempt(&mut self) -> Try {
        match self.owner() {
            Some(owner) if owner.address != self.forwarding.settings.own_address => self.there(&owner).await,
            _ => self.here().await,
        }
    }

    fn owner(&mut self) -> Option<Owner> {
        self.owners.borrow_and_update().get(self.partition).cloned()
    }

    /// This instance may have become the owner, or be about to.
    async fn here(&self) -> Try {
        let response = self.next.clone().run(self.original.request()).await;
        if response.extensions().get::<NotOwner>().is_some() {
            Try::NotOwnerThere
        } else {
            Try::Answered(response)
        }
    }

    /// Asks the owner until it is replaced: one that hangs does not hold the command.
    async fn there(&self, owner: &Owner) -> Try {
        let hop = tokio::select! {
            hop = self.forwarding.peers.ask(owner, self.original) => hop,
            () = replaced(self.owners.clone(), self.partition, owner) => ForwardResult::Lost,
        };
        match hop {
            ForwardResult::Answered(response) => Try::Answered(response),
            ForwardResult::NotOwnerThere => Try::NotOwnerThere,
            ForwardResult::Unreachable => self.suspected(Try::NotOwnerThere),
            ForwardResult::Lost => self.suspected(Try::Lost),
            ForwardResult::Full if self.was_lost => Try::Lost,
            ForwardResult::Full => {
                Try::Answered(Problem::new(kinds::OVERLOADED).retry_after(SOON).into_response())
            }
        }
    }

    /// Has the owner looked at: if it is gone, its partitions are taken over.
    fn suspected(&self, ended: Try) -> Try {
        self.open.suspect();
        ended
    }

    /// Waits until another try may go better.
    async fn change(&mut self, end: Instant) {
        let pause = (Instant::now() + PAUSE).min(end);
        tokio::select! {
            Ok(()) = self.owners.changed() => {}
            () = sleep_until(pause.into()) => {}
        }
    }

    fn given_up(&self) -> Problem {
        if self.was_lost { Problem::new(kinds::OUTCOME_UNKNOWN).retry_after(SOON) } else { not_ready() }
    }
}

fn is_no_outcome(response: &Response) -> bool {
    response.status() == StatusCode::SERVICE_UNAVAILABLE
}

/// Ends when a partition has another owner than this one, and it has had time for a last word.
async fn replaced(mut owners: watch::Receiver<Owners>, partition: i32, owner: &Owner) {
    if owners.wait_for(|owners| owners.get(partition) != Some(owner)).await.is_err() {
        std::future::pending::<()>().await;
    }
    sleep(LAST_WORD).await;
}
