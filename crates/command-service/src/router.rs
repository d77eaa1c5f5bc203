use aggregate::Aggregate;
use axum::Router;
use service_kit::{docs, problem::page};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    CommandState, Startup, openapi,
    outcomes::{__path_command, command},
};

/// The whole API: the commands of a context, `GET /commands/{command_id}`, the `OpenAPI` description, and the pages of
/// the context's own problems.
pub fn router<A: Aggregate>(commands: OpenApiRouter<CommandState<A>>, startup: &Startup<A>) -> Router {
    let outcomes = OpenApiRouter::new().routes(routes!(command)).with_state(startup.outcome_state());
    let (router, mut description) =
        commands.with_state(startup.command_state()).merge(outcomes).split_for_parts();
    openapi::complete::<A>(&mut description);
    router.merge(docs::router(description)).merge(page::own(startup.context().refusals))
}
