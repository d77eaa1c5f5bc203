//! The swap: one transaction, after which another generation is live.
//!
//! A statement that has begun on the old tables makes the swap wait, and ends on them. A statement that comes while
//! the swap holds the tables waits for it, finds the new tables under their names, and only then takes its snapshot,
//! in which the new generation is live. So every answer is of one generation. That holds for `READ COMMITTED`, the
//! default of Postgres; a `REPEATABLE READ` transaction that began before the swap and first uses a table after it
//! would not see the new states.

use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection};

use super::{
    GenerationError, Moves,
    alignment::{Pair, be_brief, meet},
    copy,
    end::supersede,
    tables::{in_schema, quoted},
};
use crate::projector::generation;

/// How long queries may wait behind a swap that waits for the tables. It is far below the server's
/// `deadlock_timeout`, so that in a deadlock it is the swap that gives way.
const TABLES: Duration = Duration::from_millis(50);

/// Makes the other generation live, and the live one the standby.
pub(super) async fn swap(
    connection: &mut PgConnection,
    moves: &mut Moves,
    pair: &Pair,
) -> Result<(), GenerationError> {
    let mut transaction = connection.begin().await?;
    be_brief(&mut transaction).await?;
    generation::hold_claims(&mut transaction, pair.projection()).await?;
    lock_generations(&mut transaction, pair).await?;
    meet(&mut transaction, moves, pair).await?;
    let projection = pair.projection();
    let leaving = in_schema(&mut transaction, projection, "public").await?;
    let entering = in_schema(&mut transaction, projection, &pair.other.own_schema()).await?;
    copy::create_schema(&mut transaction, &pair.live.own_schema(), &leaving).await?;
    swap_states(&mut transaction, pair).await?;
    // Projectors that fill either of them must find out where its tables are now.
    supersede(&mut transaction, projection, &[pair.live.number, pair.other.number]).await?;
    generation::notify(&mut transaction, projection).await?;
    // The tables come last, all at once: from here to the commit queries wait.
    transaction.execute(swap_tables(pair, &leaving, &entering).as_str()).await?;
    Ok(transaction.commit().await?)
}

/// Prevents changes of the generations, if they are as they were. Parking an event, which references one of them,
/// does not have to wait.
async fn lock_generations(connection: &mut PgConnection, pair: &Pair) -> Result<(), GenerationError> {
    sqlx::query(
        "SELECT FROM public.projection_generation WHERE projection = $1 ORDER BY generation FOR NO KEY UPDATE",
    )
    .bind(pair.projection())
    .execute(&mut *connection)
    .await?;
    let now = generation::all(connection, pair.projection()).await?;
    let unchanged = [&pair.live, &pair.other]
        .iter()
        .all(|then| now.iter().any(|now| (now.number, now.state) == (then.number, then.state)));
    if unchanged { Ok(()) } else { Err(GenerationError::Changed(pair.projection().to_owned())) }
}

/// The statements that wait, but not for long, until nobody uses the tables, and then move them. Those that queries
/// use come last.
fn swap_tables(pair: &Pair, leaving: &[String], entering: &[String]) -> String {
    let (away, home) = (quoted(&pair.live.own_schema()), quoted(&pair.other.own_schema()));
    let leaving: Vec<_> = leaving.iter().map(|table| format!("public.{}", quoted(table))).collect();
    let entering: Vec<_> = entering.iter().map(|table| format!("{home}.{}", quoted(table))).collect();
    let tables = [entering.as_slice(), &leaving].concat().join(", ");
    let patience = TABLES.as_millis();
    let mut swap =
        format!("SET LOCAL lock_timeout = {patience}; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE");
    for (tables, schema) in [(leaving, away.as_str()), (entering, "public")] {
        swap.extend(tables.iter().map(|table| format!("; ALTER TABLE {table} SET SCHEMA {schema}")));
    }
    swap
}

/// No two generations have the same state, even between two statements.
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
