//! The events of an account.

use aggregate::{AggregateId, Message, Payload};
use event_log::SchemaFile;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The name of the context.
pub(crate) const CONTEXT: &str = "accounts";

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Event {
    Opened(AccountOpened),
    Deposited(MoneyDeposited),
    Closed(AccountClosed),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccountOpened {
    pub(crate) owner: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MoneyDeposited {
    pub(crate) amount: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccountClosed {
    pub(crate) reason: String,
}

impl Message for Event {
    fn message_type(&self) -> &'static str {
        match self {
            Self::Opened(_) => "AccountOpened",
            Self::Deposited(_) => "MoneyDeposited",
            Self::Closed(_) => "AccountClosed",
        }
    }

    fn decode<P: Payload>(event_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        Ok(Some(match event_type {
            "AccountOpened" => Self::Opened(payload.read()?),
            "MoneyDeposited" => Self::Deposited(payload.read()?),
            "AccountClosed" => Self::Closed(payload.read()?),
            _ => return Ok(None),
        }))
    }
}

pub(crate) fn schemas() -> [SchemaFile; 3] {
    [
        include_str!("../schemas/account_opened.avsc"),
        include_str!("../schemas/money_deposited.avsc"),
        include_str!("../schemas/account_closed.avsc"),
    ]
    .map(|text| SchemaFile::new(1, text))
}

pub(crate) fn new_account() -> AggregateId {
    Uuid::now_v7().into()
}

pub(crate) fn opened(owner: &str) -> Event {
    Event::Opened(AccountOpened { owner: owner.to_owned() })
}

pub(crate) fn deposited(amount: i64) -> Event {
    Event::Deposited(MoneyDeposited { amount })
}

pub(crate) fn closed(reason: &str) -> Event {
    Event::Closed(AccountClosed { reason: reason.to_owned() })
}
