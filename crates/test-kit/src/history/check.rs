use std::fmt::{self, Display, Formatter};

use super::{History, Rules, aggregates::Aggregate, answers, order, real_time, writes};

/// An invariant of every history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// I1: an acknowledged command's events are in the log, at the position and with the ids that the answer gave.
    NothingLost,
    /// I2: every event follows from a command that was sent, and not from one that all answers report as not executed.
    NoPhantom,
    /// I3: a command is in the log once, and an idempotency key has one effect.
    NoDuplicate,
    /// I4: versions and sequence numbers have no gaps, epochs never decrease, and an aggregate stays in one partition.
    Order,
    /// I5: for each aggregate there is an order of all commands that is consistent with every answer and with real
    /// time.
    Linearizable,
    /// I6: every event was allowed by the rules when it was decided.
    Legal,
    /// I10: either all events of a command are in the log or none.
    AllOrNone,
    /// Every answer is valid, and contains `Retry-After` if the client should retry.
    Answers,
}

/// A violated invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The invariant.
    pub invariant: Invariant,
    /// What violates it.
    pub description: String,
}

impl Violation {
    pub(super) fn new(invariant: Invariant, description: String) -> Self {
        Self { invariant, description }
    }
}

impl Display for Violation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.description)
    }
}

/// Finds every violation in this history.
///
/// If the events of an aggregate are out of order, its other invariants are not checked.
pub fn check<R: Rules>(rules: &R, history: &History) -> Vec<Violation> {
    let mut violations = order::partitions(&history.log);
    violations.extend(answers::valid(&history.attempts));
    violations.extend(order::commands(&history.log));
    for aggregate in Aggregate::all(rules, history) {
        let out_of_order = order::versions(&aggregate);
        if out_of_order.is_empty() {
            violations.extend(writes::explained(rules, &aggregate));
            violations.extend(answers::match_the_log(rules, &aggregate));
            violations.extend(real_time::linearizable(rules, &aggregate));
        }
        violations.extend(out_of_order);
    }
    violations
}
