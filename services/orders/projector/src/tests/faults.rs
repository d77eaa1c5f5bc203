use aggregate::AggregateId;
use test_kit::TestEnvironment;
use uuid::Uuid;

use super::{Log, Running, batches_of, expected, rows};

pub(super) fn new_order() -> AggregateId {
    Uuid::now_v7().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_superseded_claims_anew_and_goes_on() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    log.append_orders(10).await;
    let running = Running::start(&environment, "superseded", batches_of(500));
    running.until_applied(log.events()).await;

    running.meddle("UPDATE checkpoint SET epoch = epoch + 1").await;
    log.append_orders(10).await;
    running.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}
