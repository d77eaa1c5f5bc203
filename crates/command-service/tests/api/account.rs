//! A small aggregate with two commands and two events, and its routes.

use aggregate::{Aggregate, Message};
use axum::http::StatusCode;
use command_service::{
    ChangeHeaders, ChangeResponses, CommandResult, CommandState, Context, CreateHeaders, CreateResponses,
    Dispatch, RefusalStatuses,
};
use event_log::SchemaFile;
use garde::Validate;
use serde::{Deserialize, Serialize};
use service_kit::{Json, Path};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

/// A context with one type of aggregate.
pub(crate) const ACCOUNTS: Context = Context {
    name: "accounts",
    http_port: 8901,
    admin_port: 9901,
    events: EVENTS,
    commands: COMMANDS,
    refusals: "# Refusals\n\n### account-not-found\n\n404. There is no such account.\n",
    refusal_statuses: REFUSAL_STATUSES,
};

pub(crate) const EVENTS: &[SchemaFile] = &[
    SchemaFile::new(1, include_str!("../schemas/events/account_opened.avsc")),
    SchemaFile::new(1, include_str!("../schemas/events/money_deposited.avsc")),
];

pub(crate) const COMMANDS: &[SchemaFile] = &[
    SchemaFile::new(1, include_str!("../schemas/commands/open_account.avsc")),
    SchemaFile::new(1, include_str!("../schemas/commands/deposit_money.avsc")),
];

pub(crate) const REFUSAL_STATUSES: RefusalStatuses =
    &[("account-not-found", StatusCode::NOT_FOUND), ("account-already-opened", StatusCode::CONFLICT)];

pub(crate) struct Account;

/// The balance in minor units, once the account is open.
pub(crate) type State = Option<i64>;

#[derive(Debug, Clone, PartialEq, Serialize, Message)]
#[message(validate)]
#[serde(untagged)]
pub(crate) enum Command {
    OpenAccount(OpenAccount),
    DepositMoney(DepositMoney),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
pub(crate) struct OpenAccount {
    #[garde(skip)]
    #[serde(default, skip_serializing)]
    pub(crate) account_id: Option<Uuid>,
    #[garde(length(min = 1))]
    owner: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
pub(crate) struct DepositMoney {
    #[garde(range(min = 1, max = 1_000_000))]
    amount: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Message)]
#[serde(untagged)]
pub(crate) enum Event {
    AccountOpened(AccountOpened),
    MoneyDeposited(MoneyDeposited),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccountOpened {
    pub(crate) owner: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MoneyDeposited {
    pub(crate) amount: i64,
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
            (None, Command::OpenAccount(OpenAccount { owner, .. })) => {
                Ok(vec![Event::AccountOpened(AccountOpened { owner })])
            }
            (Some(_), Command::OpenAccount(_)) => Err(Refusal::AccountAlreadyOpened {}),
            (None, Command::DepositMoney(_)) => Err(Refusal::AccountNotFound {}),
            (Some(_), Command::DepositMoney(DepositMoney { amount })) => {
                Ok(vec![Event::MoneyDeposited(MoneyDeposited { amount })])
            }
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match event {
            Event::AccountOpened(_) => Some(0),
            Event::MoneyDeposited(MoneyDeposited { amount }) => Some(state.unwrap_or_default() + amount),
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
    dispatch.create(open.account_id, Command::OpenAccount(open)).await
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
    dispatch.change(account_id, Command::DepositMoney(deposit)).await
}
