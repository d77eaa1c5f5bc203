//! A small aggregate whose state depends on the order of its events, and the next generation of its state.

use std::{convert::Infallible, fmt};

use aggregate::{Aggregate, Message, Payload};
use serde::{Deserialize, Serialize};

/// Adds numbers up.
pub(crate) struct Tally;

/// The same aggregate with the next version of its state.
pub(crate) struct NextTally;

/// Three times the previous state plus the number, so that the order of events matters.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Total {
    pub(crate) total: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct NextTotal {
    pub(crate) numbers: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Event {
    Even(u64),
    Odd(u64),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) enum NoRefusal {}

impl Aggregate for Tally {
    const NAME: &'static str = "tally";
    const STATE_VERSION: u32 = 1;
    type State = Total;
    type Command = Infallible;
    type Event = Event;
    type Refusal = NoRefusal;

    fn decide(_: &Total, command: Infallible) -> Result<Vec<Event>, NoRefusal> {
        match command {}
    }

    fn evolve(state: Total, event: &Event) -> Total {
        Total { total: state.total.wrapping_mul(3).wrapping_add(event.number()) }
    }
}

impl Aggregate for NextTally {
    const NAME: &'static str = "tally";
    const STATE_VERSION: u32 = 2;
    type State = NextTotal;
    type Command = Infallible;
    type Event = Event;
    type Refusal = NoRefusal;

    fn decide(_: &NextTotal, command: Infallible) -> Result<Vec<Event>, NoRefusal> {
        match command {}
    }

    fn evolve(mut state: NextTotal, event: &Event) -> NextTotal {
        state.numbers.push(event.number());
        state
    }
}

impl Event {
    pub(crate) fn of(number: u64) -> Self {
        if number.is_multiple_of(2) { Self::Even(number) } else { Self::Odd(number) }
    }

    fn number(&self) -> u64 {
        match self {
            Self::Even(number) | Self::Odd(number) => *number,
        }
    }
}

impl Message for Event {
    fn message_type(&self) -> &'static str {
        match self {
            Self::Even(_) => "Even",
            Self::Odd(_) => "Odd",
        }
    }

    fn decode<P: Payload>(_: &str, payload: P) -> Result<Option<Self>, P::Error> {
        payload.read().map(Some)
    }
}

impl aggregate::Refusal for NoRefusal {
    fn code(&self) -> &'static str {
        match *self {}
    }
}

impl fmt::Display for NoRefusal {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for NoRefusal {}
