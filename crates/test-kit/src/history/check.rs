use std::fmt::{self, Display, Formatter};

use super::{History, Rules, aggregates::Aggregate, answers, order, real_time, writes};

/// A promise that every history keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// I1: an acknowledged command's events are in the log, where and as they were told.
    NothingLost,
    /// I2: every event follows from a command that was sent, and not from one whose every answer denies it.
    NoPhantom,
    /// I3: a command is in the log once, and an idempotency key has one effect.
    NoDuplicate,
    /// I4: versions, sequence numbers and epochs follow one another; an aggregate lives in one partition.
    Order,
    /// I5: for each aggregate there is one order of all commands that every answer fits, and that fits real time.
    Linearizable,
    /// I6: every event was legal when it was decided.
    Legal,
    /// I10: the events of a command are in the log all or none.
    AllOrNone,
    /// Every answer is one that a client can expect, and says when to come back if it should.
    Answers,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// By what.
    pub what: String,
}

impl Violation {
    pub(super) fn new(invariant: Invariant, what: String) -> Self {
        Self { invariant, what }
    }
}

impl Display for Violation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.what)
    }
}

/// Every promise that this history breaks; none, if all is well.
///
/// Where the log of an aggregate is out of order already, nothing else is said of that aggregate.
pub fn check<R: Rules>(rules: &R, history: &History) -> Vec<Violation> {
    let mut breaches = order::partitions(&history.log);
    breaches.extend(answers::expected(&history.attempts));
    breaches.extend(order::commands(&history.log));
    for aggregate in Aggregate::all(rules, history) {
        let out_of_order = order::versions(&aggregate);
        if out_of_order.is_empty() {
            breaches.extend(writes::explained(rules, &aggregate));
            breaches.extend(answers::true_to_the_log(rules, &aggregate));
            breaches.extend(real_time::linearizable(rules, &aggregate));
        }
        breaches.extend(out_of_order);
    }
    breaches
}
