use test_kit::TestEnvironment;

use crate::{
    fold,
    model::{self, Model},
    orders::Orders,
};

const EVENTS: usize = 10_080;

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_a_repeatedly_killed_projector_equal_the_fold_of_the_log() {
    let mut orders = Orders::start().await;
    let lifecycles = orders.run_lifecycles(EVENTS);
    for applied in [1_000, 3_000, 6_000, 9_000] {
        orders.until_applied(applied).await;
        orders.projector.kill_and_restart().await;
    }
    lifecycles.join_all().await;
    orders.until_applied(EVENTS).await;

    let expected = fold_of_log(orders.environment.clone()).await;
    assert_eq!(expected.len(), EVENTS / 3);
    assert_eq!(model::of_rows(&mut orders.database().await).await, expected);
}

async fn fold_of_log(environment: TestEnvironment) -> Model {
    let codec = fold::codec(&environment);
    tokio::task::spawn_blocking(move || fold::of_log(&environment, &codec)).await.unwrap()
}
