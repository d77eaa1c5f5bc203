use std::{collections::VecDeque, sync::Mutex, time::Duration};

use service_kit::health::Health;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::sync::watch;

use super::{connect, database, source};
use crate::{
    Freshness, Question, Stand,
    checkpoint::{self, Checkpoints},
    follow,
    follower::follow_through,
};

/// Far longer than any test takes.
const LONG: Duration = Duration::from_hours(1);

/// Answers with these stands, one after the other.
struct Stands(Mutex<VecDeque<Stand>>);

impl Stands {
    fn new<const N: usize>(next_offsets: [i64; N]) -> Self {
        Self(Mutex::new(next_offsets.map(at).into()))
    }
}

impl Question for Stands {
    type Answer = ();
    type Error = ();

    async fn ask(&self) -> Result<((), Stand), ()> {
        Ok(((), self.0.lock().unwrap().pop_front().expect("asked no more often than told")))
    }
}

/// Asks the checkpoint itself.
struct Checkpoint(PgConnectOptions);

impl Question for Checkpoint {
    type Answer = ();
    type Error = sqlx::Error;

    async fn ask(&self) -> Result<((), Stand), sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.0).await?;
        Ok(((), checkpoint::stand(&mut connection, &source()).await?))
    }
}

fn at(next_offset: i64) -> Stand {
    Stand::from_iter([(0, next_offset)])
}

async fn advance(connection: &mut PgConnection, claimed: &Checkpoints, next_offset: i64) -> Checkpoints {
    let mut next = claimed.clone();
    next.get_mut(&0).unwrap().next_offset = next_offset;
    assert!(checkpoint::advance(connection, &source(), claimed, &next).await.unwrap());
    next
}

#[tokio::test]
async fn the_move_of_a_checkpoint_wakes_who_waits_for_it() {
    let options = database().await;
    let mut connection = connect(&options).await;
    let claimed = checkpoint::claim(&mut connection, &source(), &[0]).await.unwrap();
    let health = Health::default();
    // Only what is told can wake the waiter: the connection is never tried.
    let freshness = follow_through(&options, source(), 8, health.part("read model"), LONG);
    test_kit::eventually("the read model is followed", || async { health.is_ready() }).await;
    let question = Checkpoint(options.clone());

    let waiter = tokio::spawn(async move { freshness.ask(&question, &at(5), LONG).await });
    let half = advance(&mut connection, &claimed, 4).await;
    assert!(!waiter.is_finished());
    advance(&mut connection, &half, 5).await;
    test_kit::eventually("the waiter is woken", || async { waiter.is_finished() }).await;
    let sight = waiter.await.unwrap().unwrap();
    assert_eq!((sight.stand, sight.is_fresh), (at(5), true));
}

#[tokio::test]
async fn a_lost_connection_is_made_again_and_nothing_is_missed() {
    let options = database().await;
    let mut connection = connect(&options).await;
    let claimed = checkpoint::claim(&mut connection, &source(), &[0]).await.unwrap();
    let health = Health::default();
    let freshness = follow(&options, source(), 8, health.part("read model"));
    test_kit::eventually("the read model is followed", || async { health.is_ready() }).await;

    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sqlx::query(cut).execute(&mut connection).await.unwrap();
    advance(&mut connection, &claimed, 5).await;
    let sight = freshness.ask(&Checkpoint(options), &at(5), LONG).await.unwrap();
    assert!(sight.is_fresh);
    test_kit::eventually("the read model is followed again", || async { health.is_ready() }).await;
}

#[tokio::test]
async fn a_partition_that_the_settings_do_not_know_makes_it_not_ready() {
    let options = database().await;
    let mut connection = connect(&options).await;
    checkpoint::claim(&mut connection, &source(), &[8]).await.unwrap();
    let health = Health::default();
    let _freshness = follow(&options, source(), 8, health.part("read model"));
    test_kit::eventually("it says so", || async {
        format!("{:?}", health.parts()).contains("a partition 8, the settings say 8 partitions")
    })
    .await;
}

#[tokio::test]
async fn what_stands_far_enough_is_answered_at_once() {
    let (_told, heard) = watch::channel(at(5));
    let sight = Freshness::new(heard).ask(&Stands::new([5]), &at(5), LONG).await.unwrap();
    assert!(sight.is_fresh);
}

#[tokio::test]
async fn what_was_heard_of_but_is_not_there_is_waited_for() {
    let (told, heard) = watch::channel(at(5));
    let waiter = tokio::spawn(async move {
        let stands = Stands::new([3, 5]);
        Freshness::new(heard).ask(&stands, &at(5), LONG).await.unwrap()
    });
    // The projection reads again what Postgres lost.
    told.send_replace(at(5));
    while !waiter.is_finished() {
        told.send_replace(at(5));
        tokio::task::yield_now().await;
    }
    assert!(waiter.await.unwrap().is_fresh);
}

#[tokio::test]
async fn what_does_not_come_in_time_is_looked_at_once_more() {
    let (_told, heard) = watch::channel(at(0));
    let freshness = Freshness::new(heard);
    let late = freshness.ask(&Stands::new([3]), &at(5), Duration::ZERO).await.unwrap();
    assert_eq!((late.stand, late.is_fresh), (at(3), false));
    // Nobody was told, and yet it is there.
    let unheard = freshness.ask(&Stands::new([5]), &at(5), Duration::ZERO).await.unwrap();
    assert!(unheard.is_fresh);
}
