//! Creates empty tables that are like the live ones in all respects: columns, constraints, indexes with their names,
//! storage, comments, owners, grants.
//!
//! Each query here reads the system catalog and returns the statements that create the copy.

use sqlx::{Executor, PgConnection};

use super::tables::quoted;

/// `LIKE` does not copy the table's storage options.
const TABLE: &str = "
    SELECT format('CREATE TABLE %I.%I (LIKE public.%I INCLUDING ALL)%s', $2, relname, relname,
                  ' WITH (' || array_to_string(reloptions, ', ') || ')')
      FROM pg_class WHERE oid = format('public.%I', $1)::regclass";

/// While a generation is filled, all rows of a page may change in one transaction. If the new row versions fit on the
/// same page, no index has to be updated (HOT). So a table that reserves free space for updates reserves half of each
/// page until the generation is promoted.
const BUILD_FILLFACTOR: &str = "
    SELECT format('ALTER TABLE %I.%I SET (fillfactor = 50)', $2, relname)
      FROM pg_class, pg_options_to_table(reloptions)
     WHERE oid = format('public.%I', $1)::regclass AND option_name = 'fillfactor'";

/// The fillfactor of the live table.
const LIVE_FILLFACTOR: &str = "
    SELECT format('ALTER TABLE %I.%I SET (fillfactor = %s)', $2, relname, option_value)
      FROM pg_class, pg_options_to_table(reloptions)
     WHERE oid = format('public.%I', $1)::regclass AND option_name = 'fillfactor'";

const OWNER: &str = "
    SELECT format('ALTER TABLE %I.%I OWNER TO %I', $2, relname, pg_get_userbyid(relowner))
      FROM pg_class WHERE oid = format('public.%I', $1)::regclass";

/// `LIKE` does not copy the table's own comment.
const COMMENT: &str = "
    SELECT format('COMMENT ON TABLE %I.%I IS %L', $2, $1, comment)
      FROM obj_description(format('public.%I', $1)::regclass, 'pg_class') AS comment
     WHERE comment IS NOT NULL";

/// `LIKE` gives indexes new names. Indexes with the same definition correspond to each other; if there are several, it
/// does not matter which one gets which name.
const INDEX_NAMES: &str = "
    WITH indexes AS (
        SELECT indrelid, indexrelid, relname AS name, definition,
               row_number() OVER (PARTITION BY indrelid, definition ORDER BY relname) AS number
          FROM pg_index
          JOIN pg_class ON pg_class.oid = indexrelid
         CROSS JOIN LATERAL (
               SELECT concat_ws(' ', indisprimary, indisunique, substring(pg_get_indexdef(indexrelid) from ' USING .*')))
            AS described (definition))
    SELECT format('ALTER INDEX %I.%I RENAME TO %I', $2, new.name, live.name)
      FROM indexes AS live JOIN indexes AS new USING (definition, number)
     WHERE live.indrelid = format('public.%I', $1)::regclass
       AND new.indrelid = format('%I.%I', $2, $1)::regclass
       AND live.name <> new.name";

const GRANTS: &str = "
    WITH grants AS (
        SELECT relowner AS owner, '' AS columns, (aclexplode(relacl)).*
          FROM pg_class WHERE oid = format('public.%I', $1)::regclass
        UNION ALL
        SELECT relowner, format(' (%I)', attname), (aclexplode(attacl)).*
          FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
         WHERE attrelid = format('public.%I', $1)::regclass AND NOT attisdropped)
    SELECT format('GRANT %s%s ON %I.%I TO %s%s', privilege_type, columns, $2, $1,
                  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
                  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
      FROM grants WHERE grantee <> owner";

/// Roles that may write to a live table need access to the schema of the other generation.
const SCHEMA_GRANTS: &str = "
    SELECT DISTINCT format('GRANT USAGE ON SCHEMA %I TO %s', $2,
                           CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
      FROM pg_class, aclexplode(relacl)
     WHERE oid = format('public.%I', $1)::regclass AND privilege_type IN ('INSERT', 'UPDATE')";

/// Creates the schema of a generation, if it does not exist, with these tables.
pub(super) async fn create_schema(
    connection: &mut PgConnection,
    schema: &str,
    tables: &[String],
) -> Result<(), sqlx::Error> {
    let create = format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(schema));
    connection.execute(create.as_str()).await?;
    for table in tables {
        run(connection, SCHEMA_GRANTS, table, schema).await?;
    }
    Ok(())
}

/// Creates an empty table in `schema` that is like the one in `public`.
pub(super) async fn create_table(
    connection: &mut PgConnection,
    table: &str,
    schema: &str,
) -> Result<(), sqlx::Error> {
    for query in [TABLE, BUILD_FILLFACTOR, OWNER, COMMENT, INDEX_NAMES, GRANTS] {
        run(connection, query, table, schema).await?;
    }
    Ok(())
}

/// Sets the fillfactor of a table in `schema` to that of the live table.
pub(super) async fn restore_fillfactor(
    connection: &mut PgConnection,
    table: &str,
    schema: &str,
) -> Result<(), sqlx::Error> {
    run(connection, LIVE_FILLFACTOR, table, schema).await
}

/// Runs the statements that a query returns for a live table and a schema.
async fn run(
    connection: &mut PgConnection,
    query: &str,
    table: &str,
    schema: &str,
) -> Result<(), sqlx::Error> {
    let query = query.replace("$1", "$1::text").replace("$2", "$2::text");
    let statements: Vec<String> =
        sqlx::query_scalar(&query).bind(table).bind(schema).fetch_all(&mut *connection).await?;
    for statement in statements {
        connection.execute(statement.as_str()).await?;
    }
    Ok(())
}
