//! An account: a small aggregate that accepts, refuses, changes nothing, and emits several events.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use aggregate::{Aggregate, Payload};
use event_log::{Codec, SchemaFile};
use serde::{Deserialize, Serialize};

const DEPOSITED: &str = r#"{"type": "record", "name": "Deposited", "namespace": "bank",
    "fields": [{"name": "amount", "type": "long"}]}"#;
const WITHDRAWN: &str = r#"{"type": "record", "name": "Withdrawn", "namespace": "bank",
    "fields": [{"name": "amount", "type": "long"}]}"#;
const CLOSED: &str = r#"{"type": "record", "name": "Closed", "namespace": "bank", "fields": []}"#;
const MISNAMED: &str = r#"{"type": "record", "name": "Misnamed", "namespace": "bank", "fields": []}"#;

/// The schemas of all events but [`Event::Frozen`].
pub(crate) static CODEC: LazyLock<Arc<Codec>> = LazyLock::new(|| {
    let files = [DEPOSITED, WITHDRAWN, CLOSED, MISNAMED].map(|text| SchemaFile { version: 1, text });
    Arc::new(Codec::offline(&files).unwrap())
});

pub(crate) struct Account;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) balance: i64,
    closed: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Command {
    /// One event for each coin; no event without coins.
    Deposit(Vec<i64>),
    Withdraw(i64),
    /// Withdraws the balance; changes nothing if the account is closed already.
    Close,
    /// Withdraws one and freezes the account; the second event has no schema.
    Freeze,
    /// Leads to an event whose struct has another name than its schema: Avro can encode it but not decode it.
    Misname,
    /// Panics in `decide`.
    Panic,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Event {
    Deposited(Deposited),
    Withdrawn(Withdrawn),
    Closed(Closed),
    Misnamed(Unnamed),
    Frozen,
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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Unnamed {}

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
            Command::Misname => Ok(vec![Event::Misnamed(Unnamed {})]),
            Command::Panic => panic!("planted"),
            Command::Freeze => Ok(vec![withdrawn(1), Event::Frozen]),
            Command::Withdraw(amount) if amount > state.balance => Err(Refusal::Overdrawn),
            Command::Withdraw(amount) => Ok(vec![withdrawn(amount)]),
            Command::Deposit(coins) => {
                Ok(coins.into_iter().map(|amount| Event::Deposited(Deposited { amount })).collect())
            }
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        let State { balance, closed } = state;
        match event {
            Event::Deposited(Deposited { amount }) => State { balance: balance + amount, closed },
            Event::Withdrawn(Withdrawn { amount }) => State { balance: balance - amount, closed },
            Event::Closed(_) | Event::Misnamed(_) | Event::Frozen => State { balance, closed: true },
        }
    }
}

impl aggregate::Message for Event {
    fn message_type(&self) -> &'static str {
        match self {
            Self::Deposited(_) => "Deposited",
            Self::Withdrawn(_) => "Withdrawn",
            Self::Closed(_) => "Closed",
            Self::Misnamed(_) => "Misnamed",
            Self::Frozen => "Frozen",
        }
    }

    fn decode<P: Payload>(event_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        Ok(Some(match event_type {
            "Deposited" => Self::Deposited(payload.read()?),
            "Withdrawn" => Self::Withdrawn(payload.read()?),
            "Closed" => Self::Closed(payload.read()?),
            "Misnamed" => Self::Misnamed(payload.read()?),
            _ => return Ok(None),
        }))
    }
}

impl aggregate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        "account-refused"
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Refusal {}
