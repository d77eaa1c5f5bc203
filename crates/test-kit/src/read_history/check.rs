use std::fmt::{self, Display, Formatter};

use super::{ReadHistory, models, parked, projected, sessions, timeline::Timelines};

/// A promise that every read model keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// I9: a token is honoured or refused, never answered with older rows as if they were current.
    TokenKept,
    /// I8: a session never sees a version go down, nor one below what it was told of its own writes.
    NeverBack,
    /// I7, while it runs: an answer is the fold of the log up to where it says that it stands, no more and no less.
    TrueToItsStand,
    /// An answer says that events of its aggregate are parked just if they are.
    SaysBehind,
    /// Every answer is one that a client can expect.
    Answers,
    /// I7: the rows are the fold of the log, however they came about.
    Fold,
    /// Every acknowledged write is in the log, and becomes visible.
    Visible,
    /// I12: an event is applied or parked, with its bytes, its position and a reason; nothing else is parked.
    NothingSkipped,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub promise: Promise,
    /// By what.
    pub what: String,
}

impl Violation {
    pub(super) const fn new(promise: Promise, what: String) -> Self {
        Self { promise, what }
    }
}

impl Display for Violation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.promise, self.what)
    }
}

/// Every promise that this history breaks; none, if all is well.
pub fn check(history: &ReadHistory) -> Vec<Violation> {
    let timelines = Timelines::of(history);
    let mut breaches = sessions::each_read(&timelines, history);
    breaches.extend(sessions::never_back(&timelines, history));
    breaches.extend(models::are_the_fold(&timelines, history));
    breaches.extend(models::show_every_write(&timelines, history));
    breaches.extend(parked::nothing_skipped(&history.unfit, &history.parked));
    breaches.extend(projected::are_the_fold(history));
    breaches.extend(projected::skip_nothing(history));
    breaches
}
