//! The projector on the real log and the real database, beside a fold that knows nothing of SQL.

#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod expected;
mod faults;
mod generations;
mod journal;
mod limit;
pub(crate) mod log;
mod parking;
mod poison;
mod processes;
mod registry;
mod running;
mod zombies;

use projection::ProjectorSettings;
use test_kit::{TestEnvironment, eventually};

use self::{
    expected::{expected, rows, rows_in},
    log::Log,
    running::Running,
};

/// So many events go into one transaction.
fn batches_of(size: usize) -> ProjectorSettings {
    ProjectorSettings { batch_size: size.try_into().unwrap(), ..ProjectorSettings::default() }
}

/// The same topics, with a database of its own.
fn beside(environment: &TestEnvironment) -> TestEnvironment {
    let beside =
        TestEnvironment { database_prefix: TestEnvironment::empty().database_prefix, ..environment.clone() };
    beside.foldline("migrations apply");
    beside
}

#[tokio::test(flavor = "multi_thread")]
async fn any_cut_into_batches_leads_to_the_same_rows() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    log.append_orders(120).await;
    for size in [1, 7, 500] {
        let environment = beside(&environment);
        let running = Running::start(&environment, &format!("by-{size}"), batches_of(size));
        running.until_applied(log.events()).await;
        assert_eq!(rows(&environment).await, expected(&log), "batches of {size}");
        running.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_the_rows_are() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    log.append_orders(30).await;
    let first = Running::start(&environment, "first", batches_of(7));
    first.until_applied(log.events()).await;
    first.end().await;

    log.append_orders(30).await;
    let second = Running::start(&environment, "second", batches_of(7));
    second.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    second.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_projectors_divide_the_partitions_and_one_takes_over_from_the_other() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    log.append_orders(20).await;
    let one = Running::start(&environment, "shared", batches_of(50));
    let other = Running::start(&environment, "shared", batches_of(50));
    eventually("both are in the group", || async { one.is_ready() && other.is_ready() }).await;
    log.append_orders(20).await;
    one.until_applied(log.events()).await;

    one.end().await;
    log.append_orders(20).await;
    other.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    other.end().await;
}
