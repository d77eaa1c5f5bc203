//! What everybody in the model shares, and how an instance gives the word to the others.

use std::sync::{Arc, Mutex, MutexGuard};

use event_log::simulated::{Order, Schedule, Step};

use crate::{dice::Dice, mailbox::Mailbox};

/// How many lines of a trace are shown.
const LONGEST: usize = 2_000;

/// What everybody shares. Nobody gives the word away with it locked.
#[derive(Clone)]
pub(crate) struct Stage(Arc<Mutex<Scene>>);

pub(crate) struct Scene {
    pub(crate) dice: Dice,
    /// Of a thousand steps, how many meet a fault.
    pub(crate) faults: usize,
    /// What each instance is to do.
    pub(crate) desks: Vec<Mailbox>,
    /// What has happened, if somebody wants to know.
    trace: Option<Vec<String>>,
}

/// Why an instance has given the word to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It is in the middle of something.
    Busy,
    /// It has nothing to do, or waits for a while.
    Resting,
}

/// Lets the others go on.
#[expect(deprecated, reason = "an instance gives way deep within the protocol, which knows of no scope")]
pub(crate) fn give_way(moment: Moment) {
    generator::yield_with(moment);
}

impl Stage {
    pub(crate) fn new(dice: Dice, faults: usize, instances: usize, traced: bool) -> Self {
        let desks = (0..instances).map(|_| Mailbox::default()).collect();
        Self(Arc::new(Mutex::new(Scene { dice, faults, desks, trace: traced.then(Vec::new) })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Scene> {
        self.0.lock().unwrap()
    }

    /// Takes a line into the trace.
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        self.lock().note(line);
    }

    /// What has happened; of a schedule that never ends, how it begins.
    pub(crate) fn trace(&self) -> String {
        let mut trace = self.lock().trace.take().unwrap_or_default();
        trace.truncate(LONGEST);
        trace.join("\n")
    }
}

impl Scene {
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }

    /// Most clients know who owns the partition.
    pub(crate) fn likely_owner(&mut self) -> usize {
        let owner = self.desks.iter().position(Mailbox::owns);
        match owner {
            Some(owner) if !self.dice.one_in(4) => owner,
            _ => self.dice.below(self.desks.len()),
        }
    }

    fn order(&mut self, step: Step) -> Order {
        // Most depends on commits.
        let faults = if step == Step::Commit { self.faults * 3 } else { self.faults };
        if self.dice.below(1000) < faults {
            return self.dice.pick(&[Order::Fail, Order::LoseAnswer, Order::Hold]);
        }
        if step == Step::Commit && self.dice.one_in(4) { Order::ShowLater } else { Order::Go }
    }
}

impl Schedule for Stage {
    fn before(&self, instance: usize, step: Step) -> Order {
        give_way(Moment::Busy);
        let order = self.lock().order(step);
        self.note(|| format!("  {instance}: {step:?} {order:?}"));
        order
    }

    fn after(&self, _instance: usize, step: Step) {
        // The answers to two instances may cross each other.
        if step != Step::Event && self.lock().dice.one_in(3) {
            give_way(Moment::Busy);
        }
    }
}
