use sqlx::{Connection, PgConnection};

use super::{Shelf, shelf::SHELF};
use crate::projector::generations::{self, GenerationError, Promotion, promote};
use crate::{
    Generation, GenerationState,
    GenerationState::{Building, Live, Standby},
};

fn promotion(state: GenerationState) -> Promotion {
    Promotion { state, max_lag: 100, accept_differences: false }
}

async fn swap(shelf: &Shelf, state: GenerationState) -> Result<Generation, GenerationError> {
    promote(&shelf.options, SHELF, promotion(state)).await
}

#[tokio::test]
async fn a_rollback_undoes_a_promotion() {
    let mut shelf = Shelf::rebuilt(25, 25).await;
    shelf.run("COMMENT ON TABLE shelf_g2.books IS 'the second'").await;
    let comment = "SELECT obj_description('public.books'::regclass, 'pg_class')";
    assert_eq!(swap(&shelf, Building).await.unwrap().number, 2);
    assert_eq!(shelf.states().await, [(1, Standby), (2, Live)]);
    assert_eq!(shelf.query(comment).await, "the second");
    assert_eq!(swap(&shelf, Standby).await.unwrap().number, 1);
    assert_eq!(shelf.states().await, [(1, Live), (2, Standby)]);
    assert_eq!(shelf.query(comment).await, "The books's covers");
}

#[tokio::test]
async fn the_fillfactor_of_the_live_table_is_restored_by_a_promotion() {
    let mut shelf = Shelf::rebuilt(5, 5).await;
    let options = "SELECT string_agg(format('%s %s', oid::regclass, reloptions), ', ' ORDER BY oid::regclass::text)
                  FROM pg_class WHERE relname IN ('books', 'pages') AND relnamespace <> 'shelf_g1'::regnamespace";
    shelf.run("CREATE SCHEMA shelf_g1").await;
    let before = "books {fillfactor=70}, pages , shelf_g2.books {fillfactor=50}, shelf_g2.pages ";
    assert_eq!(shelf.query(options).await, before);
    swap(&shelf, Building).await.unwrap();
    assert_eq!(shelf.query(options).await, "books {fillfactor=70}, pages ");
}

#[tokio::test]
async fn a_swap_fences_the_projectors_of_both_generations_until_they_claim_again() {
    let mut shelf = Shelf::rebuilt(25, 25).await;
    let mut fillers = [shelf.filler(1).await, shelf.filler(2).await];
    swap(&shelf, Building).await.unwrap();
    for filler in &mut fillers {
        assert!(!filler.apply().await);
    }
    let mut live = shelf.filler(2).await;
    assert!(live.apply().await);
    assert_eq!(shelf.query("SELECT count(*)::text FROM public.pages").await, "26");
    assert_eq!(shelf.query("SELECT count(*)::text FROM shelf_g1.pages").await, "25");
}

#[tokio::test]
async fn a_promotion_is_refused_while_there_is_a_third_generation() {
    let mut shelf = Shelf::rebuilt(5, 5).await;
    swap(&shelf, Building).await.unwrap();
    generations::begin(&mut shelf.connection, SHELF, None, None).await.unwrap();
    let refused = swap(&shelf, Building).await.unwrap_err();
    assert_eq!(refused.to_string(), "generation 1 of shelf is standby: drop it first");
    let refused = swap(&shelf, Standby).await.unwrap_err();
    assert_eq!(refused.to_string(), "generation 3 of shelf is building: promote or cancel it first");
    assert_eq!(shelf.states().await, [(1, Standby), (2, Live), (3, Building)]);
}

#[tokio::test]
async fn a_generation_that_is_too_far_behind_is_not_promoted() {
    let shelf = Shelf::rebuilt(101, 0).await;
    let refused = swap(&shelf, Building).await.unwrap_err();
    assert!(matches!(refused, GenerationError::TooFarBehind { events: 101, max_lag: 100, .. }), "{refused}");
}

#[tokio::test]
async fn a_generation_without_a_projector_is_not_promoted() {
    let mut shelf = Shelf::rebuilt(5, 4).await;
    let accepting = Promotion { accept_differences: true, ..promotion(Building) };
    let refused = promote(&shelf.options, SHELF, accepting).await.unwrap_err();
    assert!(matches!(refused, GenerationError::NotAligned { .. }), "{refused}");
    assert_eq!(shelf.states().await, [(1, Live), (2, Building)]);
}

#[tokio::test]
async fn the_live_generation_is_held_back_until_the_other_has_caught_up() {
    let mut shelf = Shelf::rebuilt(5, 3).await;
    let mut filler = shelf.filler(2).await;
    let following = tokio::spawn(async move { filler.follow().await });
    swap(&shelf, Building).await.unwrap();
    assert_eq!(shelf.query("SELECT count(*)::text FROM public.pages").await, "5");
    following.await.unwrap();
}

#[tokio::test]
async fn a_promotion_removes_the_rate_limit() {
    let mut shelf = Shelf::rebuilt(5, 5).await;
    generations::limit(&mut shelf.connection, SHELF, 2, Some(1)).await.unwrap();
    assert_eq!(swap(&shelf, Building).await.unwrap().rate_limit, None);
}

#[tokio::test]
async fn different_rows_of_the_same_version_are_promoted_only_if_they_are_accepted() {
    let mut shelf = Shelf::rebuilt(5, 5).await;
    shelf.run("UPDATE shelf_g2.books SET printer = 'other' WHERE book = 3").await;
    let refused = swap(&shelf, Building).await.unwrap_err();
    assert!(matches!(refused, GenerationError::Differ(_)), "{refused}");
    promote(&shelf.options, SHELF, Promotion { accept_differences: true, ..promotion(Building) })
        .await
        .unwrap();
    assert_eq!(shelf.states().await, [(1, Standby), (2, Live)]);
}

#[tokio::test]
async fn different_rows_of_another_version_are_promoted() {
    let mut shelf = Shelf::rebuilt(5, 5).await;
    shelf.run("UPDATE shelf_g2.books SET printer = 'other'").await;
    shelf.run("INSERT INTO projection_version VALUES ('shelf', 2, '{books,pages}', '{shelf.events}')").await;
    shelf.run("UPDATE projection_generation SET version = 2 WHERE generation = 2").await;
    assert_eq!(swap(&shelf, Building).await.unwrap().version, 2);
}

#[tokio::test]
async fn tables_from_before_a_migration_are_not_promoted() {
    let mut shelf = Shelf::rebuilt(5, 5).await;
    shelf.run("ALTER TABLE public.books ADD COLUMN title text").await;
    let refused = swap(&shelf, Building).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "generation 2 has no books.title text as the live tables have: cancel or drop it, and rebuild"
    );
}

#[tokio::test]
async fn a_long_query_delays_the_swap_but_no_other_query() {
    let mut shelf = Shelf::rebuilt(5, 5).await;
    let mut reader = PgConnection::connect_with(&shelf.options).await.unwrap();
    let mut query = reader.begin().await.unwrap();
    sqlx::query("SELECT FROM books").execute(&mut *query).await.unwrap();
    let options = shelf.options.clone();
    let swapping = tokio::spawn(async move { promote(&options, SHELF, promotion(Building)).await });
    let waiting = "SELECT count(*) > 0 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted";
    for _ in 0..3 {
        test_kit::eventually("the swap waits", || shelf.is_true(waiting)).await;
        // The swap yields to this query.
        shelf.query("SELECT count(*)::text FROM books").await;
        assert!(!swapping.is_finished());
    }
    query.commit().await.unwrap();
    swapping.await.unwrap().unwrap();
}
