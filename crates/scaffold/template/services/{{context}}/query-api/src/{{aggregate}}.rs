use aggregate::Version;
use axum::{extract::State, response::Response};
use query_service::{
    Document, Found, JournalEntry, PointInTimeParameters, ReadPosition, ReadRequest,
    openapi::{ConditionalHeaders, DocumentResponses, ReadHeaders, ReadResponses},
};
use serde::{Deserialize, Serialize};
use service_kit::{Path, Problem, Query};
use sqlx::types::Json;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;
use {{context}}_domain::Event;

use crate::routes::Reads;

/// {{An}} {{words}} in the read model: a row, and the response to a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct {{Aggregate}} {
    pub(crate) {{aggregate}}_id: Uuid,
    /// The number of its events, which is also its entity tag.
    #[schema(value_type = i64, example = 1)]
    version: Version,
    name: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// The time of its last event.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl Document for {{Aggregate}} {
    fn version(&self) -> Version {
        self.version
    }
}

/// {{An}} {{words}}: its current state, or its state at a version or time.
#[utoipa::path(
    get,
    path = "/{{path}}/{{{aggregate}}_id}",
    params(
        ("{{aggregate}}_id" = Uuid, Path, description = "The id of the {{words}}."),
        PointInTimeParameters,
        ReadHeaders,
        ConditionalHeaders,
    ),
    responses((status = 200, description = "The {{words}}.", body = {{Aggregate}}), DocumentResponses, ReadResponses)
)]
pub(crate) async fn {{aggregate}}(
    State(reads): State<Reads>,
    Path({{aggregate}}_id): Path<Uuid>,
    Query(parameters): Query<PointInTimeParameters>,
    request: ReadRequest,
) -> Result<Response, Problem> {
    if let Some(point) = parameters.point_in_time()? {
        return reads.journal.document_at(&request, {{aggregate}}_id, point, fold).await;
    }
    let scope = reads.{{plural}}.aggregate({{aggregate}}_id);
    let select = || {
        sqlx::query_as!(
            Found,
            r#"SELECT read_position($1, $2, $3, $4) AS "position!: Json<ReadPosition>",
                      (SELECT to_json(found)
                         FROM (SELECT {{aggregate}}_id, version, name, created_at, updated_at
                                 FROM {{plural}}
                                WHERE {{aggregate}}_id = $4::uuid) AS found) AS "found: Json<{{Aggregate}}>""#,
            scope.projection,
            scope.topic,
            scope.partition,
            scope.aggregate_id,
        )
        .fetch_one(scope.pool())
    };
    scope.document(&request, select).await
}

/// The {{words}} after an event, or `None` if the event cannot follow.
fn fold(before: Option<{{Aggregate}}>, entry: &JournalEntry<Event>) -> Option<{{Aggregate}}> {
    let (version, updated_at) = (entry.version, entry.occurred_at);
    match (&entry.event, before) {
        (Event::{{Aggregate}}Created(created), None) => Some({{Aggregate}} {
            {{aggregate}}_id: entry.aggregate_id.parse().ok()?,
            version,
            name: created.name.clone(),
            created_at: updated_at,
            updated_at,
        }),
        (Event::{{Aggregate}}Renamed(renamed), Some({{aggregate}})) => {
            Some({{Aggregate}} { version, name: renamed.name.clone(), updated_at, ..{{aggregate}} })
        }
        (Event::{{Aggregate}}Created(_), Some(_)) | (Event::{{Aggregate}}Renamed(_), None) => None,
    }
}
