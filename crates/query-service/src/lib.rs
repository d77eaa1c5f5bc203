//! A query API but for its routes and SQL.
//!
//! A context writes one function for each query: the route, and one SQL statement that selects the result together with
//! `read_position(…)`, the position in the log up to which the projection has read. This crate does the rest: it waits
//! for consistency tokens, sets the response headers, splits lists into pages, and serves histories, earlier states and
//! change streams from the journal. It must never claim that rows are fresher than they are, so rows and position
//! always come from the same snapshot.
//!
//! The routes of history and changes are ready-made:
//!
//! ```no_run
//! # use axum::Router;
//! # use query_service::{Changes, JOURNAL, Journal, Projection, ReadModel, Settings, router};
//! # use service_kit::health::Health;
//! # use tokio_util::sync::CancellationToken;
//! # use utoipa_axum::{router::OpenApiRouter, routes};
//! # #[derive(Clone)]
//! # struct Reads { orders: Projection, journal: Journal }
//! # #[utoipa::path(get, path = "/orders/{order_id}")]
//! # async fn order() {}
//! # fn queries(settings: &Settings, health: &Health, shutdown: CancellationToken) -> Router {
//! let read_model = ReadModel::connect(settings, "order");
//! let [orders, journal] = read_model.follow(["orders", JOURNAL], health.component("read model"));
//! let changes = Changes::follow(journal.clone(), None, settings.changes, shutdown);
//! let reads = Reads { orders, journal: Journal::new(journal) };
//!
//! let queries = OpenApiRouter::new()
//!     .routes(routes!(order))
//!     .routes(reads.journal.history_route("/orders/{order_id}/history"))
//!     .routes(changes.route("/orders/changes"))
//!     .with_state(reads);
//! router(queries, &["order"], "### order-not-found\n\n404. There is no order with this id.\n")
//! # }
//! ```
//!
//! # Several kinds of aggregates in one context
//!
//! They share the topic, the database and the journal. What [`ReadModel::connect`] and [`ReadModel::follow`] return
//! serves queries about the kind given to `connect`. [`Projection::of`], [`Journal::of`] and [`Changes::of`] return the
//! same for another kind: its name appears in problems and id fields, and histories and streams contain only its
//! events:
//!
//! ```no_run
//! # use query_service::{Changes, JOURNAL, Journal, ReadModel, Settings};
//! # use utoipa_axum::router::OpenApiRouter;
//! # fn queries(read_model: ReadModel, changes: Changes, component: service_kit::health::Component) -> OpenApiRouter {
//! let [accounts, cards, journal] = read_model.follow(["accounts", "cards", JOURNAL], component);
//! let (cards, journal) = (cards.of("card"), Journal::new(journal));
//!
//! OpenApiRouter::new()
//!     .routes(journal.history_route("/accounts/{account_id}/history"))
//!     .routes(journal.of("card").history_route("/cards/{card_id}/history"))
//!     .routes(changes.route("/accounts/changes"))
//!     .routes(changes.of("card").route("/cards/changes"))
//! # }
//! ```
//!
//! `tests/lamps` is an example.

mod answer;
mod changes;
mod document;
mod journal;
mod list;
mod mounted_at;
pub mod openapi;
mod position_body;
mod problems;
mod projection;
mod read_model;
mod read_position;
mod request;
mod router;
mod settings;

pub use self::{
    answer::Answer,
    changes::{Change, Changes, ChangesFilter, ChangesRequest},
    document::Document,
    journal::{
        Fold, HistoryPage, JOURNAL, Journal, JournalEntry, PastEvent, PointInTime, PointInTimeParameters,
    },
    list::{Limit, List, NoFilters, PageParameters},
    position_body::PositionBody,
    projection::{Found, Projection, ReadScope},
    read_model::ReadModel,
    read_position::ReadPosition,
    request::ReadRequest,
    router::router,
    settings::{ChangesSettings, DatabaseSettings, Settings, WaitLimits},
};
