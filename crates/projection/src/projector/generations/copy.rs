//! Empty tables like the live ones in everything that a query, a grant or a person can see: columns, constraints,
//! indexes with their names, storage, comments, owners, grants.
//!
//! Postgres knows all of it; so each statement here asks it for the statements that make the copy.

use sqlx::{Executor, PgConnection};

use super::tables::quoted;

/// `LIKE` leaves out the table's own options.
const TABLE: &str = "
    SELECT format('CREATE TABLE %I.%I (LIKE public.%I INCLUDING ALL)%s', $2, relname, relname,
                  ' WITH (' || array_to_string(reloptions, ', ') || ')')
      FROM pg_class WHERE oid = format('public.%I', $1)::regclass";

/// While a generation is filled, all rows of a page may change in one transaction. If they find room on it, no index is
/// touched (HOT). A table that leaves room for updates at all leaves as much as that takes.
const ROOM: &str = "
    SELECT format('ALTER TABLE %I.%I SET (fillfactor = 50)', $2, relname)
      FROM pg_class, pg_options_to_table(reloptions)
     WHERE oid = format('public.%I', $1)::regclass AND option_name = 'fillfactor'";

/// The room that the live table leaves.
const USUAL_ROOM: &str = "
    SELECT format('ALTER TABLE %I.%I SET (fillfactor = %s)', $2, relname, option_value)
      FROM pg_class, pg_options_to_table(reloptions)
     WHERE oid = format('public.%I', $1)::regclass AND option_name = 'fillfactor'";

const OWNER: &str = "
    SELECT format('ALTER TABLE %I.%I OWNER TO %I', $2, relname, pg_get_userbyid(relowner))
      FROM pg_class WHERE oid = format('public.%I', $1)::regclass";

/// `LIKE` leaves out what is said of the table as a whole.
const COMMENT: &str = "
    SELECT format('COMMENT ON TABLE %I.%I IS %L', $2, $1, comment)
      FROM obj_description(format('public.%I', $1)::regclass, 'pg_class') AS comment
     WHERE comment IS NOT NULL";

/// `LIKE` gives indexes names of its own. Two indexes are the same if they say the same; of several that do, any may
/// have any of the names.
const INDEX_NAMES: &str = "
    WITH indexes AS (
        SELECT indrelid, indexrelid, relname AS name, meaning,
               row_number() OVER (PARTITION BY indrelid, meaning ORDER BY relname) AS place
          FROM pg_index
          JOIN pg_class ON pg_class.oid = indexrelid
         CROSS JOIN LATERAL (
               SELECT concat_ws(' ', indisprimary, indisunique, substring(pg_get_indexdef(indexrelid) from ' USING .*')))
            AS said (meaning))
    SELECT format('ALTER INDEX %I.%I RENAME TO %I', $2, new.name, live.name)
      FROM indexes AS live JOIN indexes AS new USING (meaning, place)
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

/// Whoever may write one of the live tables must find the others.
const SCHEMA_GRANTS: &str = "
    SELECT DISTINCT format('GRANT USAGE ON SCHEMA %I TO %s', $2,
                           CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
      FROM pg_class, aclexplode(relacl)
     WHERE oid = format('public.%I', $1)::regclass AND privilege_type IN ('INSERT', 'UPDATE')";

/// Creates the schema of a generation with these tables, which may be there already.
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
    for statements in [TABLE, ROOM, OWNER, COMMENT, INDEX_NAMES, GRANTS] {
        run(connection, statements, table, schema).await?;
    }
    Ok(())
}

/// Has a table in `schema`, which is filled now, leave no more room than the one in `public`.
pub(super) async fn settle_table(
    connection: &mut PgConnection,
    table: &str,
    schema: &str,
) -> Result<(), sqlx::Error> {
    run(connection, USUAL_ROOM, table, schema).await
}

/// Runs the statements that a question about a live table and a schema answers with.
async fn run(
    connection: &mut PgConnection,
    question: &str,
    table: &str,
    schema: &str,
) -> Result<(), sqlx::Error> {
    let question = question.replace("$1", "$1::text").replace("$2", "$2::text");
    let statements: Vec<String> =
        sqlx::query_scalar(&question).bind(table).bind(schema).fetch_all(&mut *connection).await?;
    for statement in statements {
        connection.execute(statement.as_str()).await?;
    }
    Ok(())
}
