//! A transaction that somebody else leaves open hides what is written after it.

use std::time::Duration;

use event_log::Topics;
use projection::ProjectorSettings;
use test_kit::ForeignTransaction;

use crate::{
    environment::prepared,
    events::CONTEXT,
    expected::{expected, rows},
    log::{accounts, log_of},
    running::start,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_is_not_ready_while_an_open_transaction_hides_events() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(10)).await;
    let settings =
        ProjectorSettings { hidden_limit: Duration::from_millis(500), ..ProjectorSettings::default() };
    let running = start(&environment, "hidden", settings);
    running.until_applied(log.events()).await;
    running.until_ready().await;

    let topic = Topics::new(&environment.topic_prefix, CONTEXT).events();
    let brokers = environment.servers.brokers.clone();
    let open = move || ForeignTransaction::open(&brokers, &topic, 0);
    let transaction = tokio::task::spawn_blocking(open).await.unwrap();
    log.append_new(accounts(20)).await;
    running.until_state_contains("hides the events").await;
    assert!(!running.is_ready());

    tokio::task::spawn_blocking(|| transaction.abort()).await.unwrap();
    running.until_applied(log.events()).await;
    running.until_ready().await;
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}
