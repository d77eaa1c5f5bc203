//! Where what is read from the table ends and what is broadcast begins, on a real Postgres.

use std::{num::NonZeroUsize, time::Duration};

use axum::body::BodyDataStream;
use futures_util::StreamExt;
use projection::Source;
use sqlx::{Connection, PgConnection};
use test_kit::TestEnvironment;
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Changes, Filter, PartitionOffsets, Start};
use crate::{
    desk::ORDER_JOURNAL,
    read_model::ReadModel,
    settings::{ChangesSettings, DatabaseSettings},
};

/// Far longer than any event takes to come.
const DEADLINE: Duration = Duration::from_mins(1);

/// A database with a journal in which nothing has happened.
async fn journal() -> (PgConnection, ReadModel) {
    let environment = TestEnvironment::empty();
    environment.foldline("migrations apply");
    let url = environment.database_url("orders_read");
    let mut database = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO projection_generation (projection, generation, version, state)
         VALUES ('order_journal', 1, 1, 'live')",
    )
    .execute(&mut database)
    .await
    .unwrap();
    let settings = DatabaseSettings {
        connect: url.parse().unwrap(),
        connections: 2.try_into().unwrap(),
        acquire_timeout: DEADLINE,
    };
    let source = Source { projection: ORDER_JOURNAL.to_owned(), topic: "orders.events".to_owned() };
    (database, ReadModel::new(&settings, source, 1))
}

/// Writes an event at offset 0 of partition 0, as the projector does; nobody is told.
async fn place_an_order(database: &mut PgConnection) {
    sqlx::raw_sql(
        "BEGIN;
         INSERT INTO order_journal
         VALUES (0, 0, gen_random_uuid(), 1, gen_random_uuid(), 'OrderPlaced', '{}', now(), 'anonymous', gen_random_uuid(), 'c', 'c');
         INSERT INTO checkpoint (projection, generation, topic, partition, next_offset, epoch, sequence, owner_epoch)
         VALUES ('order_journal', 1, 'orders.events', 0, 1, 1, 0, 0);
         COMMIT",
    )
    .execute(database)
    .await
    .unwrap();
}

/// Waits until the client is sent something with these words.
async fn until_sent(body: &mut BodyDataStream, words: &str) {
    let sent = async {
        while let Some(part) = body.next().await {
            if String::from_utf8_lossy(&part.unwrap()).contains(words) {
                return;
            }
        }
        panic!("the stream has ended");
    };
    timeout(DEADLINE, sent).await.unwrap_or_else(|_| panic!("not in a minute: {words}"));
}

#[tokio::test]
async fn what_happened_before_the_reader_began_is_told_by_a_stream_that_was_there_already() {
    let (mut database, read_model) = journal().await;
    let (moves, heard) = watch::channel(PartitionOffsets::default());
    let settings = ChangesSettings {
        streams: NonZeroUsize::MIN,
        buffer: 256.try_into().unwrap(),
        heartbeat: Duration::from_millis(10),
    };
    let changes = Changes::follow(read_model, heard, settings, 1, CancellationToken::new());
    let answer = changes.begin(Start::Now, Filter::default()).await.unwrap();
    let mut body = answer.into_body().into_data_stream();
    // It has read the table to its end.
    until_sent(&mut body, "heartbeat").await;

    place_an_order(&mut database).await;
    // The first that the reader hears of, so that it begins behind the order.
    moves.send_replace(PartitionOffsets::from_iter([(0, 1)]));
    until_sent(&mut body, "OrderPlaced").await;
}
