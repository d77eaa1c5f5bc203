//! The platform's journal, as a projection of the accounts' events.

use std::collections::BTreeMap;

use aggregate::Message as _;
use event_log::Envelope;
use projection::{Journal, kit::batches_of};
use serde_json::{Value, json};
use sqlx::types::Json;
use test_kit::{TestEnvironment, eventually_some};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    environment::{connect, prepared, with_new_database},
    events::{Event, closed, deposited, new_account, opened},
    log::{Log, accounts, log_of},
    running::start_of,
};

/// Journal rows by account and version.
type Entries = BTreeMap<(String, i64), Value>;

/// The rows of the journal, without positions.
async fn journal(environment: &TestEnvironment) -> Entries {
    let rows: Vec<(String, i64, Json<Value>)> = sqlx::query_as(
        r#"SELECT aggregate_id, version,
                  to_jsonb(journal) - '{partition,log_offset,aggregate_id,version,occurred_at}'::text[]
                  || jsonb_build_object('occurred_at', to_char(occurred_at AT TIME ZONE 'UTC',
                                                               'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
             FROM journal"#,
    )
    .fetch_all(&mut connect(environment).await)
    .await
    .unwrap();
    rows.into_iter().map(|(id, version, Json(row))| ((id, version), row)).collect()
}

/// The expected rows.
fn expected(log: &Log) -> Entries {
    let row = |(envelope, event): &(Envelope, Event)| {
        let metadata = &envelope.metadata;
        let row = json!({
            "event_id": envelope.event_id, "event_type": event.message_type(), "event": event,
            "occurred_at": milliseconds(envelope.time), "actor": metadata.actor,
            "command_id": metadata.command_id, "correlation_id": metadata.correlation_id,
            "causation_id": metadata.causation_id, "aggregate_kind": "accounts",
        });
        ((envelope.aggregate_id.to_string(), envelope.version.0.cast_signed()), row)
    };
    log.written.iter().map(row).collect()
}

/// RFC 3339 with exactly three fractional digits.
fn milliseconds(time: OffsetDateTime) -> String {
    let whole = time.replace_nanosecond(0).unwrap().format(&Rfc3339).unwrap();
    format!("{}.{:03}Z", whole.trim_end_matches('Z'), time.millisecond())
}

/// Waits until an event is parked, and returns the reason.
async fn park_reason(environment: &TestEnvironment) -> String {
    eventually_some("an event is parked", || async {
        sqlx::query_scalar("SELECT reason FROM parked_event WHERE reason IS NOT NULL")
            .fetch_optional(&mut connect(environment).await)
            .await
            .unwrap()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_matches_the_log_for_every_batch_size() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(60)).await;
    for size in [1, 7, 500] {
        let environment = with_new_database(&environment).await;
        let running = start_of(Journal, &environment, &format!("by-{size}"), batches_of(size));
        running.until_applied(log.events()).await;
        assert_eq!(journal(&environment).await, expected(&log), "batches of {size}");
        let in_order = "SELECT count(*) FROM journal AS a JOIN journal AS b
                            ON a.aggregate_id = b.aggregate_id AND a.version + 1 = b.version
                         WHERE a.partition <> b.partition OR a.log_offset >= b.log_offset";
        let misplaced: i64 =
            sqlx::query_scalar(in_order).fetch_one(&mut connect(&environment).await).await.unwrap();
        assert_eq!(misplaced, 0);
        running.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_event_with_the_same_version_is_not_written() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    let id = new_account();
    log.append(&id, 1, opened("Ada")).await;
    let running = start_of(Journal, &environment, "twice", batches_of(500));
    running.until_applied(1).await;
    let before = journal(&environment).await;

    log.append(&id, 1, opened("Bob")).await;
    assert!(park_reason(&environment).await.contains("where 2 must follow"));
    assert_eq!(journal(&environment).await, before);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_after_a_missing_version_is_not_written() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    let id = new_account();
    log.append(&id, 1, opened("Ada")).await;
    log.append(&id, 2, deposited(2)).await;
    let running = start_of(Journal, &environment, "hole", batches_of(500));
    running.until_applied(2).await;

    running.execute_sql("DELETE FROM journal WHERE version = 2").await;
    log.append(&id, 3, closed("moved away")).await;
    assert!(park_reason(&environment).await.contains("where 2 must follow"));
    assert_eq!(journal(&environment).await.len(), 1);
    running.end().await;
}
