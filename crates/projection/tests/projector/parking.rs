//! An event that cannot be applied is parked together with all later events of its aggregate; other aggregates
//! continue.

use std::collections::BTreeSet;

use event_log::partition_of;
use projection::{ProjectorSettings, kit::batches_of, parked_events::DropError};
use test_kit::{ForeignRecord, TestEnvironment, eventually};

use crate::{
    environment::{PARTITIONS, prepared, with_new_database},
    events::{CONTEXT, closed, deposited, new_account, opened},
    expected::{expected, rows, rows_in},
    generations::BUILD,
    log::{accounts, log_of},
    parked::{Parked, drop_event, marked, parked, parked_by, position_of, retry_all, until_parked},
    poison::{self, SPOILS},
    running::start,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_bad_event_parks_only_its_aggregate_for_every_batch_size() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(40)).await;
    let poison = poison::append_all(&mut log).await;
    log.append_new(accounts(40)).await;
    let mut by_size = BTreeSet::new();
    for size in [1, 7, 500] {
        let environment = with_new_database(&environment).await;
        let running = start(&environment, &format!("by-{size}"), batches_of(size));
        running.until_applied(log.events()).await;
        assert_eq!(rows(&environment).await, expected(&log), "batches of {size}");
        let parked = parked(&environment).await;
        for (id, version, cause) in &poison {
            let cause = cause.map(str::to_owned);
            let is_it = |event: &&Parked| event.0 == id.as_str() && event.1 == Some(*version);
            assert_eq!(parked.iter().find(is_it).map(|event| &event.2), Some(&cause), "{id} {version}");
        }
        assert_eq!(parked.len(), poison.len());
        by_size.insert(parked);
        running.until_ready().await;
        running.until_state_contains("26 events of 13 aggregates are parked").await;
        running.end().await;
    }
    assert_eq!(by_size.len(), 1, "{by_size:#?}");
}

async fn plant(environment: &TestEnvironment, partition: i32, record: ForeignRecord<'_>) {
    let topic = environment.topic(&format!("{CONTEXT}.events"));
    record.write(&environment.servers.brokers, &topic, partition).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_records_are_parked_and_block_only_the_aggregate_they_name() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    let (named, other) = (new_account(), new_account());
    log.append(&named, 1, opened("Ada")).await;
    let home = partition_of(&named, PARTITIONS);
    let elsewhere = (home + 1) % PARTITIONS;
    let name = Some(named.as_str().as_bytes());
    let (no_id, odd_header): (&[u8], &[_]) = (&[0xff; 3_000], &[("a\u{e4}", b"\0\xff".as_slice())]);
    for (partition, key, headers, payload) in [
        (home, None, &[][..], Some(b"no key".as_slice())),
        (home, Some(no_id), &[], Some(b"no id")),
        (home, name, odd_header, None),
        (elsewhere, name, &[], Some(b"astray")),
    ] {
        plant(&environment, partition, ForeignRecord { key, headers, payload }).await;
    }
    log.append_corrupt(&named, 2, &closed("moved away"), |_| {}).await;
    log.append(&other, 1, opened("Bob")).await;

    let running = start(&environment, "foreign", batches_of(500));
    running.until_applied(log.events()).await;
    until_parked(&environment, 5).await;
    assert_eq!(rows(&environment).await, expected(&log));
    let mut causes: Vec<_> =
        parked(&environment).await.into_iter().map(|(aggregate, _, cause, _)| (aggregate, cause)).collect();
    causes.sort();
    let (no_aggregate, record) = (String::new(), Some("record".to_owned()));
    let mut wanted = [
        (no_aggregate.clone(), record.clone()),
        (no_aggregate, record.clone()),
        (named.to_string(), record.clone()),
        (named.to_string(), record),
        (named.to_string(), None),
    ];
    wanted.sort();
    assert_eq!(causes, wanted);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_bad_events_in_a_row_are_parked_and_other_aggregates_continue() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    for spoil in SPOILS.iter().cycle().take(10_000) {
        log.queue_corrupt(&new_account(), 1, &opened("Ada"), *spoil);
    }
    log.append_queued().await;
    log.append_new(accounts(40)).await;
    let running = start(&environment, "many", ProjectorSettings::default());
    running.until_applied(log.events()).await;
    assert_eq!(parked(&environment).await.len(), 10_000);
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_retried_after_the_cause_is_fixed_are_applied_in_order() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    let running = start(&environment, "retry", batches_of(500));
    running.until_ready().await;
    running.execute_sql("ALTER TABLE accounts ADD CONSTRAINT young CHECK (version < 7)").await;
    let id = new_account();
    log.append(&id, 1, opened("Ada")).await;
    for version in 2..=700 {
        log.queue(&id, version, deposited(version.cast_signed()));
    }
    log.append_queued().await;
    log.append_new(accounts(20)).await;
    running.until_applied(log.events()).await;
    until_parked(&environment, 694).await;

    retry_all(&environment).await;
    eventually("the retry fails", || async { marked(&environment).await == 0 }).await;
    assert_eq!(parked(&environment).await.len(), 694);

    running.execute_sql("ALTER TABLE accounts DROP CONSTRAINT young").await;
    assert_eq!(retry_all(&environment).await, 1);
    until_parked(&environment, 0).await;
    assert_eq!(rows(&environment).await, expected(&log));
    log.append(&id, 701, closed("moved away")).await;
    running.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    eventually("nothing is reported as parked", || async { !running.state().contains("parked") }).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_event_leaves_a_gap_that_a_rebuild_reproduces() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    let (bad, hole, twice) = (new_account(), new_account(), new_account());
    for id in [&bad, &hole, &twice] {
        log.append(id, 1, opened("Ada")).await;
    }
    log.append_corrupt(&bad, 2, &deposited(2), |record| record.payload.clear()).await;
    log.append(&bad, 3, deposited(3)).await;
    log.append_corrupt(&hole, 3, &deposited(3), |_| {}).await;
    log.append_corrupt(&twice, 1, &opened("Bob"), |_| {}).await;
    let running = start(&environment, "drop", batches_of(500));
    until_parked(&environment, 4).await;

    for (id, version) in [(&bad, 2), (&hole, 3), (&twice, 1)] {
        let position = position_of(&environment, id, version).await;
        drop_event(&environment, &position).await.unwrap();
        let again = drop_event(&environment, &position).await;
        assert!(matches!(again, Err(DropError::NotParked { .. })), "{again:?}");
    }
    until_parked(&environment, 0).await;
    log.append(&bad, 4, closed("moved away")).await;
    log.append(&hole, 4, closed("moved away")).await;
    log.append(&twice, 2, closed("moved away")).await;
    let events = log.events();
    running.until_applied(events).await;
    assert_eq!(parked(&environment).await, []);
    let live = rows(&environment).await;
    assert_eq!(live, expected(&log));
    assert_eq!(live.len(), 3);
    assert!(live.iter().all(|account| account.closing_reason.is_some()), "{live:#?}");

    running.execute_sql(BUILD).await;
    running.until_applied_by(2, events).await;
    assert_eq!(rows_in(&environment, "accounts_g2").await, live);
    assert_eq!(parked_by(&environment, 2).await, []);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_parks_the_same_events_as_the_live_generation() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(30)).await;
    poison::append_all(&mut log).await;
    log.append_new(accounts(30)).await;
    let running = start(&environment, "rebuild", batches_of(50));
    running.until_applied(log.events()).await;
    running.execute_sql(BUILD).await;
    running.until_applied_by(2, log.events()).await;
    assert_eq!(rows_in(&environment, "accounts_g2").await, expected(&log));
    assert_eq!(parked_by(&environment, 2).await, parked(&environment).await);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_another_generation_has_applied_cannot_be_dropped() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    let id = new_account();
    log.append(&id, 1, opened("Ada")).await;
    let running = start(&environment, "applied", batches_of(500));
    running.until_applied(1).await;
    running.execute_sql(BUILD).await;
    running.until_applied_by(2, 1).await;
    running.execute_sql("ALTER TABLE accounts ADD CONSTRAINT none CHECK (version < 2)").await;
    log.append(&id, 2, closed("moved away")).await;
    running.until_applied(2).await;
    running.until_applied_by(2, 2).await;

    let position = position_of(&environment, &id, 2).await;
    let refused = drop_event(&environment, &position).await;
    assert!(matches!(refused, Err(DropError::Applied { generation: 2, .. })), "{refused:?}");
    assert_eq!(parked(&environment).await.len(), 1);
    running.end().await;
}
