use sqlx::{Connection, PgConnection};
use test_kit::eventually;

use super::{Shelf, shelf::SHELF};
use crate::GenerationState::{Building, Live};
use crate::projector::generations::{self, GenerationError};

/// Everything that Postgres knows of the tables in a schema.
const LIKENESS: &str = "
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

async fn likeness(shelf: &mut Shelf, schema: &str) -> Vec<String> {
    let said: Vec<String> =
        sqlx::query_scalar(LIKENESS).bind(schema).fetch_all(&mut shelf.connection).await.unwrap();
    said.into_iter().map(|said| said.replace(&format!(" {schema}."), " ")).collect()
}

#[tokio::test]
async fn the_tables_are_like_the_live_ones_in_everything() {
    let mut shelf = Shelf::new().await;
    shelf.run("GRANT SELECT ON books TO PUBLIC; GRANT INSERT ON books TO pg_monitor WITH GRANT OPTION").await;
    shelf.run("GRANT SELECT (book), UPDATE (page) ON pages TO pg_monitor").await;
    let generation = generations::begin(&mut shelf.connection, SHELF, None, Some(7)).await.unwrap();
    assert_eq!((generation.number, generation.version, generation.state), (2, 1, Building));
    assert_eq!((generation.rate_limit, generation.schema()), (Some(7), "shelf_g2".to_owned()));
    let live = likeness(&mut shelf, "public").await;
    // Where there is room for updates, there is more of it until the generation is promoted.
    let with_room: Vec<_> = live.iter().map(|said| said.replace("fillfactor=70", "fillfactor=50")).collect();
    assert_eq!(likeness(&mut shelf, "shelf_g2").await, with_room);
    assert_eq!(live.iter().filter(|said| said.starts_with("CREATE")).count(), 5);
    let usage = "SELECT has_schema_privilege('pg_monitor', 'shelf_g2', 'USAGE')::text";
    assert_eq!(shelf.ask(usage).await, "true");
}

#[tokio::test]
async fn a_second_rebuild_is_refused_also_if_both_begin_at_once() {
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
async fn a_generation_that_is_ended_is_gone_and_its_number_with_it() {
    let mut shelf = Shelf::rebuilt(3, 2).await;
    let mut zombie = shelf.filler(2).await;
    generations::end(&mut shelf.connection, SHELF, Building).await.unwrap();
    assert_eq!(shelf.states().await, [(1, Live)]);
    assert!(!zombie.apply().await);
    assert_eq!(shelf.ask("SELECT (to_regnamespace('shelf_g2') IS NULL)::text").await, "true");
    let missing = generations::end(&mut shelf.connection, SHELF, Building).await.unwrap_err();
    assert_eq!(missing.to_string(), "shelf has no generation in the state building");
    let next = generations::begin(&mut shelf.connection, SHELF, None, None).await.unwrap();
    assert_eq!(next.number, 3);
}

#[tokio::test]
async fn what_never_ran_here_cannot_be_rebuilt() {
    let mut shelf = Shelf::new().await;
    let unknown = generations::begin(&mut shelf.connection, "shop", None, None).await.unwrap_err();
    assert_eq!(unknown.to_string(), "shop has never run here: start its projector first");
    let version = generations::begin(&mut shelf.connection, SHELF, Some(9), None).await.unwrap_err();
    assert_eq!(version.to_string(), "shelf version 9 has never run here: start its projector first");
}

#[tokio::test]
async fn what_is_bound_to_a_live_table_is_named_before_it_is_left_behind() {
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
async fn a_generation_is_paused_resumed_and_limited() {
    let mut shelf = Shelf::rebuilt(0, 0).await;
    let mut moves = generations::Moves::listen(&shelf.options, SHELF).await.unwrap();
    generations::pause(&mut shelf.connection, SHELF, 2).await.unwrap();
    generations::limit(&mut shelf.connection, SHELF, 2, Some(50)).await.unwrap();
    moves.next().await.unwrap();
    let building = generations::in_state(&mut shelf.connection, SHELF, Building).await.unwrap();
    assert_eq!((building.paused, building.rate_limit), (true, Some(50)));
    generations::resume(&mut shelf.connection, SHELF, 2).await.unwrap();
    generations::limit(&mut shelf.connection, SHELF, 2, None).await.unwrap();
    let building = generations::in_state(&mut shelf.connection, SHELF, Building).await.unwrap();
    assert_eq!((building.paused, building.rate_limit), (false, None));
    let unknown = generations::pause(&mut shelf.connection, SHELF, 5).await.unwrap_err();
    assert_eq!(unknown.to_string(), "shelf has no generation 5");
}

/// Twenty megabytes are more than the sockets between the two hold.
#[tokio::test]
async fn who_listens_and_does_not_look_keeps_no_transaction_open() {
    let mut shelf = Shelf::new().await;
    let mut moves = generations::Moves::listen(&shelf.options, SHELF).await.unwrap();
    for round in 0..10 {
        shelf
            .run(&format!(
                "SELECT pg_notify('checkpoint', 'shelf {round} ' || number || repeat(' ', 7000))
                   FROM generate_series(1, 300) AS number"
            ))
            .await;
    }
    eventually("nothing is left to be sent", || async {
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
    moves.next().await.unwrap();
}
