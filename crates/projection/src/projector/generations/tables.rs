//! The tables of a generation, and whether they can replace others.

use sqlx::PgConnection;

use super::GenerationError;
use crate::Generation;

/// A name as a quoted identifier.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A version of a projection that has run on this database, and its tables. The default is the highest version.
pub(super) async fn of_version(
    connection: &mut PgConnection,
    projection: &str,
    version: Option<i32>,
) -> Result<(i32, Vec<String>), GenerationError> {
    sqlx::query_as(
        "SELECT version, tables
           FROM public.projection_version
          WHERE projection = $1 AND tables <> '{}' AND ($2::integer IS NULL OR version = $2)
          ORDER BY version DESC
          LIMIT 1",
    )
    .bind(projection)
    .bind(version)
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| GenerationError::NeverRan { projection: projection.to_owned(), version })
}

/// The tables of all versions of a projection that are in this schema.
pub(super) async fn in_schema(
    connection: &mut PgConnection,
    projection: &str,
    schema: &str,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT relname::text
           FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
          WHERE nspname = $2
            AND relkind = 'r'
            AND relname IN (SELECT unnest(tables) FROM public.projection_version WHERE projection = $1)
          ORDER BY relname",
    )
    .bind(projection)
    .bind(schema)
    .fetch_all(connection)
    .await
}

/// Refuses live tables on which an object depends by identity rather than by name: it would stay with the old table.
pub(super) async fn refuse_attachments(
    connection: &mut PgConnection,
    tables: &[String],
) -> Result<(), GenerationError> {
    let attached: Option<(String, String)> = sqlx::query_as(
        "WITH live AS (SELECT name, format('public.%I', name)::regclass::oid AS id FROM unnest($1::text[]) AS name)
         SELECT name, format('the view %s', ev_class::regclass)
           FROM live JOIN pg_depend ON refclassid = 'pg_class'::regclass AND refobjid = id
                                   AND classid = 'pg_rewrite'::regclass
                     JOIN pg_rewrite ON pg_rewrite.oid = objid AND ev_class <> id
         UNION ALL
         SELECT name, format('the foreign key %I', conname)
           FROM live JOIN pg_constraint ON contype = 'f' AND id IN (conrelid, confrelid)
         UNION ALL
         SELECT name, format('the trigger %I', tgname) FROM live JOIN pg_trigger ON tgrelid = id AND NOT tgisinternal
         UNION ALL
         SELECT name, format('the policy %I', polname) FROM live JOIN pg_policy ON polrelid = id
         LIMIT 1",
    )
    .bind(tables)
    .fetch_optional(connection)
    .await?;
    match attached {
        Some((table, what)) => Err(GenerationError::Attached { table, what }),
        None => Ok(()),
    }
}

/// Refuses a generation whose tables lack a column of the live ones: a migration was applied after it was begun.
pub(super) async fn require_columns(
    connection: &mut PgConnection,
    tables: &[String],
    generation: &Generation,
) -> Result<(), GenerationError> {
    let missing: Option<String> = sqlx::query_scalar(
        "WITH present AS (
             SELECT nspname, relname, attname, format_type(atttypid, atttypmod) AS type, attnotnull
               FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
                                 JOIN pg_namespace ON pg_namespace.oid = relnamespace
              WHERE relname = ANY ($1) AND nspname IN ('public', $2) AND attnum > 0 AND NOT attisdropped)
         SELECT format('%I.%I %s%s', relname, attname, type, CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END)
           FROM (SELECT relname, attname, type, attnotnull FROM present WHERE nspname = 'public'
                 EXCEPT
                 SELECT relname, attname, type, attnotnull FROM present WHERE nspname = $2) AS missing
          LIMIT 1",
    )
    .bind(tables)
    .bind(generation.own_schema())
    .fetch_optional(connection)
    .await?;
    match missing {
        Some(column) => Err(GenerationError::OtherColumns { generation: generation.number, column }),
        None => Ok(()),
    }
}
