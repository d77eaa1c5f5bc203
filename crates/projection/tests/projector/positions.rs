//! A projection that records the position of every event, so that one applied twice or not at all is noticed.

use projection::{History, Projection, ProjectionError, column};
use sqlx::PgConnection;

use crate::events::Event;

/// The projection's table.
pub(crate) const POSITIONS: &str = "
    CREATE TABLE positions (
        partition  integer NOT NULL,
        log_offset bigint  NOT NULL,
        PRIMARY KEY (partition, log_offset)
    )";

pub(crate) struct Positions;

impl Projection for Positions {
    const NAME: &str = "positions";
    const VERSION: i32 = 1;
    const TABLES: &[&str] = &["positions"];
    type Event = Event;

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Event>],
    ) -> Result<(), ProjectionError> {
        let events: Vec<_> = batch.iter().flat_map(|history| history.events()).collect();
        sqlx::query("INSERT INTO positions SELECT * FROM UNNEST($1::integer[], $2::bigint[])")
            .bind(column(&events, |event| event.position.partition))
            .bind(column(&events, |event| event.position.offset))
            .execute(transaction)
            .await?;
        Ok(())
    }
}
