use crate::{connect, databases, migrated};

/// The tables and columns without a comment, in any schema.
const WITHOUT_COMMENT: &str = "
    SELECT attrelid::regclass || coalesce('.' || nullif(attname, 'tableoid'), '')
      FROM pg_attribute
      JOIN pg_class ON pg_class.oid = attrelid
     WHERE relkind IN ('r', 'p', 'v', 'm')
       AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
       AND NOT attisdropped
       AND (attnum > 0 AND col_description(attrelid, attnum) IS NULL
            -- Every table has this column, so it represents the table itself.
            OR attname = 'tableoid' AND obj_description(attrelid, 'pg_class') IS NULL)
     ORDER BY 1";

#[tokio::test]
async fn every_table_and_column_has_a_comment() {
    let environment = migrated();
    for database in databases(&environment).await {
        let mut connection = connect(&environment, "migrator", &database).await;
        let missing: Vec<String> =
            sqlx::query_scalar(WITHOUT_COMMENT).fetch_all(&mut connection).await.unwrap();
        assert!(missing.is_empty(), "{database}: COMMENT ON is missing for {}", missing.join(", "));
    }
}
