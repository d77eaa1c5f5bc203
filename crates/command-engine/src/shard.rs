//! The thread that writes a shard. It claims the shard when that is desired, then decides and sends one group after another;
//! a second thread [commits and answers](crate::commits) them. When a commit fails, it must find out what is in the log
//! before it answers anybody.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aggregate::Aggregate;
use event_log::{Claimed, LogError, ShardLog};
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::{
    CommandError,
    in_doubt::InDoubt,
    mailbox::{Mailbox, Turn},
    metrics,
    queued_command::QueuedCommand,
    writer::{FailedGroup, Writer},
};

/// The pause after the first failed claim; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two claims.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often a fenced owner looks for the announcement of the owner that fenced it.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
/// How long deliveries wait whose aggregates could not be loaded.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// The loop of a shard's thread.
pub struct Shard<A: Aggregate, L: ShardLog> {
    number: i32,
    writer: Writer<A, L>,
    mailbox: Arc<Mailbox<A>>,
    /// When to commit the next commands again.
    recommit_at: Instant,
    /// Dropped last: once its receivers notice, everything else is released.
    ended: watch::Sender<()>,
}

/// How an ownership ended.
#[derive(PartialEq)]
enum End {
    /// The shard is no longer wanted here.
    Unwanted,
    /// Another instance has claimed it.
    Replaced,
}

/// How to proceed with commands in doubt.
enum NextStep {
    /// A newer owner has announced itself, and everything written before it is read.
    Replaced,
    /// It is not known yet whether there is a newer owner.
    Wait,
    /// There is no newer owner: claim the shard again.
    Claim,
    /// The outcome cannot be found out here.
    GiveUp,
}

impl<A: Aggregate, L: ShardLog> Shard<A, L> {
    /// The loop of a shard that follows this mailbox.
    pub fn new(number: i32, writer: Writer<A, L>, mailbox: Arc<Mailbox<A>>) -> Self {
        let recommit_at = mailbox.clock.now();
        Self { number, writer, mailbox, recommit_at, ended: watch::channel(()).0 }
    }

    /// Changes once the loop has ended and everything is released.
    pub(crate) fn ended(&self) -> watch::Receiver<()> {
        self.ended.subscribe()
    }

    /// Runs until the engine stops.
    pub fn run(mut self) {
        let mut reclaim_at = None;
        while self.mailbox.await_ownership_request(reclaim_at) {
            let end = if self.acquire() { self.serve() } else { End::Unwanted };
            // Two instances that both want the shard must not take it from each other for ever.
            reclaim_at = (end == End::Replaced)
                .then(|| self.mailbox.clock.now() + self.mailbox.settings.reclaim_pause);
            self.step_down();
        }
    }

    /// Warms up and claims the shard, with as many attempts as it takes. Returns false if it is no longer wanted.
    fn acquire(&mut self) -> bool {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.warm_up_and_claim() {
                Ok(owned) => return owned,
                Err(error) => self.mailbox.report_warming_up(&self.log_claim_error(&error)),
            }
            if !self.mailbox.is_wanted() {
                return false;
            }
            self.mailbox.pause(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn warm_up_and_claim(&mut self) -> Result<bool, LogError> {
        self.mailbox.report_warming_up("warming up");
        if !self.writer.restore() {
            self.mailbox.report_warming_up("replaying the whole log, because the snapshots cannot be opened");
        }
        self.writer.warm_up()?;
        if !self.mailbox.begin_claim() {
            return Ok(false);
        }
        self.claim(&mut InDoubt::nothing()).map(|claimed| {
            self.mailbox.report_owned(claimed);
            true
        })
    }

    fn claim(&mut self, in_doubt: &mut InDoubt<A>) -> Result<Claimed, LogError> {
        let started = Instant::now();
        let claimed = self.writer.claim(in_doubt)?;
        self.recommit_later();
        let aggregates = self.writer.aggregates();
        metrics::claimed(self.number, aggregates, started.elapsed());
        info!(shard = self.number, epoch = claimed.epoch, aggregates, "shard claimed");
        Ok(claimed)
    }

    /// Serves group after group.
    fn serve(&mut self) -> End {
        let mut again = Vec::new();
        loop {
            let turn = if again.is_empty() { self.mailbox.next(self.due()) } else { Turn::Group(again) };
            let served = match turn {
                Turn::Group(group) => self.process(group),
                Turn::Committed => self.end_commits(),
                Turn::Idle if self.has_been_replaced() => self.finish(End::Replaced),
                Turn::Idle => self.recommit(),
                Turn::Over => self.finish(End::Unwanted),
            };
            again = match served {
                Ok(again) => again,
                Err(end) => return end,
            };
            self.writer.write_behind();
        }
    }

    /// When to continue even if nothing happens until then.
    fn due(&self) -> Option<Instant> {
        self.writer.due().into_iter().chain([self.recommit_at]).min()
    }

    /// Commits the next command of every partition again, if that is due. Announcements do it too.
    fn recommit(&mut self) -> Result<Vec<QueuedCommand<A>>, End> {
        if self.mailbox.clock.now() < self.recommit_at {
            return Ok(Vec::new());
        }
        self.recommit_later();
        match self.writer.recommit() {
            Ok(()) => Ok(Vec::new()),
            Err(failed) => self.resolve(*failed),
        }
    }

    fn recommit_later(&mut self) {
        self.recommit_at = self.mailbox.clock.now() + self.mailbox.settings.recommit_interval;
    }

    /// Decides and sends a group. Returns the commands that must be decided again.
    fn process(&mut self, group: Vec<QueuedCommand<A>>) -> Result<Vec<QueuedCommand<A>>, End> {
        match self.writer.process(group) {
            Ok(undecidable) => {
                self.mailbox.requeue(undecidable, RETRY_PAUSE);
                self.recommit()
            }
            Err(failed) => self.resolve(*failed),
        }
    }

    /// Does what follows the commits that have ended. Returns the commands that must be decided again.
    fn end_commits(&mut self) -> Result<Vec<QueuedCommand<A>>, End> {
        match self.writer.end_commits() {
            Ok(()) => Ok(Vec::new()),
            Err(failed) => self.resolve(*failed),
        }
    }

    /// Ends the ownership, once the commits under way have ended.
    fn finish(&mut self, end: End) -> Result<Vec<QueuedCommand<A>>, End> {
        match self.writer.await_commits() {
            Ok(()) if end == End::Replaced => Err(self.replaced()),
            Ok(()) => Err(end),
            Err(failed) => self.resolve(*failed),
        }
    }

    fn has_been_replaced(&mut self) -> bool {
        self.mailbox.serves_until_replaced() && !self.writer.still_owns()
    }

    /// Finds out what became of a group and answers its commands accordingly. Returns those that must be decided again
    /// after a new claim, or how the ownership ended.
    fn resolve(&mut self, failed: FailedGroup<A>) -> Result<Vec<QueuedCommand<A>>, End> {
        let FailedGroup { error, mut in_doubt } = failed;
        warn!(shard = self.number, %error, "outcome of a group is unknown");
        self.mailbox.report_in_doubt("outcome of a commit is unknown");
        metrics::lost(self.number);
        let wait_until = self.mailbox.clock.now() + self.mailbox.settings.announcement_timeout;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.next_step(error.is_fenced(), wait_until, &mut in_doubt) {
                NextStep::Replaced => return Err(self.yield_to_newer(in_doubt)),
                NextStep::GiveUp => return Err(self.give_up(in_doubt)),
                NextStep::Wait => self.mailbox.clock.sleep(CHECK_INTERVAL),
                NextStep::Claim => match self.claim(&mut in_doubt) {
                    Ok(claimed) => return Ok(self.resume(claimed, in_doubt)),
                    Err(_) if self.mailbox.is_closing() => return Err(self.give_up(in_doubt)),
                    Err(error) => {
                        self.mailbox.report_in_doubt(&self.log_claim_error(&error));
                        self.mailbox.pause(pause);
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                },
            }
        }
    }

    /// How to proceed with commands in doubt. A fenced owner waits for the announcement of the owner that fenced it; a
    /// claim would fence that owner in turn.
    fn next_step(&mut self, fenced: bool, wait_until: Instant, in_doubt: &mut InDoubt<A>) -> NextStep {
        let may_claim = self.mailbox.may_claim_again(fenced);
        let may_wait = self.mailbox.clock.now() < wait_until;
        match self.writer.is_replaced(in_doubt) {
            Ok(true) => NextStep::Replaced,
            // The next warm-up logs the error.
            Err(error) if !error.is_transient() => NextStep::GiveUp,
            Ok(false) if may_wait && (fenced || !may_claim) => NextStep::Wait,
            Ok(false) if may_claim => NextStep::Claim,
            // While the log cannot be read, it cannot be claimed either.
            Err(_) if may_wait || (may_claim && !self.mailbox.is_closing()) => NextStep::Wait,
            _ => NextStep::GiveUp,
        }
    }

    /// The shard is owned again. Report that before answering: a caller may send its next command at once.
    fn resume(&self, claimed: Claimed, in_doubt: InDoubt<A>) -> Vec<QueuedCommand<A>> {
        self.mailbox.report_owned(claimed);
        self.writer.resolve(in_doubt)
    }

    /// Another instance owns the shard. Report that before answering, for the same reason.
    fn yield_to_newer(&self, in_doubt: InDoubt<A>) -> End {
        self.mailbox.release();
        let remaining = self.writer.resolve(in_doubt);
        for command in remaining {
            command.fail(CommandError::Elsewhere);
        }
        self.replaced()
    }

    fn replaced(&self) -> End {
        metrics::replaced(self.number);
        info!(shard = self.number, "another instance has taken the shard over");
        End::Replaced
    }

    /// The commands read so far are not conclusive: an interrupted replay may have seen only half of a command's
    /// events.
    fn give_up(&self, in_doubt: InDoubt<A>) -> End {
        warn!(shard = self.number, "outcome of a group stays unknown");
        in_doubt.give_up();
        End::Unwanted
    }

    /// Logs why the shard is not owned yet, and returns it.
    fn log_claim_error(&self, error: &LogError) -> String {
        if error.is_transient() {
            warn!(shard = self.number, %error, "shard cannot be claimed yet");
        } else {
            error!(shard = self.number, %error, "shard cannot be claimed: its log needs attention");
        }
        error.to_string()
    }

    fn step_down(&mut self) {
        self.mailbox.release();
        self.writer.release();
        metrics::lost(self.number);
    }
}

impl<A: Aggregate, L: ShardLog> Drop for Shard<A, L> {
    /// Nobody must wait for a thread that has panicked.
    fn drop(&mut self) {
        self.mailbox.close();
        self.mailbox.release();
    }
}
