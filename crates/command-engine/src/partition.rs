//! The one thread that writes a partition: own it when that is wished, then take what has queued, decide, commit,
//! answer, again; and find out what is true when a commit fails.

#![expect(clippy::disallowed_methods, reason = "it has a thread of its own")]

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use aggregate::Aggregate;
use event_log::{Claimed, LogError, PartitionLog};
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::{
    CommandError, EngineSettings,
    in_doubt::InDoubt,
    mailbox::{Mailbox, Turn},
    metrics,
    queued_command::QueuedCommand,
    writer::{Unsettled, Writer},
};

/// The pause after the first failed claim; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two claims.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The pause between two looks for the announcement of whoever has shut this owner out.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long deliveries wait whose aggregates could not be loaded.
const HOLD: Duration = Duration::from_millis(200);

/// The thread of a partition.
pub(crate) struct Partition<A: Aggregate, L: PartitionLog> {
    pub(crate) number: i32,
    pub(crate) writer: Writer<A, L>,
    pub(crate) mailbox: Arc<Mailbox<A>>,
    pub(crate) settings: EngineSettings,
    /// Dropped last: whoever watches it then knows that everything else is let go.
    pub(crate) _ended: watch::Sender<()>,
}

/// How an ownership ended.
#[derive(PartialEq)]
enum End {
    /// Nobody wants it here any more.
    Unwanted,
    /// Another instance has taken it.
    Replaced,
}

/// What to do about a group in doubt.
enum Judgement {
    /// A newer owner has it; what was written is read.
    Replaced,
    /// Whether there is a newer owner is not known yet.
    LookAgain,
    /// Nobody else has it.
    Claim,
    /// It cannot be found out here.
    Hopeless,
}

impl<A: Aggregate, L: PartitionLog> Partition<A, L> {
    /// Runs until the engine ends.
    pub(crate) fn run(mut self) {
        let mut rest = None;
        while self.mailbox.await_wish(rest) {
            let end = if self.own() { self.serve() } else { End::Unwanted };
            // Two who both want it must not take it from each other without end.
            rest = (end == End::Replaced).then(|| Instant::now() + self.settings.rest);
            self.step_down();
        }
    }

    /// Warms up and claims, however often it takes; false if the wish goes before it came about.
    fn own(&mut self) -> bool {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.claim_first() {
                Ok(owned) => return owned,
                Err(error) => self.mailbox.show_warming(&self.unready(&error)),
            }
            if !self.mailbox.wants() {
                return false;
            }
            self.mailbox.pause(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn claim_first(&mut self) -> Result<bool, LogError> {
        self.mailbox.show_warming("warming up");
        self.writer.warm_up()?;
        if !self.mailbox.begin_claim() {
            return Ok(false);
        }
        self.claim(&mut InDoubt::nothing()).map(|claimed| {
            self.mailbox.show_owned(claimed);
            true
        })
    }

    fn claim(&mut self, in_doubt: &mut InDoubt<A>) -> Result<Claimed, LogError> {
        let started = Instant::now();
        let claimed = self.writer.claim(in_doubt)?;
        let aggregates = self.writer.aggregates();
        metrics::claimed(self.number, aggregates, started.elapsed());
        info!(partition = self.number, epoch = claimed.epoch, aggregates, "partition claimed");
        Ok(claimed)
    }

    /// Serves group after group.
    fn serve(&mut self) -> End {
        let mut group = Vec::new();
        loop {
            if group.is_empty() {
                match self.mailbox.next(self.writer.due()) {
                    Turn::Group(next) => group = next,
                    Turn::Idle if self.is_taken() => return self.replaced(),
                    Turn::Idle => {}
                    Turn::Over => return End::Unwanted,
                }
            }
            group = match self.process(group) {
                Ok(again) => again,
                Err(end) => return end,
            };
            self.writer.write_behind();
        }
    }

    /// Brings a group to its end, or as far that it is to be decided again.
    fn process(&mut self, group: Vec<QueuedCommand<A>>) -> Result<Vec<QueuedCommand<A>>, End> {
        if group.is_empty() {
            return Ok(group);
        }
        match self.writer.process(group) {
            Ok(undecidable) => {
                self.mailbox.put_back(undecidable, HOLD);
                Ok(Vec::new())
            }
            Err(unsettled) => self.settle(*unsettled),
        }
    }

    fn is_taken(&mut self) -> bool {
        self.mailbox.is_served_on() && !self.writer.still_owns()
    }

    /// Finds out what became of a group, and answers those of whom it is known. What is left is to be decided again,
    /// for the partition is claimed again; or the ownership has ended.
    fn settle(&mut self, unsettled: Unsettled<A>) -> Result<Vec<QueuedCommand<A>>, End> {
        let Unsettled { error, mut in_doubt } = unsettled;
        warn!(partition = self.number, %error, "outcome of a group is unknown");
        self.mailbox.show_doubt("outcome of a commit is unknown");
        metrics::lost(self.number);
        let patience = Instant::now() + self.settings.announcement;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.judge(error.is_fenced(), patience, &mut in_doubt) {
                Judgement::Replaced => return Err(self.yield_to_newer(in_doubt)),
                Judgement::Hopeless => return Err(self.give_up(in_doubt)),
                Judgement::LookAgain => thread::sleep(LOOK_AGAIN),
                Judgement::Claim => match self.claim(&mut in_doubt) {
                    Ok(claimed) => return Ok(self.go_on(claimed, in_doubt)),
                    Err(_) if self.mailbox.is_closing() => return Err(self.give_up(in_doubt)),
                    Err(error) => {
                        self.mailbox.show_doubt(&self.unready(&error));
                        self.mailbox.pause(pause);
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                },
            }
        }
    }

    /// What to do about a group in doubt. Who was shut out waits for whoever did it; a claim would shut them out in turn.
    fn judge(&mut self, fenced: bool, patience: Instant, in_doubt: &mut InDoubt<A>) -> Judgement {
        let may_claim = self.mailbox.may_claim_again(fenced);
        let waits = Instant::now() < patience;
        match self.writer.is_replaced(in_doubt) {
            Ok(true) => Judgement::Replaced,
            // The next warm-up says it loudly.
            Err(error) if !error.is_transient() => Judgement::Hopeless,
            Ok(false) if waits && (fenced || !may_claim) => Judgement::LookAgain,
            Ok(false) if may_claim => Judgement::Claim,
            // While the log cannot be asked, it could not be claimed either.
            Err(_) if waits || (may_claim && !self.mailbox.is_closing()) => Judgement::LookAgain,
            _ => Judgement::Hopeless,
        }
    }

    /// The partition is owned again. Ready comes before the answers: whoever hears one may come back at once.
    fn go_on(&self, claimed: Claimed, in_doubt: InDoubt<A>) -> Vec<QueuedCommand<A>> {
        self.mailbox.show_owned(claimed);
        self.writer.resolve(in_doubt)
    }

    /// Another owns the partition. Elsewhere comes before the answers, for the same reason.
    fn yield_to_newer(&self, in_doubt: InDoubt<A>) -> End {
        self.mailbox.leave();
        let left = self.writer.resolve(in_doubt);
        for waiting in left {
            waiting.turn_away(CommandError::Elsewhere);
        }
        self.replaced()
    }

    fn replaced(&self) -> End {
        metrics::replaced(self.number);
        info!(partition = self.number, "another instance has taken the partition over");
        End::Replaced
    }

    /// What was read so far tells nothing: where the reading broke off, half of a command may have been seen.
    fn give_up(&self, in_doubt: InDoubt<A>) -> End {
        warn!(partition = self.number, "outcome of a group stays unknown here");
        in_doubt.give_up();
        End::Unwanted
    }

    /// Why the partition is not owned yet.
    fn unready(&self, error: &LogError) -> String {
        if error.is_transient() {
            warn!(partition = self.number, %error, "partition cannot be claimed yet");
        } else {
            error!(partition = self.number, %error, "partition cannot be claimed: its log needs attention");
        }
        error.to_string()
    }

    fn step_down(&mut self) {
        self.mailbox.leave();
        self.writer.release();
        metrics::lost(self.number);
    }
}

impl<A: Aggregate, L: PartitionLog> Drop for Partition<A, L> {
    /// Also where the thread panics, nobody must wait for it.
    fn drop(&mut self) {
        self.mailbox.close();
        self.mailbox.leave();
    }
}
