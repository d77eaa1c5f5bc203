//! The state that all parts of the model share, and how an instance yields to the others.

use std::{
    cell::RefCell,
    sync::{Arc, Mutex, MutexGuard},
};

use command_engine::{Ownership, protocol::Mailbox};
use event_log::simulated::{Schedule, Step, StepOutcome};

use crate::{account::Account, random::Random};

/// How many lines of a trace are shown.
const MAX_LINES: usize = 2_000;

thread_local! {
    /// The scheduler of the schedule that this thread runs.
    static CURRENT: RefCell<Option<Scheduler>> = const { RefCell::new(None) };
}

/// The shared state of a schedule. Its lock must not be held while yielding.
#[derive(Clone)]
pub(crate) struct Scheduler(Arc<Mutex<Shared>>);

pub(crate) struct Shared {
    pub(crate) random: Random,
    /// How many steps in a thousand fail.
    pub(crate) faults: usize,
    /// The mailbox of each instance.
    pub(crate) mailboxes: Vec<Arc<Mailbox<Account>>>,
    /// The instance that runs now.
    pub(crate) running: usize,
    /// An error that an instance has logged. An error means that an operator must act; no schedule may lead to one.
    pub(crate) logged_error: Option<String>,
    /// The trace, if it is recorded.
    trace: Option<Vec<String>>,
}

/// Why an instance has yielded to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Yielded {
    /// It has more to do.
    Busy,
    /// It waits for something to do, or for time to pass.
    Waiting,
}

/// Lets the other instances run.
#[expect(deprecated, reason = "an instance yields deep inside the protocol, to which no scope is passed")]
pub(crate) fn yield_now(why: Yielded) {
    generator::yield_with(why);
}

impl Scheduler {
    pub(crate) fn new(random: Random, faults: usize, traced: bool) -> Self {
        let shared = Shared {
            random,
            faults,
            mailboxes: Vec::new(),
            running: 0,
            logged_error: None,
            trace: traced.then(Vec::new),
        };
        Self(Arc::new(Mutex::new(shared)))
    }

    /// Runs a schedule; log messages of its instances go to this scheduler.
    pub(crate) fn scope<R>(&self, run: impl FnOnce() -> R) -> R {
        CURRENT.set(Some(self.clone()));
        let result = run();
        CURRENT.set(None);
        result
    }

    /// The scheduler of the schedule that this thread runs.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap()
    }

    /// Adds a line to the trace.
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        self.lock().note(line);
    }

    /// The trace; only its first lines if the schedule never ends.
    pub(crate) fn trace(&self) -> String {
        let mut trace = self.lock().trace.take().unwrap_or_default();
        trace.truncate(MAX_LINES);
        trace.join("\n")
    }
}

impl Shared {
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }

    /// Usually the owner, because most clients know it; otherwise a random instance.
    pub(crate) fn likely_owner(&mut self) -> usize {
        let owner = self.mailboxes.iter().position(|mailbox| is_owner(mailbox));
        match owner {
            Some(owner) if !self.random.one_in(4) => owner,
            _ => self.random.below(self.mailboxes.len()),
        }
    }

    fn outcome_of(&mut self, step: Step) -> StepOutcome {
        // Faults of commits matter most.
        let faults = if step == Step::Commit { self.faults * 3 } else { self.faults };
        if self.random.below(1000) < faults {
            return self.random.pick(&[StepOutcome::Fail, StepOutcome::LoseAnswer, StepOutcome::Delay]);
        }
        let is_visible_late = step == Step::Commit && self.random.one_in(4);
        if is_visible_late { StepOutcome::ShowLater } else { StepOutcome::Succeed }
    }
}

pub(crate) fn is_owner(mailbox: &Mailbox<Account>) -> bool {
    matches!(*mailbox.ownership().borrow(), Ownership::Owned { .. })
}

impl Schedule for Scheduler {
    fn before(&self, instance: usize, step: Step) -> StepOutcome {
        yield_now(Yielded::Busy);
        let outcome = self.lock().outcome_of(step);
        self.note(|| format!("  {instance}: {step:?} {outcome:?}"));
        outcome
    }

    fn after(&self, _instance: usize, step: Step) {
        // The responses to two instances may overtake each other.
        if step != Step::Event && self.lock().random.one_in(3) {
            yield_now(Yielded::Busy);
        }
    }
}
