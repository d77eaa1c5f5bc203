//! Tests of the projector on a real log and database. The rows are compared with a fold that does not use SQL.

#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod expected;
mod generations;
pub(crate) mod log;
mod processes;
mod running;

use projection::kit::batches_of;
use test_kit::TestEnvironment;

use self::{
    expected::{expected, rows},
    log::{log_of, orders},
    running::start,
};

/// The same topics with a new database.
fn with_new_database(environment: &TestEnvironment) -> TestEnvironment {
    let environment =
        TestEnvironment { database_prefix: TestEnvironment::empty().database_prefix, ..environment.clone() };
    environment.migrate();
    environment
}

#[tokio::test(flavor = "multi_thread")]
async fn every_batch_size_leads_to_the_same_rows() {
    let environment = TestEnvironment::prepared();
    let mut log = log_of(&environment).await;
    log.append_new(orders(120)).await;
    for size in [1, 7, 500] {
        let environment = with_new_database(&environment);
        let running = start(&environment, &format!("by-{size}"), batches_of(size));
        running.until_applied(log.events()).await;
        assert_eq!(rows(&environment).await, expected(&log), "batches of {size}");
        running.end().await;
    }
}
