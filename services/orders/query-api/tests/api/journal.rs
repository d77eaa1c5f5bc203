//! The journal of orders, written by the test as by the projector: rows and checkpoint in one transaction.

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, Postgres, Transaction};
use test_kit::TestEnvironment;
use uuid::Uuid;

pub(crate) struct Journal {
    pub(crate) environment: TestEnvironment,
    database: PgConnection,
    /// If not zero, every event consists of this many filler characters.
    pub(crate) padding: i32,
    generation: i32,
    next_offsets: [i64; 8],
}

/// An order, in one of two partitions.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) id: Uuid,
    customer: String,
    version: i64,
    partition: i32,
}

/// The partition and offset of an event.
pub(crate) type Position = (i64, i64);

impl Order {
    pub(crate) fn new(customer: &str, partition: i32) -> Self {
        Self { id: Uuid::now_v7(), customer: customer.to_owned(), version: 0, partition }
    }
}

impl Journal {
    pub(crate) async fn begin() -> Self {
        let environment = TestEnvironment::empty();
        environment.migrate();
        let mut database = PgConnection::connect(&environment.database_url("orders_read")).await.unwrap();
        sqlx::query(
            "INSERT INTO projection_generation (projection, generation, version, state)
             VALUES ('journal', 1, 1, 'live')",
        )
        .execute(&mut database)
        .await
        .unwrap();
        Self { environment, database, padding: 0, generation: 1, next_offsets: [0; 8] }
    }

    pub(crate) async fn place(&mut self, order: &mut Order) -> Position {
        let fields = json!({ "customer_id": order.customer, "currency": "EUR" });
        self.append(order, "OrderPlaced", fields).await
    }

    pub(crate) async fn cancel(&mut self, order: &mut Order) -> Position {
        self.append(order, "OrderCancelled", json!({ "reason": "ordered twice" })).await
    }

    /// Writes the next event of an order, and returns its position. A commit marker occupies the offset after it.
    pub(crate) async fn append(&mut self, order: &mut Order, event_type: &str, event: Value) -> Position {
        let offset = self.next_offsets[usize::try_from(order.partition).unwrap()];
        self.next_offsets[usize::try_from(order.partition).unwrap()] += 2;
        order.version += 1;
        let topic = self.environment.topic("orders.events");
        let mut transaction = self.database.begin().await.unwrap();
        sqlx::query(
            "INSERT INTO journal
             VALUES ($1, $2, $3, $4, gen_random_uuid(), $5, CASE $7 WHEN 0 THEN $6 ELSE jsonb_build_object('padding', repeat('x', $7)) END, now(), 'anonymous', gen_random_uuid(), 'c', 'c')",
        )
        .bind(order.partition)
        .bind(offset)
        .bind(order.id)
        .bind(order.version)
        .bind(event_type)
        .bind(event)
        .bind(self.padding)
        .execute(&mut *transaction)
        .await
        .unwrap();
        advance(&mut transaction, self.generation, &topic, order.partition, offset).await;
        transaction.commit().await.unwrap();
        (order.partition.into(), offset)
    }

    /// Deletes everything from an offset of a partition without a notification, as if Postgres had been restored to an
    /// older state.
    pub(crate) async fn lose_from(&mut self, partition: i32, offset: i64) {
        let lose = format!(
            "BEGIN;
             DELETE FROM journal WHERE partition = {partition} AND log_offset >= {offset};
             UPDATE checkpoint SET next_offset = {offset} WHERE partition = {partition};
             COMMIT"
        );
        sqlx::raw_sql(&lose).execute(&mut self.database).await.unwrap();
        self.next_offsets[usize::try_from(partition).unwrap()] = offset;
    }

    /// Replaces the live generation by a new one, as a promotion does.
    pub(crate) async fn promote(&mut self) {
        let (old, new) = (self.generation, self.generation + 1);
        let swap = format!(
            "CREATE SCHEMA IF NOT EXISTS journal_g{old};
             CREATE SCHEMA journal_g{new};
             CREATE TABLE journal_g{new}.journal (LIKE public.journal INCLUDING ALL);
             GRANT SELECT ON journal_g{new}.journal TO foldline_query;
             INSERT INTO journal_g{new}.journal SELECT * FROM public.journal;
             INSERT INTO checkpoint (projection, generation, topic, partition, next_offset, epoch, sequence, owner_epoch)
             SELECT projection, {new}, topic, partition, next_offset, 1, 0, 0 FROM checkpoint WHERE generation = {old};
             ALTER TABLE public.journal SET SCHEMA journal_g{old};
             ALTER TABLE journal_g{new}.journal SET SCHEMA public;
             DELETE FROM projection_generation WHERE state = 'standby';
             UPDATE projection_generation SET state = 'standby' WHERE generation = {old};
             INSERT INTO projection_generation (projection, generation, version, state)
             VALUES ('journal', {new}, 1, 'live');
             SELECT pg_notify('projection', 'journal')"
        );
        let mut transaction = self.database.begin().await.unwrap();
        sqlx::raw_sql(&swap).execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        self.generation = new;
    }
}

async fn advance(
    transaction: &mut Transaction<'_, Postgres>,
    generation: i32,
    topic: &str,
    partition: i32,
    offset: i64,
) {
    sqlx::query(
        "WITH moved AS (
             INSERT INTO checkpoint (projection, generation, topic, partition, next_offset, epoch, sequence, owner_epoch)
             VALUES ('journal', $1, $2, $3, $4 + 1, 1, 0, 0)
                 ON CONFLICT (projection, generation, topic, partition) DO UPDATE SET next_offset = $4 + 1)
         SELECT pg_notify('checkpoint', format('journal %s %s/%s@%s', $1::integer, $2::text, $3::integer, $4::bigint))",
    )
    .bind(generation)
    .bind(topic)
    .bind(partition)
    .bind(offset)
    .execute(&mut **transaction)
    .await
    .unwrap();
}
