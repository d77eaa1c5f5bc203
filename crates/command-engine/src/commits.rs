//! Commits the groups of a shard one after another, on a thread of its own: meanwhile the next group is decided and sent.
//!
//! It must never commit a group unless the one before it is in the log, and never answer a command before the commit of
//! its group.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aggregate::Aggregate;
use event_log::{Commit, LogError};

use crate::{
    clock::Clock,
    mailbox::Mailbox,
    queued_command::{Answer, PendingCommand},
};

/// The commits of one shard: requested by its thread, carried out by [`run`](Self::run).
pub struct Commits<A: Aggregate> {
    mailbox: Arc<Mailbox<A>>,
    clock: Arc<dyn Clock>,
    state: Mutex<State<A>>,
}

struct State<A: Aggregate> {
    requested: VecDeque<CommitRequest<A>>,
    ended: VecDeque<CommitResult<A>>,
    /// When the commit under way began.
    began: Option<Instant>,
    /// Whether a commit has failed: no later one may be carried out before the next claim.
    failed: bool,
    closed: bool,
}

/// A group that has been sent.
pub(crate) struct CommitRequest<A: Aggregate> {
    /// Commits it.
    pub(crate) commit: Commit,
    /// The answers to its callers once it is committed.
    pub(crate) answers: Vec<(PendingCommand<A>, Answer<A>)>,
}

/// A group that is not known to be in the log.
pub(crate) struct FailedCommit<A: Aggregate> {
    pub(crate) error: LogError,
    /// The commands of its callers, who have no answer yet.
    pub(crate) commands: Vec<PendingCommand<A>>,
}

/// How a commit has ended.
pub(crate) type CommitResult<A> = Result<(), Box<FailedCommit<A>>>;

impl<A: Aggregate> Commits<A> {
    /// The commits of the shard with this mailbox. The committing thread waits by `clock`.
    pub fn new(mailbox: Arc<Mailbox<A>>, clock: Arc<dyn Clock>) -> Self {
        let state = State {
            requested: VecDeque::new(),
            ended: VecDeque::new(),
            began: None,
            failed: false,
            closed: false,
        };
        Self { mailbox, clock, state: Mutex::new(state) }
    }

    /// Commits and answers what is requested, until the shard's thread ends.
    pub fn run(&self) {
        while let Some(request) = self.next_request() {
            let ended = self.carry_out(request);
            let mut state = self.lock();
            state.began = None;
            state.failed |= ended.is_err();
            state.ended.push_back(ended);
            drop(state);
            self.mailbox.report_commit();
        }
    }

    fn next_request(&self) -> Option<CommitRequest<A>> {
        loop {
            let mut state = self.lock();
            let request = state.requested.pop_front();
            if request.is_some() || state.closed {
                state.began = request.is_some().then(|| self.clock.now());
                return request;
            }
            drop(state);
            self.clock.park(None);
        }
    }

    fn carry_out(&self, CommitRequest { commit, answers }: CommitRequest<A>) -> CommitResult<A> {
        let committed = if self.lock().failed { Err(LogError::NotClaimed) } else { commit() };
        if let Err(error) = committed {
            let commands = answers.into_iter().map(|(pending, _)| pending).collect();
            return Err(Box::new(FailedCommit { error, commands }));
        }
        for (pending, answer) in answers {
            pending.answer(answer);
        }
        Ok(())
    }

    /// How long the commit under way has taken so far; zero if there is none.
    pub(crate) fn elapsed(&self) -> Duration {
        let began = self.lock().began;
        began.map_or(Duration::ZERO, |began| self.clock.now().saturating_duration_since(began))
    }

    /// Requests the commit of the next group.
    pub(crate) fn request(&self, request: CommitRequest<A>) {
        self.lock().requested.push_back(request);
        self.clock.wake();
    }

    /// How the oldest requested commit has ended, if it has.
    pub(crate) fn next(&self) -> Option<CommitResult<A>> {
        self.lock().ended.pop_front()
    }

    /// Waits until another commit has ended, at the least since [`next`](Self::next) returned none.
    pub(crate) fn wait(&self) {
        self.mailbox.await_commit();
    }

    /// Starts anew after a failure, once every requested commit has ended.
    pub(crate) fn reset(&self) {
        self.lock().failed = false;
    }

    /// No more commits will be requested.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.clock.wake();
    }

    fn lock(&self) -> MutexGuard<'_, State<A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
