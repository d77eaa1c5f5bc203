use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use service_kit::health::Health;
use sqlx::{
    Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgListener},
};
use tokio::task::JoinSet;

use super::{Ticks, connect, database, source, target};
use crate::{
    CheckpointWatch, PartitionOffsets, Query, Source,
    checkpoint_waiters::CheckpointWaiters,
    follow,
    follower::{CheckpointMove, follow_through},
};
use crate::{
    live_offsets::LiveOffsets,
    projector::{
        checkpoint::{self, Advance, Checkpoint as PartitionCheckpoint, Checkpoints},
        generation,
        target::Target,
    },
};

/// Far longer than any test takes.
const LONG: Duration = Duration::from_hours(1);

/// A query whose snapshots have these offsets, one after the other.
struct Snapshots(Mutex<VecDeque<PartitionOffsets>>);

impl Snapshots {
    fn new<const N: usize>(next_offsets: [i64; N]) -> Self {
        Self(Mutex::new(next_offsets.map(at).into()))
    }
}

impl Query for Snapshots {
    type Output = ();
    type Error = ();

    async fn run(&self) -> Result<((), PartitionOffsets), ()> {
        Ok(((), self.0.lock().unwrap().pop_front().expect("there is a snapshot for each run")))
    }
}

/// A query that reads the checkpoint.
struct Checkpoint(PgConnectOptions);

impl Query for Checkpoint {
    type Output = ();
    type Error = sqlx::Error;

    async fn run(&self) -> Result<((), PartitionOffsets), sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.0).await?;
        Ok(((), LiveOffsets::read(&mut connection, &source()).await?.offsets))
    }
}

fn at(next_offset: i64) -> PartitionOffsets {
    PartitionOffsets::from_iter([(0, next_offset)])
}

/// Waiters for a projection that has reached this offset according to notifications, and a watch of them.
fn notified_at(next_offset: i64) -> (Arc<CheckpointWaiters>, CheckpointWatch) {
    let waiters = Arc::new(CheckpointWaiters::default());
    waiters.set(&at(next_offset));
    (Arc::clone(&waiters), CheckpointWatch::new(waiters))
}

async fn claim(connection: &mut PgConnection, partition: i32) -> Checkpoints {
    generation::register::<Ticks>(connection, &source().topic).await.unwrap();
    checkpoint::claim(connection, &target(), &[partition]).await.unwrap()
}

async fn advance(connection: &mut PgConnection, claimed: &Checkpoints, next_offset: i64) -> Checkpoints {
    let mut next = claimed.clone();
    next.get_mut(&0).unwrap().next_offset = next_offset;
    assert!(
        checkpoint::advance(connection, &[Advance { target: &target(), from: claimed, to: &next }])
            .await
            .unwrap()
    );
    next
}

#[tokio::test]
async fn a_checkpoint_that_moves_wakes_the_queries_that_wait_for_it() {
    let options = database().await;
    let mut connection = connect(&options).await;
    let claimed = claim(&mut connection, 0).await;
    let health = Health::default();
    // Only a notification can wake the waiter, because the connection is never tested.
    let [watch] = follow_through(&options, [source()], 8, health.component("read model"), LONG);
    test_kit::eventually("the read model is followed", || async { health.is_ready() }).await;
    let query = Checkpoint(options.clone());

    let waiter = tokio::spawn(async move { watch.query(&query, &at(5), LONG).await });
    let half = advance(&mut connection, &claimed, 4).await;
    assert!(!waiter.is_finished());
    advance(&mut connection, &half, 5).await;
    test_kit::eventually("the waiter is woken", || async { waiter.is_finished() }).await;
    let result = waiter.await.unwrap().unwrap();
    assert_eq!((result.offsets, result.is_fresh), (at(5), true));
}

#[tokio::test]
async fn the_checkpoints_of_a_batch_move_in_few_notifications_even_if_names_are_long() {
    let options = database().await;
    let mut connection = connect(&options).await;
    let mut listener = PgListener::connect_with(&PgPool::connect_lazy_with(options)).await.unwrap();
    listener.listen("checkpoint").await.unwrap();
    // The longest name that Kafka allows, and the highest offsets.
    let target = Target { topic: "t".repeat(249), ..target() };
    let claimed = checkpoint::claim(&mut connection, &target, &(0..45).collect::<Vec<_>>()).await.unwrap();
    let moved = |mut checkpoint: PartitionCheckpoint| {
        checkpoint.next_offset = i64::MAX;
        checkpoint
    };
    let next = claimed.iter().map(|(partition, checkpoint)| (*partition, moved(*checkpoint))).collect();
    assert!(
        checkpoint::advance(&mut connection, &[Advance { target: &target, from: &claimed, to: &next }])
            .await
            .unwrap()
    );

    let mut partitions = BTreeSet::new();
    for _ in 0..3 {
        let notification = listener.recv().await.unwrap();
        let moved = CheckpointMove::parse(notification.payload()).unwrap();
        partitions.extend(moved.positions.into_iter().map(|position| position.partition));
    }
    assert_eq!(partitions, (0..45).collect());
    let none_moves =
        checkpoint::advance(&mut connection, &[Advance { target: &target, from: &claimed, to: &claimed }])
            .await
            .unwrap();
    assert!(!none_moves, "the checkpoints have moved meanwhile");
}

#[tokio::test]
async fn after_a_lost_connection_the_offsets_are_read_again() {
    let options = database().await;
    let mut connection = connect(&options).await;
    let claimed = claim(&mut connection, 0).await;
    let health = Health::default();
    let [watch] = follow(&options, [source()], 8, health.component("read model"));
    test_kit::eventually("the read model is followed", || async { health.is_ready() }).await;

    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                     AND backend_type = 'client backend'";
    sqlx::query(terminate).execute(&mut connection).await.unwrap();
    advance(&mut connection, &claimed, 5).await;
    let result = watch.query(&Checkpoint(options), &at(5), LONG).await.unwrap();
    assert!(result.is_fresh);
    test_kit::eventually("the read model is followed again", || async { health.is_ready() }).await;
}

#[tokio::test]
async fn a_checkpoint_beyond_the_partition_count_of_the_settings_makes_the_component_not_ready() {
    let options = database().await;
    let mut connection = connect(&options).await;
    claim(&mut connection, 8).await;
    let health = Health::default();
    let _followed = follow(&options, [source()], 8, health.component("read model"));
    test_kit::eventually("the component is not ready", || async {
        format!("{:?}", health.components()).contains("a partition 8, but the settings say 8 partitions")
    })
    .await;
}

#[tokio::test]
async fn a_query_does_not_wait_for_a_position_that_is_already_reached() {
    let result = notified_at(5).1.query(&Snapshots::new([5]), &at(5), LONG).await.unwrap();
    assert!(result.is_fresh);
}

#[tokio::test]
async fn a_query_is_repeated_if_its_snapshot_is_older_than_the_notification() {
    let (waiters, watch) = notified_at(5);
    let waiter = tokio::spawn(async move {
        let query = Snapshots::new([3, 5]);
        watch.query(&query, &at(5), LONG).await.unwrap()
    });
    // The projector applies the events again that Postgres lost.
    waiters.set(&at(5));
    while !waiter.is_finished() {
        waiters.set(&at(5));
        tokio::task::yield_now().await;
    }
    assert!(waiter.await.unwrap().is_fresh);
}

#[tokio::test]
async fn a_query_whose_wait_has_timed_out_is_run_once() {
    let (_, watch) = notified_at(0);
    let late = watch.query(&Snapshots::new([3]), &at(5), Duration::ZERO).await.unwrap();
    assert_eq!((late.offsets, late.is_fresh), (at(3), false));
    // There was no notification, but the snapshot has reached the position.
    let fresh = watch.query(&Snapshots::new([5]), &at(5), Duration::ZERO).await.unwrap();
    assert!(fresh.is_fresh);
}

#[tokio::test]
async fn an_update_wakes_exactly_the_queries_whose_position_is_reached() {
    let (waiters, watch) = notified_at(0);
    let mut queries = JoinSet::new();
    for number in 0..5_000 {
        let watch = watch.clone();
        queries.spawn(async move {
            let wanted = if number == 0 { 7 } else { 5 };
            watch.query(&Snapshots::new([wanted]), &at(wanted), LONG).await.unwrap()
        });
    }
    test_kit::eventually("all queries wait", || async { waiters.len() == 5_000 }).await;
    for next_offset in 1..5 {
        waiters.set_partition(0, next_offset);
        waiters.set_partition(1, 100);
        assert_eq!(waiters.len(), 5_000);
    }
    waiters.set_partition(0, 5);
    assert_eq!(waiters.len(), 1, "the others are woken");
    for _ in 0..4_999 {
        assert!(queries.join_next().await.unwrap().unwrap().is_fresh);
    }
    waiters.set_partition(0, 7);
    assert_eq!(queries.join_all().await.len(), 1);
}

#[tokio::test]
async fn a_query_waits_for_all_partitions_of_its_position() {
    let (waiters, watch) = notified_at(0);
    let wanted = PartitionOffsets::from_iter([(0, 5), (1, 3), (2, 1)]);
    let query = Snapshots(Mutex::new([wanted.clone()].into()));
    let waiter = tokio::spawn(async move { watch.query(&query, &wanted, LONG).await.unwrap() });
    for (partition, next_offset) in [(1, 3), (0, 5), (2, 1)] {
        test_kit::eventually("the query waits", || async { waiters.len() == 1 }).await;
        assert!(!waiter.is_finished());
        waiters.set_partition(partition, next_offset);
    }
    assert!(waiter.await.unwrap().is_fresh);
}

#[tokio::test]
async fn a_cancelled_query_is_removed_from_the_waiters() {
    let (waiters, watch) = notified_at(0);
    let waiter = tokio::spawn(async move { watch.query(&Snapshots::new([]), &at(5), LONG).await });
    test_kit::eventually("the query waits", || async { waiters.len() == 1 }).await;
    waiter.abort();
    assert!(waiter.await.unwrap_err().is_cancelled());
    assert_eq!(waiters.len(), 0);
}

#[tokio::test]
async fn projections_of_one_database_are_followed_through_one_connection() {
    let options = database().await;
    let mut connection = connect(&options).await;
    let other = Source { projection: "tocks".to_owned(), ..source() };
    let health = Health::default();
    let sources = [other, source()];
    let [silent, ticks] = follow_through(&options, sources, 8, health.component("read model"), LONG);
    test_kit::eventually("they are followed", || async { health.is_ready() }).await;
    let others = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()
                     AND backend_type = 'client backend'";
    let connections: i64 = sqlx::query_scalar(others).fetch_one(&mut connection).await.unwrap();
    assert_eq!(connections, 1);

    // The first generation begins only now.
    let claimed = claim(&mut connection, 0).await;
    advance(&mut connection, &claimed, 5).await;
    assert!(ticks.query(&Checkpoint(options), &at(5), LONG).await.unwrap().is_fresh);
    assert_eq!(*silent.watch_offsets().borrow(), PartitionOffsets::default());
}
