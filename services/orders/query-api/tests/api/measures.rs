use serde_json::json;
use sqlx::{Connection, PgConnection};
use test_kit::{Service, eventually};

use crate::{
    events::Events,
    journal::{Journal, Order},
};

async fn until_measured(queries: &Service, line: &str) {
    let is_measured = || async { queries.metrics().await.lines().any(|measured| measured == line) };
    eventually(line, is_measured).await;
}

#[tokio::test]
async fn open_streams_and_what_they_send_are_counted() {
    let mut journal = Journal::begin().await;
    let queries = Service::query_api(&journal.environment, "orders").ready().await;
    let mut all = Events::open(&queries, "", None).await;
    let mut other = Events::open(&queries, "?customer_id=c-2", None).await;
    until_measured(&queries, "change_streams 2").await;

    for customer in ["c-1", "c-2"] {
        journal.placed(&mut Order::new(customer, 0)).await;
    }
    all.places(2).await;
    other.places(1).await;
    Events::open(&queries, "?from=beginning", None).await.places(2).await;
    until_measured(&queries, "changes_sent_total 5").await;

    drop(all);
    until_measured(&queries, "change_streams 1").await;
}

#[tokio::test]
async fn streams_that_the_service_ends_are_counted_by_reason() {
    let journal = Journal::begin().await;
    let queries = Service::query_api(&journal.environment, "orders").ready().await;
    let mut database = PgConnection::connect(&journal.environment.database_url("orders_read")).await.unwrap();
    sqlx::raw_sql("ALTER TABLE journal RENAME TO gone").execute(&mut database).await.unwrap();

    let mut events = Events::open(&queries, "", None).await;
    let end = events.event().await.unwrap();
    assert_eq!((end.event.as_str(), &end.data["reason"]), ("end", &json!("not-ready")));
    until_measured(&queries, r#"change_streams_ended_total{reason="not-ready"} 1"#).await;
    until_measured(&queries, "change_streams 0").await;
}
