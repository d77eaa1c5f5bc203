//! A context with two types of aggregates, whose deciders are combined into one, with one topic and one engine.

use aggregate::{Aggregate, Message, Payload};
use axum::http::StatusCode;
use command_service::{
    ChangeHeaders, ChangeResponses, CommandResult, CommandState, Context, CreateHeaders, CreateResponses,
    Dispatch, RefusalStatuses,
};
use event_log::SchemaFile;
use garde::Validate;
use serde::{Deserialize, Serialize};
use service_kit::{Json, Path};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    account::{self, Account, OpenAccount},
    card::{self, BlockCard, Card, IssueCard},
};

pub(crate) const BANK: Context = Context {
    name: "bank",
    http_port: 8902,
    admin_port: 9902,
    events: EVENTS,
    commands: COMMANDS,
    refusals: "# Refusals\n\n### other-kind\n\n409. The id belongs to an aggregate of another kind.\n",
    refusal_statuses: REFUSAL_STATUSES,
};

const EVENTS: &[SchemaFile] = &[
    account::EVENTS[0],
    account::EVENTS[1],
    SchemaFile::new(1, include_str!("../schemas/events/card_issued.avsc")),
    SchemaFile::new(1, include_str!("../schemas/events/card_blocked.avsc")),
];

const COMMANDS: &[SchemaFile] = &[
    account::COMMANDS[0],
    account::COMMANDS[1],
    SchemaFile::new(1, include_str!("../schemas/commands/issue_card.avsc")),
    SchemaFile::new(1, include_str!("../schemas/commands/block_card.avsc")),
];

const REFUSAL_STATUSES: RefusalStatuses = &[
    account::REFUSAL_STATUSES[0],
    account::REFUSAL_STATUSES[1],
    ("card-not-found", StatusCode::NOT_FOUND),
    ("card-already-issued", StatusCode::CONFLICT),
    ("other-kind", StatusCode::CONFLICT),
];

pub(crate) struct Bank;

/// An id belongs to the type of aggregate for which it was first used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) enum State {
    #[default]
    None,
    Account(account::State),
    Card(card::State),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Command {
    Account(account::Command),
    Card(card::Command),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Event {
    Account(account::Event),
    Card(card::Event),
}

#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[serde(untagged)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Account(#[from] account::Refusal),
    #[error(transparent)]
    Card(#[from] card::Refusal),
    #[error("the id belongs to an aggregate of another kind")]
    OtherKind {},
}

impl Aggregate for Bank {
    /// The id in the outcomes of commands is named after it: `aggregate_id`.
    const NAME: &'static str = "aggregate";
    const STATE_VERSION: u32 = Account::STATE_VERSION + Card::STATE_VERSION;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Refusal> {
        match (state, command) {
            (State::None, Command::Account(command)) => decide_account(&None, command),
            (State::Account(state), Command::Account(command)) => decide_account(state, command),
            (State::None, Command::Card(command)) => decide_card(card::State::default(), command),
            (State::Card(state), Command::Card(command)) => decide_card(*state, command),
            (State::Account(_), Command::Card(_)) | (State::Card(_), Command::Account(_)) => {
                Err(Refusal::OtherKind {})
            }
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (State::Account(state), Event::Account(event)) => State::Account(Account::evolve(state, event)),
            (_, Event::Account(event)) => State::Account(Account::evolve(None, event)),
            (State::Card(state), Event::Card(event)) => State::Card(Card::evolve(state, event)),
            (_, Event::Card(event)) => State::Card(Card::evolve(card::State::default(), event)),
        }
    }

    fn kind(event: &Event) -> &'static str {
        match event {
            Event::Account(_) => Account::NAME,
            Event::Card(_) => Card::NAME,
        }
    }
}

fn decide_account(state: &account::State, command: account::Command) -> Result<Vec<Event>, Refusal> {
    Ok(Account::decide(state, command)?.into_iter().map(Event::Account).collect())
}

fn decide_card(state: card::State, command: card::Command) -> Result<Vec<Event>, Refusal> {
    Ok(Card::decide(&state, command)?.into_iter().map(Event::Card).collect())
}

impl From<account::Command> for Command {
    fn from(command: account::Command) -> Self {
        Self::Account(command)
    }
}

impl From<card::Command> for Command {
    fn from(command: card::Command) -> Self {
        Self::Card(command)
    }
}

impl Message for Command {
    fn message_type(&self) -> &'static str {
        match self {
            Self::Account(command) => command.message_type(),
            Self::Card(command) => command.message_type(),
        }
    }

    fn decode<P: Payload>(command_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        match command_type {
            "OpenAccount" | "DepositMoney" => {
                Ok(account::Command::decode(command_type, payload)?.map(Self::Account))
            }
            _ => Ok(card::Command::decode(command_type, payload)?.map(Self::Card)),
        }
    }
}

impl Message for Event {
    fn message_type(&self) -> &'static str {
        match self {
            Self::Account(event) => event.message_type(),
            Self::Card(event) => event.message_type(),
        }
    }

    fn decode<P: Payload>(event_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        match event_type {
            "AccountOpened" | "MoneyDeposited" => {
                Ok(account::Event::decode(event_type, payload)?.map(Self::Account))
            }
            _ => Ok(card::Event::decode(event_type, payload)?.map(Self::Card)),
        }
    }
}

impl Validate for Command {
    type Context = ();

    fn validate_into(&self, (): &(), path: &mut dyn FnMut() -> garde::Path, report: &mut garde::Report) {
        match self {
            Self::Account(command) => command.validate_into(&(), path, report),
            Self::Card(command) => command.validate_into(&(), path, report),
        }
    }
}

impl aggregate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Account(refusal) => refusal.code(),
            Self::Card(refusal) => refusal.code(),
            Self::OtherKind {} => "other-kind",
        }
    }
}

/// The routes of the context.
pub(crate) fn routes() -> OpenApiRouter<CommandState<Bank>> {
    OpenApiRouter::new().routes(routes!(open_account)).routes(routes!(issue_card)).routes(routes!(block_card))
}

/// Open an account.
#[utoipa::path(
    post,
    path = "/accounts",
    params(CreateHeaders),
    request_body = OpenAccount,
    responses(CreateResponses<Account>)
)]
async fn open_account(dispatch: Dispatch<Bank, Account>, Json(open): Json<OpenAccount>) -> CommandResult {
    dispatch.create(open.account_id, account::Command::OpenAccount(open)).await
}

/// Issue a card.
#[utoipa::path(
    post,
    path = "/cards",
    params(CreateHeaders),
    request_body = IssueCard,
    responses(CreateResponses<Card>)
)]
async fn issue_card(dispatch: Dispatch<Bank, Card>, Json(issue): Json<IssueCard>) -> CommandResult {
    dispatch.create(None, card::Command::IssueCard(issue)).await
}

/// Block a card.
#[utoipa::path(
    post,
    path = "/cards/{card_id}/block",
    params(("card_id" = Uuid, Path, description = "Which card."), ChangeHeaders),
    request_body = BlockCard,
    responses(ChangeResponses<Card>)
)]
async fn block_card(
    dispatch: Dispatch<Bank, Card>,
    Path(card_id): Path<Uuid>,
    Json(block): Json<BlockCard>,
) -> CommandResult {
    dispatch.change(card_id, card::Command::BlockCard(block)).await
}
