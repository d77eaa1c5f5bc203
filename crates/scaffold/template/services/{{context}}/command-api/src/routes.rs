//! One route for each command.

use command_service::{
    ChangeHeaders, ChangeResponses, CommandResult, CommandState, CreateHeaders, CreateResponses, Dispatch,
};
use service_kit::{Json, Path};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use {{context}}_domain::{Command, Create{{Aggregate}}, Rename{{Aggregate}}, {{Aggregate}}};

/// The start of `/openapi.json`.
#[derive(OpenApi)]
#[openapi(info(title = "{{Title}}: commands", description = "Create and rename {{plural_words}}."))]
struct Description;

pub(crate) fn commands() -> OpenApiRouter<CommandState<{{Aggregate}}>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(create_{{aggregate}}))
        .routes(routes!(rename_{{aggregate}}))
}

/// Create {{an}} {{words}}.
#[utoipa::path(
    post,
    path = "/{{path}}",
    params(CreateHeaders),
    request_body = Create{{Aggregate}},
    responses(CreateResponses<{{Aggregate}}>)
)]
async fn create_{{aggregate}}(
    dispatch: Dispatch<{{Aggregate}}>,
    Json(create): Json<Create{{Aggregate}}>,
) -> CommandResult {
    dispatch.create(create.{{aggregate}}_id, Command::Create{{Aggregate}}(create)).await
}

/// Rename {{an}} {{words}}. If it already has this name, the response is 200 without an event.
#[utoipa::path(
    post,
    path = "/{{path}}/{{{aggregate}}_id}/rename",
    params(("{{aggregate}}_id" = Uuid, Path, description = "The id of the {{words}}."), ChangeHeaders),
    request_body = Rename{{Aggregate}},
    responses(ChangeResponses<{{Aggregate}}>)
)]
async fn rename_{{aggregate}}(
    dispatch: Dispatch<{{Aggregate}}>,
    Path({{aggregate}}_id): Path<Uuid>,
    Json(rename): Json<Rename{{Aggregate}}>,
) -> CommandResult {
    dispatch.change({{aggregate}}_id, Command::Rename{{Aggregate}}(rename)).await
}
