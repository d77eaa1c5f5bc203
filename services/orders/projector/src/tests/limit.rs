//! Too many parked aggregates are no accident: nothing goes on, and nothing is lost, until there is room again.

use aggregate::AggregateId;
use event_log::partition_of;
use projection::ProjectorSettings;
use test_kit::{TestEnvironment, eventually};

use super::{
    Log, Running, batches_of, expected,
    faults::new_order,
    log::{moved, placed},
    parking::{drop_event, parked, position_of, retry_all, until_parked},
    poison::SPOILS,
    rows,
};

/// How many aggregates are parked when it stops.
const LIMIT: usize = 3;

fn limited_to(parked_limit: usize) -> ProjectorSettings {
    ProjectorSettings { parked_limit, ..batches_of(5) }
}

/// Waits until it says that it stops, and why.
async fn until_stopped(running: &Running) {
    let reason = format!("{LIMIT} aggregates of orders are parked");
    eventually("it stops", || async { !running.is_ready() && running.state().contains(&reason) }).await;
}

/// Orders of one partition: their events come in the order in which they are written.
fn new_orders() -> impl Iterator<Item = AggregateId> {
    std::iter::repeat_with(new_order).filter(|order_id| partition_of(order_id, 8) == 0)
}

/// Writes an order that will be parked.
async fn append_bad(log: &mut Log, order_id: &AggregateId) {
    log.append_spoiled(order_id, 1, placed(0), SPOILS[0]).await;
}

/// The orders of which something is parked, in the order of the log.
async fn parked_orders(environment: &TestEnvironment) -> Vec<String> {
    parked(environment).await.into_iter().map(|(order_id, ..)| order_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_too_many_parked_aggregates_nothing_goes_on_until_they_are_retried() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    let settings = ProjectorSettings { parked_limit: 20, ..batches_of(5) };
    let running = Running::start(&environment, "limit", settings);
    running.until_applied(0).await;
    eventually("it is ready", || async { running.is_ready() }).await;
    running.meddle("ALTER TABLE orders ADD CONSTRAINT none CHECK (false) NOT VALID").await;
    log.append_orders(200).await;
    eventually("it stops", || async { running.state().contains("20 aggregates of orders are parked") }).await;
    assert!(!running.is_ready());

    running.meddle("ALTER TABLE orders DROP CONSTRAINT none").await;
    retry_all(&environment).await;
    running.until_applied(log.events()).await;
    until_parked(&environment, 0).await;
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_limit_nothing_more_is_parked_or_applied_until_there_is_room() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    let bad: Vec<_> = new_orders().take(LIMIT + 1).collect();
    let good: Vec<_> = new_orders().take(2).collect();
    for order_id in &bad[..LIMIT] {
        append_bad(&mut log, order_id).await;
    }
    let running = Running::start(&environment, "limit", limited_to(LIMIT));
    until_parked(&environment, LIMIT).await;

    log.append_event(&good[0], 1, placed(0)).await;
    append_bad(&mut log, &bad[LIMIT]).await;
    log.append_spoiled(&bad[1], 2, moved("2 Second Street"), |_| {}).await;
    log.append_event(&good[1], 1, placed(1)).await;
    until_stopped(&running).await;
    running.end().await;
    // It is not forgotten by a restart.
    let running = Running::start(&environment, "limit", limited_to(LIMIT));
    until_stopped(&running).await;
    assert_eq!(parked_orders(&environment).await, names(&bad[..LIMIT]));
    assert_eq!(running.applied_by(1).await, 3);

    // Dropping one makes room for one.
    drop_event(&environment, &position_of(&environment, &bad[0], 1).await).await.unwrap();
    running.until_applied(5).await;
    until_stopped(&running).await;
    assert_eq!(parked_orders(&environment).await, names(&bad[1..]));
    assert_eq!(rows(&environment).await.len(), 1);
    running.end().await;

    let running = Running::start(&environment, "limit", limited_to(LIMIT + 1));
    running.until_applied(log.events()).await;
    eventually("it is ready", || async { running.is_ready() }).await;
    let behind = [&bad[1..], &bad[1..2]].concat();
    assert_eq!(parked_orders(&environment).await, names(&behind));
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

fn names(orders: &[AggregateId]) -> Vec<String> {
    orders.iter().map(ToString::to_string).collect()
}
