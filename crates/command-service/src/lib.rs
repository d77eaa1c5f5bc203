//! The command API of a context, except for its routes.
//!
//! A service describes itself in a [`Context`] and gives each command a route of a few lines around [`Dispatch`]. This
//! crate does the rest: it connects to Kafka, the registry and Postgres, decides commands or forwards them to the
//! instance that owns their shard, takes commands for later (`Prefer: respond-async`), and answers with the
//! resulting events or with a problem document.
//!
//! It must never report success before the events are committed, and never report that nothing was written when that
//! is not certain.
//!
//! ```no_run
//! # use axum::http::StatusCode;
//! # use command_service::{CommandAggregate, CommandState, Context, SchemaFile, Settings, Startup, StartupError, router};
//! # use service_kit::{Start, http, start};
//! # use utoipa_axum::router::OpenApiRouter;
//! # async fn serve<Order: CommandAggregate>(
//! #     commands: OpenApiRouter<CommandState<Order>>,
//! #     events: &'static [SchemaFile],
//! #     payloads: &'static [SchemaFile],
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let context = Context {
//!     name: "orders",
//!     http_port: 8101,
//!     admin_port: 9101,
//!     events,
//!     commands: payloads,
//!     refusals: "### order-not-found\n\n404. There is no order with this id.\n",
//!     refusal_statuses: &[("order-not-found", StatusCode::NOT_FOUND)],
//! };
//! let Start { settings, health, shutdown } =
//!     start(&context.admin_address(), |environment| Settings::read(environment, &context)).await?;
//!
//! let listener = settings.http.listen().await?;
//! let startup = Startup::<Order>::begin(&context, &settings, &health, &shutdown);
//! http::serve(router(commands, &startup), listener, &settings.http.limits, startup.handed_over()).await;
//! startup.finish().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Several kinds of aggregates in one context
//!
//! They share the topics, the partitions and the engine, as the sum of their deciders: an enum for each of state,
//! command, event and refusal, with a variant for each kind, and an [`Aggregate`](aggregate::Aggregate) whose `decide`
//! and `evolve` match and delegate.
//!
//! - [`Aggregate::kind`](aggregate::Aggregate::kind) names the kind of an event, which becomes its `ce_source`:
//!   `/bank/card`. The names of events and commands differ throughout the context.
//! - A route names its kind, `Dispatch<Bank, Card>`, and passes on a command of that kind. `Bank::Command` implements
//!   `From` for it.
//! - An id belongs to the kind that it was first used for: `decide` refuses a command for another kind.
//!
//! `tests/api/bank.rs` is such a context. What needs other partitions, or is kept for another time, is another context.

mod command_state;
mod context;
mod dispatch;
mod forwarding;
mod idempotency;
mod openapi;
mod outcomes;
mod problems;
mod respond_async;
mod responses;
mod router;
mod settings;
mod shard_health;
mod startup;
mod write_side;

pub use command_state::CommandState;
pub use context::{CommandAggregate, Context, RefusalStatuses};
pub use dispatch::{CommandResult, Dispatch};
pub use event_log::SchemaFile;
pub use forwarding::ForwardingSettings;
pub use openapi::{ChangeHeaders, ChangeResponses, CreateHeaders, CreateResponses};
pub use responses::{AcceptedResponse, CommandResponse, EventRef, PositionBody};
pub use router::router;
pub use settings::Settings;
pub use startup::{Startup, StartupError};
