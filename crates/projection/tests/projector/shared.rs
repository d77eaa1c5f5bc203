//! The live projections of a process share one reading of the log, and none of them depends on another.

use std::{collections::BTreeMap, num::NonZeroUsize, sync::LazyLock};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use projection::{
    Journal, Projection, ProjectorSettings,
    kit::{Running, batches_of},
};
use sqlx::Executor;
use test_kit::{TestEnvironment, consumer_groups, eventually};

use crate::{
    accounts::Accounts,
    environment::{connect, prepared},
    expected::{expected, rows},
    log::{Log, accounts, log_of},
    parked::parked,
    positions::{POSITIONS, Positions},
    running::{settings, start},
};

/// The metrics of all projectors in this process. No other test has this projection.
static METRICS: LazyLock<PrometheusHandle> =
    LazyLock::new(|| PrometheusBuilder::new().install_recorder().unwrap());

/// A buffer for less than a hundred events.
fn small_buffer() -> ProjectorSettings {
    ProjectorSettings { shared_bytes: NonZeroUsize::new(50_000).unwrap(), ..batches_of(20) }
}

async fn prepared_for_two() -> TestEnvironment {
    LazyLock::force(&METRICS);
    let environment = prepared().await;
    connect(&environment).await.execute(POSITIONS).await.unwrap();
    environment
}

/// Starts a projector with the accounts and another projection.
fn start_two(
    other: impl Projection,
    environment: &TestEnvironment,
    service: &str,
    projector: ProjectorSettings,
) -> Running {
    Running::start_with(service, settings(environment, projector), |projectors| {
        projectors.run(Accounts);
        projectors.run(other);
    })
}

async fn applied_by(environment: &TestEnvironment, projection: &str) -> usize {
    let applied: i64 =
        sqlx::query_scalar("SELECT coalesce(sum(sequence), 0)::bigint FROM checkpoint WHERE projection = $1")
            .bind(projection)
            .fetch_one(&mut connect(environment).await)
            .await
            .unwrap();
    usize::try_from(applied).unwrap()
}

async fn until_applied_by(environment: &TestEnvironment, projection: &str, events: usize) {
    eventually(format!("{projection} has applied {events} events"), || async {
        applied_by(environment, projection).await == events
    })
    .await;
}

/// Waits until the accounts and another projection, which has a row for each event, have applied the log, and checks
/// that they applied each event exactly once.
async fn until_both_have_applied(environment: &TestEnvironment, other: &str, log: &Log) {
    until_applied_by(environment, "accounts", log.events()).await;
    until_applied_by(environment, other, log.events()).await;
    assert_eq!(rows(environment).await, expected(log));
    let count: i64 = sqlx::query_scalar(&format!("SELECT count(*) FROM {other}"))
        .fetch_one(&mut connect(environment).await)
        .await
        .unwrap();
    assert_eq!(usize::try_from(count).unwrap(), log.events());
    assert_eq!(parked(environment).await, []);
}

/// Waits until the projection of positions, which has read on its own, does not any more.
async fn until_shared_again() {
    let gauge = r#"projection_reads_alone{projection="positions"} 0"#;
    eventually(gauge, || async { METRICS.render().contains(gauge) }).await;
}

/// The consumer groups of a projector, with their numbers of members.
async fn groups(environment: &TestEnvironment, service: &str) -> BTreeMap<String, usize> {
    let (brokers, prefix) = (environment.servers.brokers.clone(), environment.topic(service));
    tokio::task::spawn_blocking(move || consumer_groups(&brokers, &prefix)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_live_projections_share_one_member_of_one_group() {
    let environment = prepared_for_two().await;
    let mut log = log_of(&environment).await;
    let running = start_two(Journal, &environment, "both", ProjectorSettings::default());
    running.until_ready().await;
    log.append_new(accounts(100)).await;
    until_both_have_applied(&environment, "journal", &log).await;
    let group = environment.topic("both-live");
    assert_eq!(groups(&environment, "both").await, [(group.clone(), 1)].into());
    running.end().await;
    assert_eq!(groups(&environment, "both").await, [(group, 0)].into());
}

/// One test, because the metrics are those of the process.
#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_falls_behind_catches_up_on_its_own_and_shares_the_reading_again() {
    let environment = prepared_for_two().await;
    let mut log = log_of(&environment).await;
    let first = start(&environment, "first", ProjectorSettings::default());
    log.append_new(accounts(200)).await;
    first.until_applied(log.events()).await;
    first.end().await;

    // A new projection begins at the first event, far behind the other one.
    let running = start_two(Positions, &environment, "behind", small_buffer());
    log.append_new(accounts(100)).await;
    until_both_have_applied(&environment, "positions", &log).await;
    until_shared_again().await;

    // One that fails does not stop the other, and neither does one that is slow.
    running.execute_sql("ALTER TABLE positions RENAME TO renamed").await;
    log.append_new(accounts(200)).await;
    until_applied_by(&environment, "accounts", log.events()).await;
    running.until_state_contains("does not exist").await;
    running.execute_sql("ALTER TABLE renamed RENAME TO positions").await;
    until_both_have_applied(&environment, "positions", &log).await;
    until_shared_again().await;

    let before = log.events();
    let mut holder = connect(&environment).await;
    holder.execute("BEGIN; LOCK TABLE positions IN EXCLUSIVE MODE").await.unwrap();
    log.append_new(accounts(200)).await;
    until_applied_by(&environment, "accounts", log.events()).await;
    assert_eq!(applied_by(&environment, "positions").await, before);
    holder.execute("COMMIT").await.unwrap();
    until_both_have_applied(&environment, "positions", &log).await;
    until_shared_again().await;

    log.append_new(accounts(20)).await;
    until_both_have_applied(&environment, "positions", &log).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_move_under_load_lose_and_repeat_nothing_in_any_projection() {
    let environment = prepared_for_two().await;
    let mut log = log_of(&environment).await;
    let stays = start_two(Journal, &environment, "moving", batches_of(20));
    for _ in 0..4 {
        let comes_and_goes = start_two(Journal, &environment, "moving", batches_of(20));
        while !comes_and_goes.is_ready() {
            log.append_new(accounts(20)).await;
        }
        log.append_new(accounts(60)).await;
        comes_and_goes.end().await;
    }
    until_both_have_applied(&environment, "journal", &log).await;
    stays.end().await;
}
