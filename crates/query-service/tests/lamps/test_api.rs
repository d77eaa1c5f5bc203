//! A query API with its own read model, which the test fills with events and checkpoints as a projector would.

use std::time::Duration;

use aggregate::AggregateId;
use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode},
};
use event_log::{Position, partition_of};
use http_body_util::BodyExt;
use query_service::{JOURNAL, Settings};
use serde_json::{Value, json};
use service_kit::{health::Health, settings::Environment};
use sqlx::{Connection, PgConnection};
use test_kit::Servers;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

use crate::queries::{LAMPS, router};

pub(crate) const TOPIC: &str = "lamps.events";
const PARTITIONS: i32 = 8;

pub(crate) struct TestApi {
    pub(crate) database: PgConnection,
    pub(crate) shutdown: CancellationToken,
    client: Client,
    next_offsets: [i64; 8],
}

/// Sends requests to the service. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Client(Router);

/// A response with its body read.
#[derive(Debug)]
pub(crate) struct ApiResponse {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    headers: axum::http::HeaderMap,
}

impl TestApi {
    /// Starts the API on an empty read model.
    pub(crate) async fn start() -> Self {
        let server = Servers::shared().database_server_url;
        let name = format!("t{}_lamps_read", Uuid::now_v7().simple());
        let mut postgres = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
        sqlx::raw_sql(&format!("CREATE DATABASE {name}")).execute(&mut postgres).await.unwrap();
        let url = format!("{server}/{name}");
        let mut database = PgConnection::connect(&url).await.unwrap();
        projection::MIGRATOR.run(&mut database).await.unwrap();
        for projection in [LAMPS, JOURNAL] {
            sqlx::query("INSERT INTO projection_generation (projection, generation, version, state) VALUES ($1, 1, 1, 'live')")
                .bind(projection)
                .execute(&mut database)
                .await
                .unwrap();
        }
        let mut environment = Environment::from([
            ("FOLDLINE_DATABASE_URL", url.as_str()),
            ("FOLDLINE_CHANGES_HEARTBEAT", "50ms"),
            ("FOLDLINE_CHANGES_STREAMS", "3"),
        ]);
        let settings = Settings::read(&mut environment, "lamps", "127.0.0.1:0");
        let shutdown = CancellationToken::new();
        let router = router(&settings, &Health::default(), &shutdown);
        Self { database, shutdown, client: Client(router), next_offsets: [0; 8] }
    }

    /// Installs a lamp, and returns the event's consistency token.
    pub(crate) async fn install(&mut self, lamp: &str, room: &str) -> String {
        let token = self.append(lamp, "LampInstalled", json!({ "room": room })).await;
        self.project(&[LAMPS, JOURNAL], &token).await;
        token
    }

    /// Switches a lamp on, and returns the event's consistency token.
    pub(crate) async fn switch_on(&mut self, lamp: &str) -> String {
        let token = self.append(lamp, "LampSwitchedOn", json!({})).await;
        self.project(&[LAMPS, JOURNAL], &token).await;
        token
    }

    /// Mounts a switch, an aggregate of another kind, and returns the event's consistency token.
    pub(crate) async fn mount(&mut self, switch: &str) -> String {
        let token = self.append(switch, "SwitchMounted", json!({})).await;
        self.project(&[LAMPS, JOURNAL], &token).await;
        token
    }

    /// Inserts an event into the journal without moving a checkpoint, and returns its consistency token.
    pub(crate) async fn append(&mut self, lamp: &str, event_type: &str, event: Value) -> String {
        let partition = partition_of(&AggregateId::try_from(lamp).unwrap(), PARTITIONS);
        let next = &mut self.next_offsets[usize::try_from(partition).unwrap()];
        let offset = *next;
        // The next offset is that of the commit marker.
        *next += 2;
        sqlx::query(
            "INSERT INTO journal (partition, log_offset, aggregate_id, version, event_id, event_type, event,
                                  occurred_at, actor, command_id, correlation_id, causation_id, aggregate_kind)
             SELECT $1, $2, $3, coalesce(max(version), 0) + 1, gen_random_uuid(), $4, $5,
                    timestamptz '2026-11-20 10:00Z' + coalesce(max(version), 0) * interval '1 minute',
                    'anonymous', gen_random_uuid(), 'c', 'c', $6
               FROM journal WHERE aggregate_id = $3",
        )
        .bind(partition)
        .bind(offset)
        .bind(lamp)
        .bind(event_type)
        .bind(event)
        .bind(if event_type.starts_with("Lamp") { "lamp" } else { "switch" })
        .execute(&mut self.database)
        .await
        .unwrap();
        Position { topic: TOPIC.to_owned(), partition, offset }.to_string()
    }

    /// Moves the checkpoints of projections past a position.
    pub(crate) async fn project(&mut self, projections: &[&str], token: &str) {
        let Position { partition, offset, .. } = token.parse().unwrap();
        sqlx::query(
            "WITH moved AS (
                 INSERT INTO checkpoint (projection, generation, topic, partition, next_offset, epoch, sequence, owner_epoch)
                 SELECT projection, 1, $2, $3, $4 + 1, 1, 0, 0 FROM unnest($1::text[]) AS projection
                     ON CONFLICT (projection, generation, topic, partition) DO UPDATE SET next_offset = $4 + 1)
             SELECT pg_notify('checkpoint', format('%s 1 %s/%s@%s', projection, $2::text, $3::integer, $4::bigint))
               FROM unnest($1::text[]) AS projection",
        )
        .bind(projections)
        .bind(TOPIC)
        .bind(partition)
        .bind(offset)
        .execute(&mut self.database)
        .await
        .unwrap();
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }
}

impl std::ops::Deref for TestApi {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Client {
    /// Sends a GET request without headers.
    pub(crate) async fn get(&self, path: &str) -> ApiResponse {
        self.get_with(path, &[]).await
    }

    /// Sends a GET request with headers.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> ApiResponse {
        let (parts, body) = self.send(path, headers).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        ApiResponse {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }

    /// Sends a GET request, and returns the response before its body is read.
    pub(crate) async fn send(&self, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let request =
            headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
        let response = self.0.clone().oneshot(request.body(Body::empty()).unwrap());
        tokio::time::timeout(Duration::from_mins(1), response)
            .await
            .expect("the response arrives within a minute")
            .unwrap()
    }
}

impl ApiResponse {
    /// Returns a header, which must be present.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("{name} is missing: {self:?}")).to_str().unwrap()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// The code of a problem document.
    pub(crate) fn problem(&self) -> &str {
        self.body["type"].as_str().unwrap().trim_start_matches("/problems/")
    }
}
