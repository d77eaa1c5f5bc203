//! Measures how many events per second a projector applies to the live read model of orders, compared with the bare
//! statements that its batches consist of; then how many it applies to the two other read models concurrently; and the
//! processor time of Postgres for each. `make reads` starts the servers and prints the figures.
//! `FOLDLINE_BENCH_LIVE_EVENTS` sets the number of events, which is twice the number of orders, and
//! `FOLDLINE_BENCH_BATCH` the number of events in a transaction.

#![allow(clippy::disallowed_methods, reason = "a benchmark may block its threads")]

#[path = "support/order.rs"]
mod order;
#[path = "support/samples.rs"]
mod samples;

use std::time::{Duration, Instant};

use sqlx::{Connection, Executor, PgConnection};
use test_kit::{
    LogWriter, Processes, Service, TestEnvironment, processor_time, record_figure, setting, until_applied,
    write_log,
};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::samples::samples;

const PARTITIONS: i32 = 8;
const SHARDS: i32 = 2;
const READ_MODEL: &str = "orders_read";
const POSTGRES: Processes = Processes::Server("postgres");
const OTHERS: [&str; 2] = ["journal", "customer_totals"];

#[tokio::main]
async fn main() {
    let events = setting("FOLDLINE_BENCH_LIVE_EVENTS", 1_000_000) / 16 * 16;
    let batch = setting("FOLDLINE_BENCH_BATCH", 2_000);
    let environment = TestEnvironment::prepared();
    // Only a projection that has run can be paused.
    drop(Service::projector(&environment, "orders").ready().await);
    control_others(&environment, "pause");
    write(&environment, events).await;
    println!(
        "\n{events} events, {batch} in a transaction, half of them place an order, half change its address"
    );
    let size = batch.to_string();
    let projector =
        Service::projector_with(&environment, "orders", &[("FOLDLINE_PROJECTION_BATCH_SIZE", &size)]);
    // The measurement begins after the first event, so that starting and joining the group are not counted.
    let (first, _) = until_applied(&environment, READ_MODEL, &["orders"], 1).await;
    let orders = measure(events - first, until_applied(&environment, READ_MODEL, &["orders"], events)).await;
    orders.print("orders, checkpoint in the transaction");
    control_others(&environment, "resume");
    let (first, _) = until_applied(&environment, READ_MODEL, &OTHERS, 1).await;
    let others = measure(events - first, until_applied(&environment, READ_MODEL, &OTHERS, events)).await;
    others.print("journal and totals, both at once");
    drop(projector);
    let bare = measure(events, upsert(&environment, events, batch)).await;
    bare.print("bare statements for orders");
    println!("orders / bare: {:.0} %", 100.0 * orders.rate() / bare.rate());
    record_figure("live.rate", orders.rate());
    record_figure("live.per-core", orders.per_core());
    record_figure("upsert.rate", bare.rate());
    record_figure("upsert.per-core", bare.per_core());
}

/// Pauses or resumes the projections other than orders.
fn control_others(environment: &TestEnvironment, command: &str) {
    for projection in OTHERS {
        environment.foldline(&format!("projections {command} {projection} --generation 1"));
    }
}

async fn write(environment: &TestEnvironment, events: u64) {
    let samples = samples().await;
    let events = usize::try_from(events).expect("the number fits");
    let mut writers = LogWriter::all(environment, "orders", PARTITIONS, SHARDS, events / 2);
    let writing = spawn_blocking(move || write_log(&mut writers, events, &samples));
    writing.await.expect("the log can be written");
}

/// The result of a measurement.
struct Cost {
    events: u64,
    took: Duration,
    /// The processor time of all Postgres processes.
    processor: Duration,
}

async fn measure<T>(events: u64, work: impl Future<Output = T>) -> Cost {
    let (started, before) = (Instant::now(), processor_time(POSTGRES));
    work.await;
    Cost { events, took: started.elapsed(), processor: processor_time(POSTGRES).saturating_sub(before) }
}

impl Cost {
    fn rate(&self) -> f64 {
        self.events as f64 / self.took.as_secs_f64()
    }

    /// Events per second of Postgres's processor time.
    fn per_core(&self) -> f64 {
        self.events as f64 / self.processor.as_secs_f64()
    }

    fn print(&self, what: &str) {
        let (rate, per_core) = (self.rate(), self.per_core());
        println!("{what:<42} {rate:>9.0} events/s   {per_core:>9.0} per core of Postgres");
    }
}

/// Writes the same rows without a log: all orders, and then their new addresses, with statements of `batch` rows each.
async fn upsert(environment: &TestEnvironment, events: u64, batch: u64) {
    let url = environment.database_url("orders_read");
    let mut database = PgConnection::connect(&url).await.expect("the database exists");
    database.execute("TRUNCATE orders, order_lines").await.expect("the tables exist");
    let orders: Vec<Uuid> = (0..events / 2).map(|_| Uuid::now_v7()).collect();
    let batches = || orders.chunks(usize::try_from(batch).expect("the number fits"));
    for (statements, ids) in batches().map(|ids| (PLACE, ids)).chain(batches().map(|ids| (CHANGE, ids))) {
        let mut transaction = database
            .begin_with("BEGIN; SET LOCAL synchronous_commit = off")
            .await
            .expect("Postgres responds");
        for statement in statements {
            sqlx::query(statement)
                .bind(ids)
                .execute(&mut *transaction)
                .await
                .expect("the rows can be written");
        }
        transaction.commit().await.expect("Postgres responds");
    }
}

const PLACE: &[&str] = &[
    "INSERT INTO orders (order_id, version, status, customer_id, currency, total_minor, delivery_name,
                         delivery_street, delivery_postal_code, delivery_city, delivery_country, placed_at, updated_at)
     SELECT id, 1, 'placed', 'c-1001', 'EUR', 2580, 'Ada Lovelace', '12 Example Street', '10115', 'Berlin', 'DE',
            now(), now()
       FROM UNNEST($1::uuid[]) AS new (id)
         ON CONFLICT (order_id) DO NOTHING",
    "INSERT INTO order_lines (order_id, line_number, sku, quantity, unit_price_minor)
     SELECT id, 1, 'tea-500g', 2, 1290 FROM UNNEST($1::uuid[]) AS new (id)",
];
const CHANGE: &[&str] = &["UPDATE orders
        SET version = 2, updated_at = now(), delivery_street = '13 Example Street'
       FROM UNNEST($1::uuid[]) AS change (id)
      WHERE orders.order_id = change.id AND orders.version = 1"];
