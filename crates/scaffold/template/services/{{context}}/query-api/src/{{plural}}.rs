use axum::{extract::State, response::Response};
use query_service::{
    Found, List, NoFilters, PageParameters, ReadPosition, ReadRequest,
    openapi::{ReadHeaders, ReadResponses},
};
use serde::Serialize;
use service_kit::Problem;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{routes::Reads, {{aggregate}}::{{Aggregate}}};

/// A page of a list. The header `Link` points to the next one.
#[derive(Debug, Serialize, ToSchema)]
struct {{Aggregate}}Page {
    /// In the order of their ids.
    {{plural}}: Vec<{{Aggregate}}>,
}

/// All {{plural_words}}, in the order of their ids.
#[utoipa::path(
    get,
    path = "/{{path}}",
    params(PageParameters, ReadHeaders),
    responses((status = 200, description = "A page.", body = {{Aggregate}}Page), ReadResponses)
)]
pub(crate) async fn {{plural}}(
    State(reads): State<Reads>,
    list: List<NoFilters, Uuid>,
    request: ReadRequest,
) -> Result<Response, Problem> {
    let scope = reads.{{plural}}.all();
    let select = || {
        sqlx::query_as!(
            Found,
            r#"SELECT read_position($1, $2, NULL, NULL) AS "position!: Json<ReadPosition>",
                      (SELECT coalesce(json_agg(page), '[]')
                         FROM (SELECT {{aggregate}}_id, version, name, created_at, updated_at
                                 FROM {{plural}}
                                WHERE {{aggregate}}_id > $3
                                ORDER BY {{aggregate}}_id
                                LIMIT $4) AS page) AS "found!: Json<Vec<{{Aggregate}}>>""#,
            scope.projection,
            scope.topic,
            list.after.unwrap_or_default(),
            list.rows(),
        )
        .fetch_one(scope.pool())
    };
    let answer = scope.read(&request, select).await?;
    Ok(answer.page(&list, |last| last.{{aggregate}}_id, |{{plural}}| {{Aggregate}}Page { {{plural}} }))
}
