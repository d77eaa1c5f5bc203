use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use service_kit::health::Health;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::task::JoinSet;

use super::{Ticks, connect, database, source, target};
use crate::{
    CheckpointWatch, PartitionOffsets, Query, Source, checkpoint_waiters::CheckpointWaiters, follow,
    follower::follow_through,
};
use crate::{
    live_offsets::LiveOffsets,
    projector::{
        checkpoint::{self, Checkpoints},
        generation,
    },
};

/// Far longer than any test takes.
const LONG: Duration = Duration::from_hours(1);

/// Answers with these stands, one after the other.
struct Stands(Mutex<VecDeque<PartitionOffsets>>);

impl Stands {
    fn new<const N: usize>(next_offsets: [i64; N]) -> Self {
        Self(Mutex::new(next_offsets.map(at).into()))
    }
}

impl Query for Stands {
    type Answer = ();
    type Error = ();

    async fn ask(&self) -> Result<((), PartitionOffsets), ()> {
        Ok(((), self.0.lock().unwrap().pop_front().expect("asked no more often than told")))
    }
}

/// Asks the checkpoint itself.
struct Checkpoint(PgConnectOptions);

impl Query for Checkpoint {
    type Answer = ();
    type Error = sqlx::Error;

    async fn ask(&self) -> Result<((), PartitionOffsets), sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.0).await?;
        Ok(((), LiveOffsets::read(&mut connection, &source()).await?.offsets))
    }
}

fn at(next_offset: i64) -> PartitionOffsets {
    PartitionOffsets::from_iter([(0, next_offset)])
}

/// A room in which it was heard that the projection stands here.
fn room(next_offset: i64) -> (Arc<CheckpointWaiters>, CheckpointWatch) {
    let room = Arc::new(CheckpointWaiters::default());
    room.stands_at(&at(next_offset));
    (Arc::clone(&room), CheckpointWatch::new(room))
}

async fn claim(connection: &mut PgConnection, partition: i32) -> Checkpoints {
    generation::register::<Ticks>(connection, &source().topic).await.unwrap();
    checkpoint::claim(connection, &target(), &[partition]).await.unwrap()
}

async fn advance(connection: &mut PgConnection, claimed: &Checkpoints, next_offset: i64) -> Checkpoints {
    let mut next = claimed.clone();
    next.get_mut(&0).unwrap().next_offset = next_offset;
    assert!(checkpoint::advance(connection, &target(), claimed, &next).await.unwrap());
    next
}

#[tokio::test]
async fn the_move_of_a_checkpoint_wakes_who_waits_for_it() {
    let options = database().await;
    let mut connection = connect(&options).await;
    let claimed = claim(&mut connection, 0).await;
    let health = Health::default();
    // Only what is told can wake the waiter: the connection is never tried.
    let [watch] = follow_through(&options, [source()], 8, health.component("read model"), LONG);
    test_kit::eventually("the read model is followed", || async { health.is_ready() }).await;
    let question = Checkpoint(options.clone());

    let waiter = tokio::spawn(async move { watch.ask(&question, &at(5), LONG).await });
    let half = advance(&mut connection, &claimed, 4).await;
    assert!(!waiter.is_finished());
    advance(&mut connection, &half, 5).await;
    test_kit::eventually("the waiter is woken", || async { waiter.is_finished() }).await;
    let result = waiter.await.unwrap().unwrap();
    assert_eq!((result.offsets, result.is_fresh), (at(5), true));
}

#[tokio::test]
async fn a_lost_connection_is_made_again_and_nothing_is_missed() {
    let options = database().await;
    let mut connection = connect(&options).await;
    let claimed = claim(&mut connection, 0).await;
    let health = Health::default();
    let [watch] = follow(&options, [source()], 8, health.component("read model"));
    test_kit::eventually("the read model is followed", || async { health.is_ready() }).await;

    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                     AND backend_type = 'client backend'";
    sqlx::query(cut).execute(&mut connection).await.unwrap();
    advance(&mut connection, &claimed, 5).await;
    let result = watch.ask(&Checkpoint(options), &at(5), LONG).await.unwrap();
    assert!(result.is_fresh);
    test_kit::eventually("the read model is followed again", || async { health.is_ready() }).await;
}

#[tokio::test]
async fn a_partition_that_the_settings_do_not_know_makes_it_not_ready() {
    let options = database().await;
    let mut connection = connect(&options).await;
    claim(&mut connection, 8).await;
    let health = Health::default();
    let _followed = follow(&options, [source()], 8, health.component("read model"));
    test_kit::eventually("it says so", || async {
        format!("{:?}", health.components()).contains("a partition 8, the settings say 8 partitions")
    })
    .await;
}

#[tokio::test]
async fn what_stands_far_enough_is_answered_at_once() {
    let result = room(5).1.ask(&Stands::new([5]), &at(5), LONG).await.unwrap();
    assert!(result.is_fresh);
}

#[tokio::test]
async fn what_was_heard_of_but_is_not_there_is_waited_for() {
    let (room, watch) = room(5);
    let waiter = tokio::spawn(async move {
        let offsets = Stands::new([3, 5]);
        watch.ask(&offsets, &at(5), LONG).await.unwrap()
    });
    // The projection reads again what Postgres lost.
    room.stands_at(&at(5));
    while !waiter.is_finished() {
        room.stands_at(&at(5));
        tokio::task::yield_now().await;
    }
    assert!(waiter.await.unwrap().is_fresh);
}

#[tokio::test]
async fn what_does_not_come_in_time_is_looked_at_once_more() {
    let (_, watch) = room(0);
    let late = watch.ask(&Stands::new([3]), &at(5), Duration::ZERO).await.unwrap();
    assert_eq!((late.offsets, late.is_fresh), (at(3), false));
    // Nobody was told, and yet it is there.
    let unheard = watch.ask(&Stands::new([5]), &at(5), Duration::ZERO).await.unwrap();
    assert!(unheard.is_fresh);
}

#[tokio::test]
async fn a_move_wakes_all_who_wait_for_it_and_nobody_else() {
    let (room, watch) = room(0);
    let mut waiters = JoinSet::new();
    for number in 0..5_000 {
        let watch = watch.clone();
        waiters.spawn(async move {
            let wanted = if number == 0 { 7 } else { 5 };
            watch.ask(&Stands::new([wanted]), &at(wanted), LONG).await.unwrap()
        });
    }
    test_kit::eventually("all wait", || async { room.len() == 5_000 }).await;
    for next_offset in 1..5 {
        room.moved(0, next_offset);
        room.moved(1, 100);
        assert_eq!(room.len(), 5_000);
    }
    room.moved(0, 5);
    assert_eq!(room.len(), 1, "the others are woken");
    for _ in 0..4_999 {
        assert!(waiters.join_next().await.unwrap().unwrap().is_fresh);
    }
    room.moved(0, 7);
    assert_eq!(waiters.join_all().await.len(), 1);
}

#[tokio::test]
async fn who_waits_for_several_partitions_waits_for_the_last_of_them() {
    let (room, watch) = room(0);
    let wanted = PartitionOffsets::from_iter([(0, 5), (1, 3), (2, 1)]);
    let offsets = Stands(Mutex::new([wanted.clone()].into()));
    let waiter = tokio::spawn(async move { watch.ask(&offsets, &wanted, LONG).await.unwrap() });
    for (partition, next_offset) in [(1, 3), (0, 5), (2, 1)] {
        test_kit::eventually("it waits", || async { room.len() == 1 }).await;
        assert!(!waiter.is_finished());
        room.moved(partition, next_offset);
    }
    assert!(waiter.await.unwrap().is_fresh);
}

#[tokio::test]
async fn who_goes_does_not_wait_any_more() {
    let (room, watch) = room(0);
    let waiter = tokio::spawn(async move { watch.ask(&Stands::new([]), &at(5), LONG).await });
    test_kit::eventually("it waits", || async { room.len() == 1 }).await;
    waiter.abort();
    assert!(waiter.await.unwrap_err().is_cancelled());
    assert_eq!(room.len(), 0);
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

    // Its first generation begins only now.
    let claimed = claim(&mut connection, 0).await;
    advance(&mut connection, &claimed, 5).await;
    assert!(ticks.ask(&Checkpoint(options), &at(5), LONG).await.unwrap().is_fresh);
    assert_eq!(*silent.moves().borrow(), PartitionOffsets::default());
}
