use event_log::Position;
use sqlx::{Connection, PgConnection};

use crate::listener::CONTROL;

/// Why an event could not be dropped.
#[derive(Debug, thiserror::Error)]
pub enum DropError {
    /// Postgres did not respond, or returned an error.
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
    /// The event is not parked, or was applied in the meantime.
    #[error("nothing is parked for {projection} at {position}")]
    NotParked {
        /// The projection's name.
        projection: String,
        /// The position.
        position: Position,
    },
    /// A generation has applied the event, so the generations could never be equal again.
    #[error(
        "generation {generation} of {projection} has applied the event at {position}: drop that generation first"
    )]
    Applied {
        /// The projection's name.
        projection: String,
        /// The generation that has applied it.
        generation: i32,
        /// The position.
        position: Position,
    },
}

/// Drops the event at this position: no generation of the projection will ever apply it. Events that wait for it are
/// retried.
pub async fn drop(
    connection: &mut PgConnection,
    projection: &str,
    position: &Position,
    dropped_by: &str,
    why: &str,
) -> Result<(), DropError> {
    let mut transaction = connection.begin().await?;
    supersede(&mut transaction, projection, position).await?;
    if !insert_dropped(&mut transaction, projection, position, dropped_by, why).await? {
        return Err(DropError::NotParked { projection: projection.to_owned(), position: position.clone() });
    }
    if let Some(generation) = applied_by(&mut transaction, projection, position).await? {
        let (projection, position) = (projection.to_owned(), position.clone());
        return Err(DropError::Applied { projection, generation, position });
    }
    sqlx::query("SELECT pg_notify($1, $2)").bind(CONTROL).bind(projection).execute(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}

/// Fences off the projectors that have not reached the position. They claim their partitions again, and then read that
/// the event is dropped.
async fn supersede(
    transaction: &mut PgConnection,
    projection: &str,
    position: &Position,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE public.checkpoint
            SET epoch = epoch + 1
          WHERE projection = $1 AND topic = $2 AND partition = $3 AND next_offset <= $4",
    )
    .bind(projection)
    .bind(&position.topic)
    .bind(position.partition)
    .bind(position.offset)
    .execute(transaction)
    .await?;
    Ok(())
}

/// Adds the event to the dropped events if it is parked. The lock on its rows keeps projectors from applying it.
async fn insert_dropped(
    transaction: &mut PgConnection,
    projection: &str,
    position: &Position,
    dropped_by: &str,
    why: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query(
        "SELECT FROM public.parked_event
          WHERE projection = $1 AND topic = $2 AND partition = $3 AND log_offset = $4
          ORDER BY generation
            FOR UPDATE",
    )
    .bind(projection)
    .bind(&position.topic)
    .bind(position.partition)
    .bind(position.offset)
    .fetch_all(&mut *transaction)
    .await?;
    let inserted = sqlx::query(
        "INSERT INTO public.dropped_event
             (projection, topic, partition, log_offset, aggregate, key, event_type, version, headers, payload,
              stands_at, dropped_by, why)
         SELECT projection, topic, partition, log_offset, aggregate, key, event_type, version, headers, payload,
                stands_at, $5, $6
           FROM public.parked_event
          WHERE projection = $1 AND topic = $2 AND partition = $3 AND log_offset = $4
          ORDER BY stands_at
          LIMIT 1
             ON CONFLICT DO NOTHING",
    )
    .bind(projection)
    .bind(&position.topic)
    .bind(position.partition)
    .bind(position.offset)
    .bind(dropped_by)
    .bind(why)
    .execute(transaction)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Finds a generation that has applied the event: its checkpoint is after the event, and it has not parked the event.
async fn applied_by(
    transaction: &mut PgConnection,
    projection: &str,
    position: &Position,
) -> Result<Option<i32>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT generation
           FROM public.checkpoint
          WHERE projection = $1 AND topic = $2 AND partition = $3 AND next_offset > $4
            AND NOT EXISTS (SELECT FROM public.parked_event AS parked
                             WHERE parked.projection = $1 AND parked.generation = checkpoint.generation
                               AND parked.topic = $2 AND parked.partition = $3 AND parked.log_offset = $4)
          ORDER BY generation
          LIMIT 1",
    )
    .bind(projection)
    .bind(&position.topic)
    .bind(position.partition)
    .bind(position.offset)
    .fetch_optional(transaction)
    .await
}
