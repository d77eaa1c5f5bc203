//! A small aggregate with two commands and two events, and its routes.

use aggregate::{Aggregate, Message, Payload};
use axum::http::StatusCode;
use command_service::{
    ChangeHeaders, ChangeResponses, CommandResult, CommandState, Context, CreateHeaders, CreateResponses,
    Dispatch,
};
use event_log::SchemaFile;
use garde::Validate;
use serde::{Deserialize, Serialize};
use service_kit::{Json, Path};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::environment::schema;

/// A context with one kind of aggregate.
pub(crate) const ACCOUNTS: Context = Context {
    name: "accounts",
    http_port: 8901,
    admin_port: 9901,
    events: EVENTS,
    commands: COMMANDS,
    refusals: "# Refusals\n\n### account-not-found\n\n404. There is no such account.\n",
    refusal_status: status,
};

pub(crate) const EVENTS: &[SchemaFile] = &[
    schema(include_str!("../schemas/events/account_opened.avsc")),
    schema(include_str!("../schemas/events/money_deposited.avsc")),
];

pub(crate) const COMMANDS: &[SchemaFile] = &[
    schema(include_str!("../schemas/commands/open_account.avsc")),
    schema(include_str!("../schemas/commands/deposit_money.avsc")),
];

pub(crate) fn status(code: &str) -> StatusCode {
    match code {
        "account-not-found" => StatusCode::NOT_FOUND,
        "account-already-opened" => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

pub(crate) struct Account;

/// The balance in minor units, once the account is open.
pub(crate) type State = Option<i64>;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Command {
    Open(OpenAccount),
    Deposit(DepositMoney),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
pub(crate) struct OpenAccount {
    #[garde(skip)]
    #[serde(default, skip_serializing)]
    pub(crate) account_id: Option<Uuid>,
    #[garde(length(min = 1, max = 20))]
    owner: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
pub(crate) struct DepositMoney {
    #[garde(range(min = 1, max = 1_000_000))]
    amount: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Event {
    Opened(AccountOpened),
    Deposited(MoneyDeposited),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccountOpened {
    owner: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MoneyDeposited {
    amount: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is no such account")]
    AccountNotFound {},
    #[error("the account is open already")]
    AccountAlreadyOpened {},
}

impl Aggregate for Account {
    const NAME: &'static str = "account";
    const STATE_VERSION: u32 = 1;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Refusal> {
        match (state, command) {
            (None, Command::Open(OpenAccount { owner, .. })) => {
                Ok(vec![Event::Opened(AccountOpened { owner })])
            }
            (Some(_), Command::Open(_)) => Err(Refusal::AccountAlreadyOpened {}),
            (None, Command::Deposit(_)) => Err(Refusal::AccountNotFound {}),
            (Some(_), Command::Deposit(DepositMoney { amount })) => {
                Ok(vec![Event::Deposited(MoneyDeposited { amount })])
            }
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match event {
            Event::Opened(_) => Some(0),
            Event::Deposited(MoneyDeposited { amount }) => Some(state.unwrap_or_default() + amount),
        }
    }
}

impl Message for Command {
    fn message_type(&self) -> &'static str {
        match self {
            Self::Open(_) => "OpenAccount",
            Self::Deposit(_) => "DepositMoney",
        }
    }

    fn decode<P: Payload>(command_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        Ok(Some(match command_type {
            "OpenAccount" => Self::Open(payload.read()?),
            "DepositMoney" => Self::Deposit(payload.read()?),
            _ => return Ok(None),
        }))
    }
}

impl Message for Event {
    fn message_type(&self) -> &'static str {
        match self {
            Self::Opened(_) => "AccountOpened",
            Self::Deposited(_) => "MoneyDeposited",
        }
    }

    fn decode<P: Payload>(event_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        Ok(Some(match event_type {
            "AccountOpened" => Self::Opened(payload.read()?),
            "MoneyDeposited" => Self::Deposited(payload.read()?),
            _ => return Ok(None),
        }))
    }
}

impl Validate for Command {
    type Context = ();

    fn validate_into(&self, (): &(), path: &mut dyn FnMut() -> garde::Path, report: &mut garde::Report) {
        match self {
            Self::Open(command) => command.validate_into(&(), path, report),
            Self::Deposit(command) => command.validate_into(&(), path, report),
        }
    }
}

impl aggregate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::AccountNotFound {} => "account-not-found",
            Self::AccountAlreadyOpened {} => "account-already-opened",
        }
    }
}

/// The routes of the context.
pub(crate) fn routes() -> OpenApiRouter<CommandState<Account>> {
    OpenApiRouter::new().routes(routes!(open_account)).routes(routes!(deposit_money))
}

/// Open an account.
#[utoipa::path(
    post,
    path = "/accounts",
    params(CreateHeaders),
    request_body = OpenAccount,
    responses(CreateResponses<Account>)
)]
async fn open_account(dispatch: Dispatch<Account>, Json(open): Json<OpenAccount>) -> CommandResult {
    dispatch.create(open.account_id, Command::Open(open)).await
}

/// Pay money in.
#[utoipa::path(
    post,
    path = "/accounts/{account_id}/deposits",
    params(("account_id" = Uuid, Path, description = "Which account."), ChangeHeaders),
    request_body = DepositMoney,
    responses(ChangeResponses<Account>)
)]
async fn deposit_money(
    dispatch: Dispatch<Account>,
    Path(account_id): Path<Uuid>,
    Json(deposit): Json<DepositMoney>,
) -> CommandResult {
    dispatch.change(account_id, Command::Deposit(deposit)).await
}
