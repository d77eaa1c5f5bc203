//! When a read model has everything.

use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use test_kit::TestEnvironment;
use tokio::time::sleep;

/// Waits until the live tables of these projections have at least so many events each, and says how many they have and
/// how long that took.
pub(crate) async fn until_applied(
    environment: &TestEnvironment,
    projections: &[&str],
    events: u64,
) -> (u64, Duration) {
    let started = Instant::now();
    let url = environment.database_url("orders_read");
    let mut database = PgConnection::connect(&url).await.expect("the database is there");
    loop {
        let applied = sqlx::query_scalar::<_, i64>(
            "SELECT coalesce(min(events), 0)::bigint
               FROM (SELECT coalesce(sum(sequence) FILTER (WHERE state = 'live'), 0) AS events
                       FROM unnest($1) AS asked (projection)
                       LEFT JOIN checkpoint USING (projection)
                       LEFT JOIN projection_generation USING (projection, generation)
                      GROUP BY projection) AS applied",
        );
        let applied = applied
            .bind(projections)
            .fetch_one(&mut database)
            .await
            .expect("Postgres answers")
            .cast_unsigned();
        if applied >= events {
            return (applied, started.elapsed());
        }
        sleep(Duration::from_millis(20)).await;
    }
}
