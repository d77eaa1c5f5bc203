//! Waiting until projections have applied events.

use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use tokio::time::sleep;

use crate::TestEnvironment;

/// Waits until the live tables of these projections have at least `events` events applied each. Returns the number of
/// applied events, and how long it took.
pub async fn until_applied(
    environment: &TestEnvironment,
    database: &str,
    projections: &[&str],
    events: u64,
) -> (u64, Duration) {
    let started = Instant::now();
    let mut connection =
        PgConnection::connect(&environment.database_url(database)).await.expect("the database is there");
    loop {
        let applied = sqlx::query_scalar::<_, i64>(
            "SELECT coalesce(min(events), 0)::bigint
               FROM (SELECT coalesce(sum(sequence) FILTER (WHERE state = 'live'), 0) AS events
                       FROM unnest($1) AS requested (projection)
                       LEFT JOIN checkpoint USING (projection)
                       LEFT JOIN projection_generation USING (projection, generation)
                      GROUP BY projection) AS applied",
        );
        let applied = applied
            .bind(projections)
            .fetch_one(&mut connection)
            .await
            .expect("Postgres answers")
            .cast_unsigned();
        if applied >= events {
            return (applied, started.elapsed());
        }
        sleep(Duration::from_millis(20)).await;
    }
}
