use crate::{connect, databases, migrated};

/// Tables and columns that say nothing of themselves, whatever schema they are in.
const SILENT: &str = "
    SELECT attrelid::regclass || coalesce('.' || nullif(attname, 'tableoid'), '')
      FROM pg_attribute
      JOIN pg_class ON pg_class.oid = attrelid
     WHERE relkind IN ('r', 'p', 'v', 'm')
       AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
       AND NOT attisdropped
       AND (attnum > 0 AND col_description(attrelid, attnum) IS NULL
            -- Every table has this one: it stands for the table itself.
            OR attname = 'tableoid' AND obj_description(attrelid, 'pg_class') IS NULL)
     ORDER BY 1";

#[tokio::test]
async fn every_table_and_every_column_says_what_it_is() {
    let environment = migrated();
    for database in databases(&environment).await {
        let mut connection = connect(&environment, "migrator", &database).await;
        let silent: Vec<String> = sqlx::query_scalar(SILENT).fetch_all(&mut connection).await.unwrap();
        assert!(silent.is_empty(), "{database}: COMMENT ON is missing for {}", silent.join(", "));
    }
}
