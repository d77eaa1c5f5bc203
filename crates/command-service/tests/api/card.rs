//! A second kind of aggregate.

use aggregate::{Aggregate, Message, Payload};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) struct Card;

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) enum State {
    #[default]
    NotIssued,
    Usable,
    Blocked,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Command {
    Issue(IssueCard),
    Block(BlockCard),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
pub(crate) struct IssueCard {
    #[garde(length(min = 1, max = 20))]
    holder: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
pub(crate) struct BlockCard {}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Event {
    Issued(CardIssued),
    Blocked(CardBlocked),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CardIssued {
    holder: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CardBlocked {}

#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is no such card")]
    CardNotFound {},
    #[error("the card is issued already")]
    CardAlreadyIssued {},
}

impl Aggregate for Card {
    const NAME: &'static str = "card";
    const STATE_VERSION: u32 = 1;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Refusal> {
        match (state, command) {
            (State::NotIssued, Command::Issue(IssueCard { holder })) => {
                Ok(vec![Event::Issued(CardIssued { holder })])
            }
            (State::Usable | State::Blocked, Command::Issue(_)) => Err(Refusal::CardAlreadyIssued {}),
            (State::NotIssued, Command::Block(_)) => Err(Refusal::CardNotFound {}),
            (State::Usable, Command::Block(_)) => Ok(vec![Event::Blocked(CardBlocked {})]),
            (State::Blocked, Command::Block(_)) => Ok(vec![]),
        }
    }

    fn evolve(_state: State, event: &Event) -> State {
        match event {
            Event::Issued(_) => State::Usable,
            Event::Blocked(_) => State::Blocked,
        }
    }
}

impl Message for Command {
    fn message_type(&self) -> &'static str {
        match self {
            Self::Issue(_) => "IssueCard",
            Self::Block(_) => "BlockCard",
        }
    }

    fn decode<P: Payload>(command_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        Ok(Some(match command_type {
            "IssueCard" => Self::Issue(payload.read()?),
            "BlockCard" => Self::Block(payload.read()?),
            _ => return Ok(None),
        }))
    }
}

impl Message for Event {
    fn message_type(&self) -> &'static str {
        match self {
            Self::Issued(_) => "CardIssued",
            Self::Blocked(_) => "CardBlocked",
        }
    }

    fn decode<P: Payload>(event_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        Ok(Some(match event_type {
            "CardIssued" => Self::Issued(payload.read()?),
            "CardBlocked" => Self::Blocked(payload.read()?),
            _ => return Ok(None),
        }))
    }
}

impl Validate for Command {
    type Context = ();

    fn validate_into(&self, (): &(), path: &mut dyn FnMut() -> garde::Path, report: &mut garde::Report) {
        match self {
            Self::Issue(command) => command.validate_into(&(), path, report),
            Self::Block(command) => command.validate_into(&(), path, report),
        }
    }
}

impl aggregate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::CardNotFound {} => "card-not-found",
            Self::CardAlreadyIssued {} => "card-already-issued",
        }
    }
}
