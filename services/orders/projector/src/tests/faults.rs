use aggregate::AggregateId;
use test_kit::{Area, eventually};
use uuid::Uuid;

use super::{
    Log, Running, batches_of, expected,
    log::{cancelled, moved, placed},
    rows,
};

fn new_order() -> AggregateId {
    Uuid::now_v7().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_superseded_claims_anew_and_goes_on() {
    let area = Area::prepared();
    let mut log = Log::of(&area).await;
    log.append_orders(10).await;
    let running = Running::start(&area, "superseded", batches_of(500));
    running.until_applied(log.events()).await;

    running.meddle("UPDATE checkpoint SET epoch = epoch + 1").await;
    log.append_orders(10).await;
    running.until_applied(log.events()).await;
    assert_eq!(rows(&area).await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_at_another_version_than_its_history_stops_the_projection() {
    let area = Area::prepared();
    let mut log = Log::of(&area).await;
    let order_id = new_order();
    log.append_event(&order_id, 1, placed(0)).await;
    let running = Running::start(&area, "version", batches_of(500));
    running.until_applied(1).await;

    running.meddle("UPDATE orders SET version = 7").await;
    log.append_event(&order_id, 2, moved("2 Second Street")).await;
    let complaint = format!("version 2 of {order_id} where 8 must follow");
    eventually(&complaint, || async { running.state().contains(&complaint) }).await;
    assert_eq!(running.applied().await, 1);

    running.meddle("UPDATE orders SET version = 1").await;
    running.until_applied(2).await;
    eventually("it is ready again", || async { running.is_ready() }).await;
    assert_eq!(rows(&area).await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_there_already_is_not_placed_again() {
    let area = Area::prepared();
    let mut log = Log::of(&area).await;
    let order_id = new_order();
    log.append_event(&order_id, 1, placed(0)).await;
    let running = Running::start(&area, "twice", batches_of(500));
    running.until_applied(1).await;

    log.append_event(&order_id, 1, placed(1)).await;
    let complaint = format!("version 1 of {order_id} where 2 must follow");
    eventually(&complaint, || async { running.state().contains(&complaint) }).await;
    assert_eq!(running.applied().await, 1);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_can_read_is_not_skipped_and_what_came_before_it_is_kept() {
    let area = Area::prepared();
    let mut log = Log::of(&area).await;
    let order_id = new_order();
    log.append_event(&order_id, 1, placed(0)).await;
    log.append_rubbish(&order_id).await;
    let running = Running::start(&area, "rubbish", batches_of(500));
    eventually("it says so", || async {
        running.state().contains("cannot be read: the payload is not framed")
    })
    .await;
    running.until_applied(1).await;
    assert_eq!(rows(&area).await, expected(&log));
    assert!(!running.is_ready());
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_first_event_does_not_place_it_stops_the_projection() {
    let area = Area::prepared();
    let mut log = Log::of(&area).await;
    log.append_event(&new_order(), 1, cancelled()).await;
    let running = Running::start(&area, "unplaced", batches_of(500));
    eventually("it says so", || async {
        running.state().contains("the first event of an order must place it")
    })
    .await;
    assert_eq!(running.applied().await, 0);
    running.end().await;
}
