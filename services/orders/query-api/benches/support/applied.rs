//! When a read model has everything.

use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use test_kit::Area;
use tokio::time::sleep;

/// Waits until the live tables have at least so many events, and says how many they have and how long that took.
pub(crate) async fn until_applied(area: &Area, events: u64) -> (u64, Duration) {
    let started = Instant::now();
    let url = area.database_url("orders_read");
    let mut database = PgConnection::connect(&url).await.expect("the database is there");
    loop {
        let applied = sqlx::query_scalar::<_, i64>(
            "SELECT coalesce(sum(sequence), 0)::bigint
               FROM checkpoint JOIN projection_generation USING (projection, generation)
              WHERE projection = 'orders' AND state = 'live'",
        );
        let applied = applied.fetch_one(&mut database).await.expect("Postgres answers").cast_unsigned();
        if applied >= events {
            return (applied, started.elapsed());
        }
        sleep(Duration::from_millis(20)).await;
    }
}
