//! Too many parked aggregates point to a systematic fault: the projector stops without losing anything, until there are
//! fewer.

use aggregate::AggregateId;
use event_log::partition_of;
use projection::{
    ProjectorSettings,
    kit::{Running, batches_of},
};
use test_kit::{TestEnvironment, eventually};

use crate::{
    environment::{PARTITIONS, prepared},
    events::{deposited, new_account, opened},
    expected::{expected, rows},
    log::{Log, accounts, log_of},
    parked::{drop_event, parked, position_of, retry_all, until_parked},
    poison::SPOILS,
    running::start,
};

/// The limit of parked aggregates.
const LIMIT: usize = 3;

fn limited_to(parked_limit: usize) -> ProjectorSettings {
    ProjectorSettings { parked_limit, ..batches_of(5) }
}

/// Waits until the projector reports that it has stopped at the limit.
async fn until_stopped(running: &Running, limit: usize) {
    running.until_state_contains(&format!("{limit} aggregates of accounts are parked")).await;
    eventually("it is not ready", || async { !running.is_ready() }).await;
}

/// Accounts in one partition, so that their events are applied in the order in which they are written.
fn new_accounts() -> impl Iterator<Item = AggregateId> {
    std::iter::repeat_with(new_account).filter(|id| partition_of(id, PARTITIONS) == 0)
}

/// Writes an account that will be parked.
async fn append_bad(log: &mut Log, id: &AggregateId) {
    log.append_corrupt(id, 1, &opened("Ada"), SPOILS[0]).await;
}

/// The accounts with parked events, in the order of the log.
async fn parked_accounts(environment: &TestEnvironment) -> Vec<String> {
    parked(environment).await.into_iter().map(|(id, ..)| id).collect()
}

fn names(accounts: &[AggregateId]) -> Vec<String> {
    accounts.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_with_too_many_parked_aggregates_stops_until_they_are_retried() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    let running = start(&environment, "limit", limited_to(20));
    running.until_applied(0).await;
    running.until_ready().await;
    running.execute_sql("ALTER TABLE accounts ADD CONSTRAINT none CHECK (false) NOT VALID").await;
    log.append_new(accounts(200)).await;
    until_stopped(&running, 20).await;

    running.execute_sql("ALTER TABLE accounts DROP CONSTRAINT none").await;
    retry_all(&environment).await;
    running.until_applied(log.events()).await;
    until_parked(&environment, 0).await;
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_limit_nothing_is_parked_or_applied_until_an_aggregate_is_dropped() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    let bad: Vec<_> = new_accounts().take(LIMIT + 1).collect();
    let good: Vec<_> = new_accounts().take(2).collect();
    for id in &bad[..LIMIT] {
        append_bad(&mut log, id).await;
    }
    let running = start(&environment, "limit", limited_to(LIMIT));
    until_parked(&environment, LIMIT).await;

    log.append(&good[0], 1, opened("Ada")).await;
    append_bad(&mut log, &bad[LIMIT]).await;
    log.append_corrupt(&bad[1], 2, &deposited(2), |_| {}).await;
    log.append(&good[1], 1, opened("Bob")).await;
    until_stopped(&running, LIMIT).await;
    running.end().await;
    // A restart does not reset the limit.
    let running = start(&environment, "limit", limited_to(LIMIT));
    until_stopped(&running, LIMIT).await;
    assert_eq!(parked_accounts(&environment).await, names(&bad[..LIMIT]));
    assert_eq!(running.applied_by(1).await, 3);

    // Dropping one makes room for one.
    drop_event(&environment, &position_of(&environment, &bad[0], 1).await).await.unwrap();
    running.until_applied(5).await;
    until_stopped(&running, LIMIT).await;
    assert_eq!(parked_accounts(&environment).await, names(&bad[1..]));
    assert_eq!(rows(&environment).await.len(), 1);
    running.end().await;

    let running = start(&environment, "limit", limited_to(LIMIT + 1));
    running.until_applied(log.events()).await;
    running.until_ready().await;
    let behind = [&bad[1..], &bad[1..2]].concat();
    assert_eq!(parked_accounts(&environment).await, names(&behind));
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}
