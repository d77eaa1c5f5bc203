use std::fmt::{self, Display, Formatter};

use super::{ReadHistory, models, parked, projected, sessions, timeline::Timelines};

/// An invariant of every read model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// I9: a token is honoured or refused; rows older than the token are never returned as if they were current.
    TokenHonoured,
    /// I8: within a session, versions never go down, and never below the session's own acknowledged writes.
    MonotonicReads,
    /// I7, during the run: an answer is exactly the fold of the log up to the position that it claims.
    MatchesItsPosition,
    /// An answer says that events of its aggregate are parked if and only if they are.
    ReportsParked,
    /// Every answer is valid.
    Answers,
    /// I7: the rows are the fold of the log, however they were written.
    Fold,
    /// Every acknowledged write is in the log, and becomes visible.
    Visible,
    /// I12: every event is either applied, or parked with its bytes, its position and a reason. No other event is
    /// parked.
    NothingSkipped,
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
    pub(super) const fn new(invariant: Invariant, description: String) -> Self {
        Self { invariant, description }
    }
}

impl Display for Violation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.description)
    }
}

/// Finds every violation in this history.
pub fn check(history: &ReadHistory) -> Vec<Violation> {
    let timelines = Timelines::of(history);
    let mut violations = sessions::each_read(&timelines, history);
    violations.extend(sessions::monotonic_reads(&timelines, history));
    violations.extend(models::are_the_fold(&timelines, history));
    violations.extend(models::show_every_write(&timelines, history));
    violations.extend(parked::nothing_skipped(&history.unfit, &history.parked));
    violations.extend(projected::are_the_fold(history));
    violations.extend(projected::skip_nothing(history));
    violations
}
