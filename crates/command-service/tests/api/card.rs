//! A second type of aggregate.

use aggregate::{Aggregate, Message};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) struct Card;

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) enum State {
    #[default]
    NotIssued,
    Active,
    Blocked,
}

#[derive(Debug, Clone, PartialEq, Serialize, Message)]
#[message(validate)]
#[serde(untagged)]
pub(crate) enum Command {
    IssueCard(IssueCard),
    BlockCard(BlockCard),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
pub(crate) struct IssueCard {
    #[garde(length(min = 1, max = 20))]
    holder: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
pub(crate) struct BlockCard {}

#[derive(Debug, Clone, PartialEq, Serialize, Message)]
#[serde(untagged)]
pub(crate) enum Event {
    CardIssued(CardIssued),
    CardBlocked(CardBlocked),
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
            (State::NotIssued, Command::IssueCard(IssueCard { holder })) => {
                Ok(vec![Event::CardIssued(CardIssued { holder })])
            }
            (State::Active | State::Blocked, Command::IssueCard(_)) => Err(Refusal::CardAlreadyIssued {}),
            (State::NotIssued, Command::BlockCard(_)) => Err(Refusal::CardNotFound {}),
            (State::Active, Command::BlockCard(_)) => Ok(vec![Event::CardBlocked(CardBlocked {})]),
            (State::Blocked, Command::BlockCard(_)) => Ok(vec![]),
        }
    }

    fn evolve(_state: State, event: &Event) -> State {
        match event {
            Event::CardIssued(_) => State::Active,
            Event::CardBlocked(_) => State::Blocked,
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
