//! Tests of rules: given a history, when a command arrives, then these events or this refusal follow.

use std::fmt::Debug;

use crate::{Aggregate, fold};

/// A history, to be followed by a command.
#[must_use = "a scenario checks nothing until its `then`"]
pub struct Given<A: Aggregate>(A::State);

/// What was decided, to be compared with what was expected.
#[must_use = "a scenario checks nothing until its `then`"]
pub struct Decided<A: Aggregate>(Result<Vec<A::Event>, A::Refusal>);

/// Starts a scenario with the events so far.
pub fn given<A: Aggregate>(history: impl IntoIterator<Item = A::Event>) -> Given<A> {
    Given(fold::<A>(&history.into_iter().collect::<Vec<_>>()))
}

impl<A: Aggregate> Given<A> {
    /// The command that arrives.
    pub fn when(self, command: A::Command) -> Decided<A> {
        Decided(A::decide(&self.0, command))
    }
}

impl<A: Aggregate> Decided<A>
where
    A::Event: PartialEq + Debug,
    A::Refusal: PartialEq,
{
    /// Exactly these events follow.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = A::Event>) {
        assert_eq!(self.0, Ok(events.into_iter().collect()));
    }

    /// Nothing follows: the command is already satisfied.
    #[track_caller]
    pub fn then_nothing(self) {
        self.then([]);
    }

    /// The command is refused for exactly this reason.
    #[track_caller]
    pub fn then_refused(self, refusal: A::Refusal) {
        assert_eq!(self.0, Err(refusal));
    }
}
