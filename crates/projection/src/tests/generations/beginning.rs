use sqlx::{Connection, PgConnection};
use test_kit::eventually;

use super::{Shelf, shelf::SHELF};
use crate::GenerationState::{Building, Live};
use crate::projector::generations::{self, GenerationError};

/// Describes the tables of a schema according to the system catalog.
const DESCRIPTION: &str = "
    WITH tables AS (SELECT * FROM pg_class WHERE relnamespace = $1::regnamespace AND relname IN ('books', 'pages'))
    SELECT pg_get_indexdef(indexrelid) FROM tables JOIN pg_index ON indrelid = oid
    UNION ALL
    SELECT format('%s %s %s', relname, conname, pg_get_constraintdef(pg_constraint.oid))
      FROM tables JOIN pg_constraint ON conrelid = tables.oid
    UNION ALL
    SELECT format('%s %s %s %s', relname, reloptions, relacl, obj_description(oid, 'pg_class')) FROM tables
    UNION ALL
    SELECT format('%s %s %s %s %s', relname, attname, atttypid::regtype, attacl, col_description(attrelid, attnum))
      FROM tables JOIN pg_attribute ON attrelid = oid AND attnum > 0
    ORDER BY 1";

async fn description(shelf: &mut Shelf, schema: &str) -> Vec<String> {
    let lines: Vec<String> =
        sqlx::query_scalar(DESCRIPTION).bind(schema).fetch_all(&mut shelf.connection).await.unwrap();
    lines.into_iter().map(|line| line.replace(&format!(" {schema}."), " ")).collect()
}

#[tokio::test]
async fn the_tables_are_copies_of_the_live_ones_in_all_respects() {
    let mut shelf = Shelf::new().await;
    shelf.run("GRANT SELECT ON books TO PUBLIC; GRANT INSERT ON books TO pg_monitor WITH GRANT OPTION").await;
    shelf.run("GRANT SELECT (book), UPDATE (page) ON pages TO pg_monitor").await;
    let generation = generations::begin(&mut shelf.connection, SHELF, None, Some(7)).await.unwrap();
    assert_eq!((generation.number, generation.version, generation.state), (2, 1, Building));
    assert_eq!((generation.rate_limit, generation.schema()), (Some(7), "shelf_g2".to_owned()));
    let live = description(&mut shelf, "public").await;
    // Only the fillfactor is lower until the generation is promoted.
    let expected: Vec<_> = live.iter().map(|line| line.replace("fillfactor=70", "fillfactor=50")).collect();
    assert_eq!(description(&mut shelf, "shelf_g2").await, expected);
    assert_eq!(live.iter().filter(|line| line.starts_with("CREATE")).count(), 5);
    let usage = "SELECT has_schema_privilege('pg_monitor', 'shelf_g2', 'USAGE')::text";
    assert_eq!(shelf.query(usage).await, "true");
}

#[tokio::test]
async fn only_one_of_two_concurrent_rebuilds_begins() {
    let mut shelf = Shelf::new().await;
    let mut other = crate::tests::connect(&shelf.options).await;
    let (one, two) = tokio::join!(
        generations::begin(&mut shelf.connection, SHELF, None, None),
        generations::begin(&mut other, SHELF, None, None),
    );
    let refused = one.and(two).unwrap_err();
    assert_eq!(refused.to_string(), "generation 2 of shelf is building: promote or cancel it first");
    assert_eq!(shelf.states().await, [(1, Live), (2, Building)]);
}

#[tokio::test]
async fn an_ended_generation_is_dropped_and_its_number_is_not_used_again() {
    let mut shelf = Shelf::rebuilt(3, 2).await;
    let mut zombie = shelf.filler(2).await;
    generations::end(&mut shelf.connection, SHELF, Building).await.unwrap();
    assert_eq!(shelf.states().await, [(1, Live)]);
    assert!(!zombie.apply().await);
    assert_eq!(shelf.query("SELECT (to_regnamespace('shelf_g2') IS NULL)::text").await, "true");
    let missing = generations::end(&mut shelf.connection, SHELF, Building).await.unwrap_err();
    assert_eq!(missing.to_string(), "shelf has no generation in the state building");
    let next = generations::begin(&mut shelf.connection, SHELF, None, None).await.unwrap();
    assert_eq!(next.number, 3);
}

#[tokio::test]
async fn a_projection_or_version_that_never_ran_cannot_be_rebuilt() {
    let mut shelf = Shelf::new().await;
    let unknown = generations::begin(&mut shelf.connection, "shop", None, None).await.unwrap_err();
    assert_eq!(unknown.to_string(), "shop has never run here: start its projector first");
    let version = generations::begin(&mut shelf.connection, SHELF, Some(9), None).await.unwrap_err();
    assert_eq!(version.to_string(), "shelf version 9 has never run here: start its projector first");
}

#[tokio::test]
async fn a_rebuild_is_refused_while_a_view_or_foreign_key_depends_on_a_live_table() {
    let mut shelf = Shelf::new().await;
    for (create, what) in [
        ("CREATE VIEW thick AS SELECT * FROM books", "the view thick"),
        (
            "ALTER TABLE pages ADD CONSTRAINT of_book FOREIGN KEY (book) REFERENCES books",
            "the foreign key of_book",
        ),
    ] {
        shelf.run(create).await;
        let refused = generations::begin(&mut shelf.connection, SHELF, None, None).await.unwrap_err();
        assert!(matches!(&refused, GenerationError::Attached { .. }), "{refused}");
        assert!(refused.to_string().starts_with(what), "{refused}");
        shelf.run("DROP VIEW IF EXISTS thick").await;
    }
}

#[tokio::test]
async fn a_generation_can_be_paused_resumed_and_limited() {
    let mut shelf = Shelf::rebuilt(0, 0).await;
    let mut notifications = generations::Notifications::listen(&shelf.options, SHELF).await.unwrap();
    generations::pause(&mut shelf.connection, SHELF, 2).await.unwrap();
    generations::limit(&mut shelf.connection, SHELF, 2, Some(50)).await.unwrap();
    notifications.next().await.unwrap();
    let building = generations::in_state(&mut shelf.connection, SHELF, Building).await.unwrap();
    assert_eq!((building.paused, building.rate_limit), (true, Some(50)));
    generations::resume(&mut shelf.connection, SHELF, 2).await.unwrap();
    generations::limit(&mut shelf.connection, SHELF, 2, None).await.unwrap();
    let building = generations::in_state(&mut shelf.connection, SHELF, Building).await.unwrap();
    assert_eq!((building.paused, building.rate_limit), (false, None));
    let unknown = generations::pause(&mut shelf.connection, SHELF, 5).await.unwrap_err();
    assert_eq!(unknown.to_string(), "shelf has no generation 5");
}

/// The notifications amount to 20 MB, which is more than the socket buffers hold.
#[tokio::test]
async fn a_listener_that_reads_no_notifications_keeps_no_transaction_open() {
    let mut shelf = Shelf::new().await;
    let mut notifications = generations::Notifications::listen(&shelf.options, SHELF).await.unwrap();
    for round in 0..10 {
        shelf
            .run(&format!(
                "SELECT pg_notify('checkpoint', 'shelf {round} ' || number || repeat(' ', 7000))
                   FROM generate_series(1, 300) AS number"
            ))
            .await;
    }
    eventually("all notifications are sent", || async {
        let mut connection = PgConnection::connect_with(&shelf.options).await.unwrap();
        sqlx::query_scalar::<_, bool>(
            "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                                   AND query LIKE 'LISTEN%' AND backend_xmin IS NOT NULL)",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap()
    })
    .await;
    notifications.next().await.unwrap();
}
