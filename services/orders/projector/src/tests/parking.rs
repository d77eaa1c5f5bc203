use std::collections::BTreeSet;

use aggregate::AggregateId;
use event_log::{Position, partition_of};
use projection::{
    ProjectorSettings,
    dead_letters::{self, Selection},
};
use sqlx::{Connection, PgConnection};
use test_kit::{TestEnvironment, eventually};

use super::{
    Log, Running, batches_of, beside,
    expected::{OrderRow, expected},
    faults::new_order,
    log::{cancelled, moved, placed},
    poison::{self, SPOILS, plant},
    rows, rows_in,
};

/// A parked event: aggregate, version, cause and reason.
pub(super) type Parked = (String, Option<i64>, Option<String>, Option<String>);

pub(super) async fn connect(environment: &TestEnvironment) -> PgConnection {
    PgConnection::connect(&environment.database_url("orders_read")).await.unwrap()
}

/// What is parked of a generation, in the order of the log.
async fn parked_by(environment: &TestEnvironment, generation: i32) -> Vec<Parked> {
    sqlx::query_as(
        "SELECT aggregate, version, cause, reason FROM parked_event
          WHERE generation = $1 ORDER BY partition, log_offset",
    )
    .bind(generation)
    .fetch_all(&mut connect(environment).await)
    .await
    .unwrap()
}

pub(super) async fn parked(environment: &TestEnvironment) -> Vec<Parked> {
    parked_by(environment, 1).await
}

/// Where a version of an order stands in the log.
pub(super) async fn position_of(
    environment: &TestEnvironment,
    order_id: &AggregateId,
    version: i64,
) -> Position {
    let (topic, partition, offset) = sqlx::query_as(
        "SELECT topic, partition, log_offset FROM parked_event WHERE aggregate = $1 AND version = $2",
    )
    .bind(order_id.as_str())
    .bind(version)
    .fetch_one(&mut connect(environment).await)
    .await
    .unwrap();
    Position { topic, partition, offset }
}

pub(super) async fn retry_all(environment: &TestEnvironment) -> i64 {
    dead_letters::retry(&mut connect(environment).await, &Selection::default()).await.unwrap()
}

pub(super) async fn drop_event(
    environment: &TestEnvironment,
    position: &Position,
) -> Result<(), dead_letters::DropError> {
    dead_letters::drop(&mut connect(environment).await, "orders", position, "ada", "written by mistake").await
}

pub(super) async fn until_parked(environment: &TestEnvironment, events: usize) {
    eventually(&format!("{events} events are parked"), || async {
        parked(environment).await.len() == events
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_parks_its_order_alone_however_the_log_is_cut() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    log.append_orders(40).await;
    let poison = poison::append_all(&mut log).await;
    log.append_orders(40).await;
    let mut by_size = BTreeSet::new();
    for size in [1, 7, 500] {
        let environment = beside(&environment);
        let running = Running::start(&environment, &format!("by-{size}"), batches_of(size));
        running.until_applied(log.events()).await;
        assert_eq!(rows(&environment).await, expected(&log), "batches of {size}");
        let parked = parked(&environment).await;
        for (order_id, version, cause) in &poison {
            let cause = cause.map(str::to_owned);
            let is_it = |event: &&Parked| event.0 == order_id.as_str() && event.1 == Some(*version);
            assert_eq!(parked.iter().find(is_it).map(|event| &event.2), Some(&cause), "{order_id} {version}");
        }
        assert_eq!(parked.len(), poison.len());
        by_size.insert(parked);
        eventually("it says so and is ready", || async {
            running.is_ready() && running.state().contains("26 events of 13 aggregates are parked")
        })
        .await;
        running.end().await;
    }
    assert_eq!(by_size.len(), 1, "{by_size:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_strangers_are_parked_and_hold_up_only_the_order_that_they_name() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    let (named, other) = (new_order(), new_order());
    log.append_event(&named, 1, placed(0)).await;
    let home = partition_of(&named, 8);
    plant(&environment, home, None, &[], Some(b"no key"));
    plant(&environment, home, Some(&[0xff; 3_000]), &[], Some(b"no id"));
    plant(&environment, home, Some(named.as_str().as_bytes()), &[("a\u{e4}", b"\0\xff")], None);
    let elsewhere = (home + 1) % 8;
    plant(&environment, elsewhere, Some(named.as_str().as_bytes()), &[], Some(b"astray"));
    log.append_spoiled(&named, 2, cancelled(), |_| {}).await;
    log.append_event(&other, 1, placed(0)).await;

    let running = Running::start(&environment, "strangers", batches_of(500));
    running.until_applied(log.events()).await;
    until_parked(&environment, 5).await;
    assert_eq!(rows(&environment).await, expected(&log));
    let mut causes: Vec<_> =
        parked(&environment).await.into_iter().map(|(aggregate, _, cause, _)| (aggregate, cause)).collect();
    causes.sort();
    let (nobody, record) = (String::new(), Some("record".to_owned()));
    let mut wanted = [
        (nobody.clone(), record.clone()),
        (nobody, record.clone()),
        (named.to_string(), record.clone()),
        (named.to_string(), record),
        (named.to_string(), None),
    ];
    wanted.sort();
    assert_eq!(causes, wanted);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_in_a_row_are_parked_and_the_rest_goes_on() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    for (number, spoil) in (0..10_000).zip(SPOILS.iter().cycle()) {
        log.queue_spoiled(&new_order(), 1, placed(number), *spoil);
    }
    log.append_queued().await;
    log.append_orders(40).await;
    let running = Running::start(&environment, "many", ProjectorSettings::default());
    running.until_applied(log.events()).await;
    assert_eq!(parked(&environment).await.len(), 10_000);
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_retried_after_the_cause_is_gone_is_applied_in_order() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    let running = Running::start(&environment, "retry", batches_of(500));
    eventually("it is ready", || async { running.is_ready() }).await;
    running.meddle("ALTER TABLE orders ADD CONSTRAINT young CHECK (version < 7)").await;
    let order_id = new_order();
    log.append_event(&order_id, 1, placed(0)).await;
    for version in 2..=700 {
        log.queue_event(&order_id, version, moved(&format!("{version} Street")));
    }
    log.append_queued().await;
    log.append_orders(20).await;
    running.until_applied(log.events()).await;
    until_parked(&environment, 694).await;

    retry_all(&environment).await;
    eventually("it is tried in vain", || async {
        let marked = sqlx::query_scalar("SELECT count(*) FROM parked_event WHERE retry");
        marked.fetch_one(&mut connect(&environment).await).await.unwrap_or(1_i64) == 0
    })
    .await;
    assert_eq!(parked(&environment).await.len(), 694);

    running.meddle("ALTER TABLE orders DROP CONSTRAINT young").await;
    assert_eq!(retry_all(&environment).await, 1);
    until_parked(&environment, 0).await;
    assert_eq!(rows(&environment).await, expected(&log));
    log.append_event(&order_id, 701, cancelled()).await;
    running.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    eventually("nothing is left to say", || async { !running.state().contains("parked") }).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_leaves_a_gap_that_a_rebuild_has_too() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    let (bad, hole, twice) = (new_order(), new_order(), new_order());
    for order_id in [&bad, &hole, &twice] {
        log.append_event(order_id, 1, placed(0)).await;
    }
    log.append_spoiled(&bad, 2, moved("2 Second Street"), |record| record.payload.clear()).await;
    log.append_event(&bad, 3, moved("3 Third Street")).await;
    log.append_spoiled(&hole, 3, moved("3 Third Street"), |_| {}).await;
    log.append_spoiled(&twice, 1, placed(1), |_| {}).await;
    let running = Running::start(&environment, "drop", batches_of(500));
    until_parked(&environment, 4).await;

    for (order_id, version) in [(&bad, 2), (&hole, 3), (&twice, 1)] {
        let position = position_of(&environment, order_id, version).await;
        drop_event(&environment, &position).await.unwrap();
        let again = drop_event(&environment, &position).await;
        assert!(matches!(again, Err(dead_letters::DropError::NotParked { .. })));
    }
    until_parked(&environment, 0).await;
    log.append_event(&bad, 4, cancelled()).await;
    log.append_event(&hole, 4, cancelled()).await;
    log.append_event(&twice, 2, cancelled()).await;
    let events = log.events();
    running.until_applied(events).await;
    assert_eq!(parked(&environment).await, []);
    let live = rows(&environment).await;
    assert_eq!(live.len(), 3);
    assert!(live.iter().all(OrderRow::is_cancelled), "{live:#?}");

    running.meddle(super::generations::BUILD).await;
    running.until_applied_by(2, events).await;
    assert_eq!(rows_in(&environment, "orders_g2").await, live);
    assert_eq!(parked_by(&environment, 2).await, []);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_parks_what_the_live_generation_has_parked() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    log.append_orders(30).await;
    poison::append_all(&mut log).await;
    log.append_orders(30).await;
    let running = Running::start(&environment, "rebuild", batches_of(50));
    running.until_applied(log.events()).await;
    running.meddle(super::generations::BUILD).await;
    running.until_applied_by(2, log.events()).await;
    assert_eq!(rows_in(&environment, "orders_g2").await, expected(&log));
    assert_eq!(parked_by(&environment, 2).await, parked(&environment).await);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_a_generation_has_applied_is_not_dropped() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    let order_id = new_order();
    log.append_event(&order_id, 1, placed(0)).await;
    let running = Running::start(&environment, "applied", batches_of(500));
    running.until_applied(1).await;
    running.meddle(super::generations::BUILD).await;
    running.until_applied_by(2, 1).await;
    running.meddle("ALTER TABLE orders ADD CONSTRAINT none CHECK (version < 2)").await;
    log.append_event(&order_id, 2, cancelled()).await;
    running.until_applied(2).await;
    running.until_applied_by(2, 2).await;

    let position = position_of(&environment, &order_id, 2).await;
    let refused = drop_event(&environment, &position).await;
    assert!(matches!(refused, Err(dead_letters::DropError::Applied { generation: 2, .. })), "{refused:?}");
    assert_eq!(parked(&environment).await.len(), 1);
    running.end().await;
}
