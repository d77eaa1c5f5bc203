//! The rows are the same however the log is cut into batches, and whichever projector applies them.

use std::time::Duration;

use projection::{ProjectorSettings, kit::batches_of};
use test_kit::eventually;

use crate::{
    environment::{prepared, with_new_database},
    expected::{expected, rows},
    log::{accounts, log_of},
    running::start,
};

/// Makes every new account take ten milliseconds.
const SLOW: &str = "
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
    CREATE TRIGGER slow BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION slow()";

#[tokio::test(flavor = "multi_thread")]
async fn every_batch_size_leads_to_the_same_rows() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(120)).await;
    for size in [1, 7, 500] {
        let environment = with_new_database(&environment).await;
        let running = start(&environment, &format!("by-{size}"), batches_of(size));
        running.until_applied(log.events()).await;
        assert_eq!(rows(&environment).await, expected(&log), "batches of {size}");
        running.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_projector_continues_where_the_rows_end() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    for service in ["first", "second"] {
        log.append_new(accounts(30)).await;
        let running = start(&environment, service, batches_of(7));
        running.until_applied(log.events()).await;
        assert_eq!(rows(&environment).await, expected(&log));
        running.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_projectors_share_the_partitions_and_one_takes_over_when_the_other_ends() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(20)).await;
    let one = start(&environment, "shared", batches_of(50));
    let other = start(&environment, "shared", batches_of(50));
    eventually("both are in the group", || async { one.is_ready() && other.is_ready() }).await;
    log.append_new(accounts(20)).await;
    one.until_applied(log.events()).await;

    one.end().await;
    log.append_new(accounts(20)).await;
    other.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    other.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_takes_too_long_is_tried_again_with_fewer_events() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    let settings =
        ProjectorSettings { transaction_timeout: Duration::from_secs(1), ..ProjectorSettings::default() };
    let running = start(&environment, "slow", settings);
    running.until_ready().await;
    running.execute_sql(SLOW).await;
    // They would take two seconds at once.
    log.append_new(accounts(200)).await;
    running.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}
