//! The swap: one transaction that makes another generation live.
//!
//! A statement that has begun on the old tables makes the swap wait, and completes on them. A statement that begins
//! while the swap has locked the tables waits for it, finds the new tables under their names, and only then takes its
//! snapshot, in which the new generation is live. So every result comes from a single generation. This holds for `READ
//! COMMITTED`, the default of Postgres. A `REPEATABLE READ` transaction that began before the swap and first uses a
//! table after it would not see the new states.

use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection};

use super::{
    GenerationError, Notifications,
    alignment::{Pair, align, set_timeouts},
    copy,
    end::supersede,
    tables::{in_schema, quoted},
};
use crate::projector::generation;

/// How long a swap may wait for the tables, because queries queue behind it. This is far below the server's
/// `deadlock_timeout`, so that in a deadlock it is the swap that fails.
const LOCK_TIMEOUT: Duration = Duration::from_millis(50);

/// Makes the other generation live, and the live one the standby.
pub(super) async fn swap(
    connection: &mut PgConnection,
    notifications: &mut Notifications,
    pair: &Pair,
) -> Result<(), GenerationError> {
    let mut transaction = connection.begin().await?;
    set_timeouts(&mut transaction).await?;
    generation::block_claims(&mut transaction, pair.projection()).await?;
    lock_generations(&mut transaction, pair).await?;
    align(&mut transaction, notifications, pair).await?;
    let projection = pair.projection();
    let old_tables = in_schema(&mut transaction, projection, "public").await?;
    let new_tables = in_schema(&mut transaction, projection, &pair.other.own_schema()).await?;
    copy::create_schema(&mut transaction, &pair.live.own_schema(), &old_tables).await?;
    swap_states(&mut transaction, pair).await?;
    // Projectors that fill either generation must look up again where its tables are.
    supersede(&mut transaction, projection, &[pair.live.number, pair.other.number]).await?;
    generation::notify(&mut transaction, projection).await?;
    // The tables come last, all at once: queries wait from here to the commit.
    transaction.execute(swap_tables(pair, &old_tables, &new_tables).as_str()).await?;
    Ok(transaction.commit().await?)
}

/// Locks the generations against changes, and fails if they have changed since the pair was read. The lock does not
/// block parking an event, which references a generation.
async fn lock_generations(connection: &mut PgConnection, pair: &Pair) -> Result<(), GenerationError> {
    sqlx::query(
        "SELECT FROM public.projection_generation WHERE projection = $1 ORDER BY generation FOR NO KEY UPDATE",
    )
    .bind(pair.projection())
    .execute(&mut *connection)
    .await?;
    let current = generation::all(connection, pair.projection()).await?;
    let unchanged = [&pair.live, &pair.other]
        .iter()
        .all(|read| current.iter().any(|now| (now.number, now.state) == (read.number, read.state)));
    if unchanged { Ok(()) } else { Err(GenerationError::Changed(pair.projection().to_owned())) }
}

/// The statements that lock the tables, or fail after a short wait, and then move them. The tables that queries use are
/// locked last.
fn swap_tables(pair: &Pair, old_tables: &[String], new_tables: &[String]) -> String {
    let (old_schema, new_schema) = (quoted(&pair.live.own_schema()), quoted(&pair.other.own_schema()));
    let old_tables: Vec<_> = old_tables.iter().map(|table| format!("public.{}", quoted(table))).collect();
    let new_tables: Vec<_> =
        new_tables.iter().map(|table| format!("{new_schema}.{}", quoted(table))).collect();
    let tables = [new_tables.as_slice(), &old_tables].concat().join(", ");
    let timeout = LOCK_TIMEOUT.as_millis();
    let mut swap =
        format!("SET LOCAL lock_timeout = {timeout}; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE");
    for (tables, schema) in [(old_tables, old_schema.as_str()), (new_tables, "public")] {
        swap.extend(tables.iter().map(|table| format!("; ALTER TABLE {table} SET SCHEMA {schema}")));
    }
    swap
}

/// Swaps the states in three steps, because no two generations may have the same state, even between two statements.
async fn swap_states(connection: &mut PgConnection, pair: &Pair) -> Result<(), sqlx::Error> {
    let steps = [(pair.other.number, "building"), (pair.live.number, "standby"), (pair.other.number, "live")];
    for (number, state) in steps {
        sqlx::query(
            "UPDATE public.projection_generation
                SET state = $3, promoted_at = CASE $3 WHEN 'live' THEN now() ELSE promoted_at END
              WHERE projection = $1 AND generation = $2",
        )
        .bind(pair.projection())
        .bind(number)
        .bind(state)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
