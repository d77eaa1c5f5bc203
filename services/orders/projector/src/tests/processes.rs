//! Projectors as processes, killed or stopped at the worst moment.

use projection::Projection as _;
use sqlx::{Connection, PgConnection};
use test_kit::{Area, Service, TcpProxy, Trouble, eventually};

use super::{
    Log, expected,
    faults::new_order,
    log::{cancelled, moved, placed},
    parking::{connect, parked, until_parked},
    rows,
};
use crate::{customer_totals::CustomerTotals, order_journal::OrderJournal, orders::Orders};

/// What one process keeps up.
const PROJECTIONS: [&str; 3] = [Orders::NAME, OrderJournal::NAME, CustomerTotals::NAME];

async fn run(area: &Area, statement: &str) {
    sqlx::raw_sql(statement).execute(&mut connect(area).await).await.unwrap();
}

async fn count(area: &Area, counted: &str) -> i64 {
    sqlx::query_scalar(counted).fetch_one(&mut connect(area).await).await.unwrap()
}

/// Waits until so many events are applied, by the projection that has applied the fewest.
async fn until_applied(area: &Area, events: usize) {
    let applied = "SELECT min(applied) FROM (SELECT sum(sequence)::bigint AS applied
                                               FROM checkpoint GROUP BY projection) AS projections";
    eventually(&format!("{events} events are applied"), || async {
        count(area, applied).await == i64::try_from(events).unwrap()
    })
    .await;
}

/// Waits until so many connections of projections wait for a lock.
async fn until_waiting(area: &Area, connections: i64) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually(&format!("{connections} wait"), || async { count(area, waiting).await == connections }).await;
}

/// A column of all checkpoints, always in the same order.
async fn checkpoints(area: &Area, column: &str) -> Vec<i64> {
    let all = format!("SELECT {column} FROM checkpoint ORDER BY projection, partition");
    sqlx::query_scalar(&all).fetch_all(&mut connect(area).await).await.unwrap()
}

/// Locks some rows, until it is rolled back.
async fn lock(area: &Area, rows: &'static str) -> PgConnection {
    let mut holder = connect(area).await;
    sqlx::raw_sql(&format!("BEGIN; {rows} FOR UPDATE")).execute(&mut holder).await.unwrap();
    holder
}

/// Kills a projector that waits for a lock, and starts the next one. Postgres has not noticed yet that the first one is
/// gone, and has the next one wait for its transaction.
async fn kill_and_start_next(area: &Area, mut killed: Service) -> Service {
    killed.signal("KILL");
    killed.ended().await;
    let next = Service::projector(area, "orders");
    until_waiting(area, 2).await;
    next
}

/// The version of the only order, and how many of its events are parked.
async fn progress(area: &Area) -> (i64, usize) {
    (count(area, "SELECT version FROM orders").await, parked(area).await.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_whose_projector_is_killed_in_the_middle_is_finished_by_the_next_one() {
    let area = Area::prepared();
    let mut log = Log::of(&area).await;
    let first = Service::projector(&area, "orders").ready().await;
    run(&area, "ALTER TABLE orders ADD CONSTRAINT young CHECK (version < 2)").await;
    let order_id = new_order();
    log.append_event(&order_id, 1, placed(0)).await;
    for version in 2..=1_200 {
        log.queue_event(&order_id, version, moved(&format!("{version} Street")));
    }
    log.append_queued().await;
    until_parked(&area, 1_199).await;
    run(&area, "ALTER TABLE orders DROP CONSTRAINT young").await;

    first.signal("STOP");
    area.admin("dead-letters retry --projection orders");
    let applying = lock(&area, "SELECT FROM orders").await;
    let removing = lock(&area, "SELECT FROM parked_event WHERE version = 800").await;
    first.signal("CONT");
    until_waiting(&area, 1).await;
    assert_eq!(progress(&area).await, (1, 1_199), "the first 500 are being applied");
    let second = kill_and_start_next(&area, first).await;
    applying.close().await.unwrap();
    eventually("the first 500 are applied", || async { progress(&area).await == (501, 699) }).await;
    until_waiting(&area, 1).await;
    assert_eq!(progress(&area).await, (501, 699), "the second 500 are applied, and not removed yet");
    let _third = kill_and_start_next(&area, second).await;
    removing.close().await.unwrap();

    log.append_event(&order_id, 1_201, cancelled()).await;
    log.append_orders(10).await;
    until_applied(&area, log.events()).await;
    until_parked(&area, 0).await;
    assert_eq!(rows(&area).await, expected(&log));
}

/// Nothing but the epoch in the checkpoint can refuse it: the other one has claimed, and applied nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_projector_that_wakes_up_with_a_batch_that_still_fits_is_refused_and_goes_on_by_itself() {
    let area = Area::prepared();
    let mut log = Log::of(&area).await;
    let mut network = TcpProxy::before(&area.servers.database_server_url).await;
    let database_url = network.lead(&area.database_url_as("orders_projector", "orders_read"));
    let patient = [
        ("FOLDLINE_DATABASE_URL", database_url.as_str()),
        ("FOLDLINE_PROJECTION_TRANSACTION_TIMEOUT", "60s"),
    ];
    let stopped = Service::projector_with(&area, "orders", &patient).ready().await;

    network.order(Trouble::Held).await;
    log.append_event(&new_order(), 1, placed(0)).await;
    eventually("a batch of every projection is on its way", || async {
        network.held("BEGIN; SET LOCAL") == PROJECTIONS.len()
    })
    .await;
    stopped.signal("STOP");
    let (epochs, offsets) = (checkpoints(&area, "epoch").await, checkpoints(&area, "next_offset").await);
    // It may park nothing at all, so that it claims and comes no further.
    let barred = [("FOLDLINE_PROJECTION_PARKED_LIMIT", "0")];
    let mut other = Service::projector_with(&area, "orders", &barred);
    eventually("the other one has claimed every partition", || async {
        checkpoints(&area, "epoch").await.iter().zip(&epochs).all(|(now, before)| now > before)
    })
    .await;
    assert_eq!(checkpoints(&area, "next_offset").await, offsets);

    network.heal().await;
    stopped.signal("CONT");
    for projection in PROJECTIONS {
        let refused = format!("projection {projection} waits: another projector took over a partition");
        eventually(&refused, || async { stopped.log().contains(&refused) }).await;
    }
    other.signal("TERM");
    other.ended().await;
    log.append_orders(20).await;
    until_applied(&area, log.events()).await;
    stopped.until_ready().await;
    assert_eq!(rows(&area).await, expected(&log));
}
