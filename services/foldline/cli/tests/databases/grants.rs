use sqlx::{Executor, PgConnection};
use test_kit::TestEnvironment;

use crate::{connect, databases, migrated};

/// The table that only the owner may access.
const OWNER_ONLY: &str = "_sqlx_migrations";

/// The tables with whole events and their errors. Query APIs may see only that events exist, and analysts not even
/// that.
const EVENTS: [&str; 2] = ["parked_event", "dropped_event"];

/// The tables that analysts may not read.
const CLOSED_TO_ANALYSTS: [&str; 4] = [OWNER_ONLY, "projection_version", EVENTS[0], EVENTS[1]];

async fn read_models(environment: &TestEnvironment) -> impl Iterator<Item = String> {
    databases(environment).await.into_iter().filter(|database| database.ends_with("_read"))
}

async fn ungranted(connection: &mut PgConnection, role: &str, rights: &str) -> Vec<String> {
    let restricted = [OWNER_ONLY, EVENTS[0], EVENTS[1]];
    sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
          WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> ALL ($1)
            AND EXISTS (SELECT FROM unnest(string_to_array($3, ' ')) AS needed
                         WHERE NOT has_table_privilege($2, pg_class.oid, needed))",
    )
    .bind(restricted)
    .bind(role)
    .bind(rights)
    .fetch_all(connection)
    .await
    .unwrap()
}

#[tokio::test]
async fn services_have_the_privileges_they_need_on_every_table() {
    let environment = migrated();
    for database in databases(&environment).await {
        let mut connection = connect(&environment, "migrator", &database).await;
        let roles: &[_] = if database.ends_with("_read") {
            &[("foldline_projector", "SELECT INSERT"), ("foldline_query", "SELECT")]
        } else {
            &[("foldline_command", "SELECT INSERT UPDATE DELETE")]
        };
        for (role, rights) in roles {
            let ungranted = ungranted(&mut connection, role, rights).await;
            assert!(ungranted.is_empty(), "{database}: GRANT {rights} ON {ungranted:?} TO {role} is missing");
        }
    }
}

/// Creates a table as a later migration would, and one as for a generation that is being built.
const LATER: &str =
    "CREATE TABLE later (id integer); CREATE SCHEMA later_g2; CREATE TABLE later_g2.later (id integer)";

#[tokio::test]
async fn projectors_and_query_apis_may_access_tables_that_are_created_later() {
    let environment = migrated();
    for database in read_models(&environment).await {
        connect(&environment, "migrator", &database).await.execute(LATER).await.unwrap();
        let mut projector = connect(&environment, "orders_projector", &database).await;
        projector.execute("INSERT INTO later VALUES (1); UPDATE later_g2.later SET id = 1").await.unwrap();
        connect(&environment, "orders_query", &database).await.execute("TABLE later").await.unwrap();
    }
}

/// The columns that analysts may read but should not, or the other way round.
async fn misgranted_to_analysts(environment: &TestEnvironment, database: &str) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT attrelid::regclass || '.' || attname
           FROM pg_attribute
           JOIN pg_class ON pg_class.oid = attrelid
          WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
            AND attnum > 0 AND NOT attisdropped
            AND has_column_privilege('foldline_analyst', attrelid, attnum, 'SELECT')
             <> (relname <> ALL ($1) AND col_description(attrelid, attnum) NOT ILIKE '%personal data%')
          ORDER BY 1",
    )
    .bind(CLOSED_TO_ANALYSTS)
    .fetch_all(&mut connect(environment, "migrator", database).await)
    .await
    .unwrap()
}

#[tokio::test]
async fn analysts_may_read_exactly_the_columns_without_personal_data() {
    let environment = migrated();
    for database in read_models(&environment).await {
        let misgranted = misgranted_to_analysts(&environment, &database).await;
        let advice = "SELECT open_to_analysts(its table), or say in its comment that it holds personal data";
        assert!(misgranted.is_empty(), "{database}: {misgranted:?}: {advice}");
    }
}
