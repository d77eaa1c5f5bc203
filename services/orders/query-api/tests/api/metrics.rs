use serde_json::json;
use sqlx::{Connection, PgConnection};
use test_kit::{Service, eventually};

use crate::{
    events::Events,
    journal::{Journal, Order},
};

async fn until_metric(queries: &Service, line: &str) {
    let has_line = || async { queries.metrics().await.lines().any(|metric| metric == line) };
    eventually(line, has_line).await;
}

#[tokio::test]
async fn open_streams_and_sent_changes_are_counted() {
    let mut journal = Journal::begin().await;
    let queries = Service::query_api(&journal.environment, "orders").ready().await;
    let mut all = Events::open(&queries, "", None).await;
    let mut other = Events::open(&queries, "?customer_id=c-2", None).await;
    until_metric(&queries, "change_streams 2").await;

    for customer in ["c-1", "c-2"] {
        journal.place(&mut Order::new(customer, 0)).await;
    }
    all.positions(2).await;
    other.positions(1).await;
    Events::open(&queries, "?from=beginning", None).await.positions(2).await;
    until_metric(&queries, "changes_sent_total 5").await;

    drop(all);
    until_metric(&queries, "change_streams 1").await;
}

#[tokio::test]
async fn streams_that_the_service_ends_are_counted_by_reason() {
    let journal = Journal::begin().await;
    let queries = Service::query_api(&journal.environment, "orders").ready().await;
    let mut database = PgConnection::connect(&journal.environment.database_url("orders_read")).await.unwrap();
    sqlx::raw_sql("ALTER TABLE journal RENAME TO renamed").execute(&mut database).await.unwrap();

    let mut events = Events::open(&queries, "", None).await;
    let end = events.event().await.unwrap();
    assert_eq!((end.event.as_str(), &end.data["reason"]), ("end", &json!("not-ready")));
    until_metric(&queries, r#"change_streams_ended_total{reason="not-ready"} 1"#).await;
    until_metric(&queries, "change_streams 0").await;
}
