//! An account: a small aggregate that accepts, refuses, changes nothing, and emits several events.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use aggregate::{Aggregate, Message};
use event_log::{Codec, SchemaFile, Shards, Topics};
use serde::{Deserialize, Serialize};

const DEPOSITED: &str = r#"{"type": "record", "name": "Deposited", "namespace": "bank",
    "fields": [{"name": "amount", "type": "long"}]}"#;
const WITHDRAWN: &str = r#"{"type": "record", "name": "Withdrawn", "namespace": "bank",
    "fields": [{"name": "amount", "type": "long"}]}"#;
const CLOSED: &str = r#"{"type": "record", "name": "Closed", "namespace": "bank", "fields": []}"#;

pub(crate) static CODEC: LazyLock<Arc<Codec>> = LazyLock::new(|| {
    let files = [DEPOSITED, WITHDRAWN, CLOSED].map(|text| SchemaFile { version: 1, text });
    Arc::new(Codec::offline(&files).unwrap())
});

pub(crate) fn topics() -> Topics {
    Topics::new("", "bank")
}

/// One shard of two partitions.
pub(crate) static SHARDS: LazyLock<Shards> = LazyLock::new(|| Shards::new(2, 1).unwrap());

pub(crate) struct Account;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    balance: i64,
    closed: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    /// One event for each coin of 1; no event without coins.
    Deposit(usize),
    Withdraw(i64),
    /// Withdraws the balance; changes nothing if the account is closed already.
    Close,
}

#[derive(Debug, Clone, PartialEq, Serialize, Message)]
#[serde(untagged)]
pub(crate) enum Event {
    Deposited(Deposited),
    Withdrawn(Withdrawn),
    Closed(Closed),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deposited {
    amount: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Withdrawn {
    amount: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Closed {}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) enum Refusal {
    Overdrawn,
    IsClosed,
}

impl Aggregate for Account {
    const NAME: &'static str = "account";
    const STATE_VERSION: u32 = 1;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Refusal> {
        let withdrawn = |amount| Event::Withdrawn(Withdrawn { amount });
        match command {
            Command::Close if state.closed => Ok(vec![]),
            _ if state.closed => Err(Refusal::IsClosed),
            Command::Close => Ok(vec![withdrawn(state.balance), Event::Closed(Closed {})]),
            Command::Withdraw(amount) if amount > state.balance => Err(Refusal::Overdrawn),
            Command::Withdraw(amount) => Ok(vec![withdrawn(amount)]),
            Command::Deposit(coins) => Ok(vec![Event::deposited(1); coins]),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        let State { balance, closed } = state;
        match event {
            Event::Deposited(Deposited { amount }) => State { balance: balance + amount, closed },
            Event::Withdrawn(Withdrawn { amount }) => State { balance: balance - amount, closed },
            Event::Closed(_) => State { balance, closed: true },
        }
    }
}

impl Event {
    pub(crate) fn deposited(amount: i64) -> Self {
        Self::Deposited(Deposited { amount })
    }
}

impl aggregate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Overdrawn => "overdrawn",
            Self::IsClosed => "is-closed",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Refusal {}
