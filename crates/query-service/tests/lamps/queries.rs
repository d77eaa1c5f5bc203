//! The code that the author of a context writes.

use aggregate::{Message, Version};
use axum::{Router, extract::State, response::Response, routing::get};
use query_service::{
    Answer, Changes, ChangesFilter, ChangesRequest, Document, Found, JOURNAL, Journal, JournalEntry, List,
    PointInTimeParameters, Projection, ReadModel, ReadPosition, ReadRequest, Settings,
};
use serde::{Deserialize, Serialize};
use service_kit::{Path, Problem, Query, health::Health};
use sqlx::types::Json;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

/// The id of a lamp. Most of these tests use names as ids, but the shared routes accept only UUIDs.
pub(crate) const DESK: &str = "01a1fc65-7735-701a-b609-546528c4018e";

/// The projection of lamps. It has no tables: the queries below count events in the journal.
pub(crate) const LAMPS: &str = "lamps";

#[derive(Clone)]
pub(crate) struct Reads {
    lamps: Projection,
    journal: Journal,
    changes: Changes,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lamp {
    lamp_id: String,
    version: Version,
    switched_on: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct RoomSummary {
    lamps: i64,
}

#[derive(Debug, Clone, Serialize, Message)]
#[serde(untagged)]
enum Event {
    LampInstalled(LampInstalled),
    LampSwitchedOn(LampSwitchedOn),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct LampInstalled {}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct LampSwitchedOn {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filters {
    room: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangesParameters {
    from: Option<String>,
}

pub(crate) fn router(settings: &Settings, health: &Health, shutdown: &CancellationToken) -> Router {
    let read_model = ReadModel::connect(settings, "lamp");
    let [lamps, journal] = read_model.follow([LAMPS, JOURNAL], health.component("read model"));
    let changes = Changes::follow(journal.clone(), Some("room"), settings.changes, shutdown.clone());
    let journal = Journal::new(journal);
    let queries = OpenApiRouter::new()
        .route("/lamps", get(lamp_list))
        .route("/lamps/{lamp_id}", get(lamp))
        .route("/rooms/{room}/changes", get(changes_in_room))
        .route("/rooms/{room}/summary", get(room_summary))
        .routes(journal.history_route("/lamps/{lamp_id}/history"))
        .routes(changes.route("/lamps/changes"))
        .routes(journal.of("switch").history_route("/switches/{switch_id}/history"))
        .routes(changes.of("switch").route("/switches/changes"))
        .with_state(Reads { lamps, journal, changes });
    query_service::router(queries, &["lamp", "switch"], "")
}

async fn lamp(
    State(reads): State<Reads>,
    Path(lamp_id): Path<String>,
    Query(parameters): Query<PointInTimeParameters>,
    request: ReadRequest,
) -> Result<Response, Problem> {
    let lamp_id = aggregate::AggregateId::try_from(lamp_id.as_str()).unwrap();
    if let Some(point) = parameters.point_in_time()? {
        return reads.journal.document_at(&request, lamp_id, point, fold).await;
    }
    let scope = reads.lamps.aggregate(lamp_id);
    let select = || {
        sqlx::query_as!(
            Found,
            r#"SELECT read_position($1, $2, $3, $4) AS "position!: Json<ReadPosition>",
                      (SELECT to_json(found)
                         FROM (SELECT aggregate_id AS lamp_id, max(version) AS version,
                                      count(*) FILTER (WHERE event_type = 'LampSwitchedOn') AS switched_on
                                 FROM journal
                                WHERE aggregate_id = $4
                                GROUP BY aggregate_id) AS found) AS "found: Json<Lamp>""#,
            scope.projection,
            scope.topic,
            scope.partition,
            scope.aggregate_id,
        )
        .fetch_one(scope.pool())
    };
    scope.document(&request, select).await
}

async fn lamp_list(
    State(reads): State<Reads>,
    list: List<Filters, String>,
    request: ReadRequest,
) -> Result<Response, Problem> {
    let scope = reads.lamps.all();
    let select = || {
        sqlx::query_as!(
            Found,
            r#"SELECT read_position($1, $2, NULL, NULL) AS "position!: Json<ReadPosition>",
                      (SELECT coalesce(json_agg(page), '[]')
                         FROM (SELECT aggregate_id AS lamp_id, 1 AS version, 0 AS switched_on
                                 FROM journal
                                WHERE version = 1
                                  AND ($3::text IS NULL OR event ->> 'room' = $3)
                                  AND ($4::text IS NULL OR aggregate_id > $4)
                                ORDER BY aggregate_id
                                LIMIT $5) AS page) AS "found!: Json<Vec<Lamp>>""#,
            scope.projection,
            scope.topic,
            list.filters.room,
            list.after,
            list.rows(),
        )
        .fetch_one(scope.pool())
    };
    let response = scope.read(&request, select).await?;
    Ok(response.page(&list, |last| last.lamp_id.clone(), |lamps| lamps))
}

/// A result without a version, so that it is no document.
async fn room_summary(
    State(reads): State<Reads>,
    Path(room): Path<String>,
    request: ReadRequest,
) -> Result<Response, Problem> {
    let scope = reads.lamps.all();
    let select = || {
        sqlx::query_as!(
            Found,
            r#"SELECT read_position($1, $2, NULL, NULL) AS "position!: Json<ReadPosition>",
                      (SELECT to_json(found)
                         FROM (SELECT count(*) AS lamps
                                 FROM journal
                                WHERE version = 1
                                  AND event ->> 'room' = $3) AS found) AS "found!: Json<RoomSummary>""#,
            scope.projection,
            scope.topic,
            room,
        )
        .fetch_one(scope.pool())
    };
    let answer: Answer<Json<RoomSummary>> = scope.read(&request, select).await?;
    Ok(answer.json())
}

/// The shared route of changes has no filter by room.
async fn changes_in_room(
    State(reads): State<Reads>,
    Path(room): Path<String>,
    Query(ChangesParameters { from }): Query<ChangesParameters>,
    request: ChangesRequest,
) -> Result<Response, Problem> {
    let filter = ChangesFilter { first_event: Some(room), ..ChangesFilter::default() };
    reads.changes.stream(request.from(from), filter).await
}

fn fold(before: Option<Lamp>, entry: &JournalEntry<Event>) -> Option<Lamp> {
    let lamp_id = entry.aggregate_id.clone();
    match (before, &entry.event) {
        (None, Event::LampInstalled(_)) => Some(Lamp { lamp_id, version: entry.version, switched_on: 0 }),
        (Some(lamp), Event::LampSwitchedOn(_)) => {
            Some(Lamp { version: entry.version, switched_on: lamp.switched_on + 1, ..lamp })
        }
        _ => None,
    }
}

impl Document for Lamp {
    fn version(&self) -> Version {
        self.version
    }
}
