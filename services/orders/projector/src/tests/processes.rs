//! Projectors as processes that are killed or stopped at critical moments.

use aggregate::AggregateId;
use projection::{Journal, Projection as _};
use sqlx::{Connection, PgConnection};
use test_kit::{ConnectionFault, Service, TcpProxy, TestEnvironment, eventually};
use uuid::Uuid;

use super::{
    expected,
    log::{address_changed, cancelled, log_of, orders, placed},
    rows,
};
use crate::{customer_totals::CustomerTotals, orders::Orders};

/// A long timeout, so that projectors do not give up waiting for a lock.
const LONG_TIMEOUT: [(&str, &str); 1] = [("FOLDLINE_PROJECTION_TRANSACTION_TIMEOUT", "60s")];

/// The projections of a projector process.
const PROJECTIONS: [&str; 3] = [Orders::NAME, Journal::NAME, CustomerTotals::NAME];

fn new_order() -> AggregateId {
    Uuid::now_v7().into()
}

async fn connect(environment: &TestEnvironment) -> PgConnection {
    PgConnection::connect(&environment.database_url("orders_read")).await.unwrap()
}

async fn run(environment: &TestEnvironment, statement: &str) {
    sqlx::raw_sql(statement).execute(&mut connect(environment).await).await.unwrap();
}

async fn count(environment: &TestEnvironment, query: &str) -> i64 {
    sqlx::query_scalar(query).fetch_one(&mut connect(environment).await).await.unwrap()
}

/// Waits until every projection has applied this many events.
async fn until_applied(environment: &TestEnvironment, events: usize) {
    let applied = "SELECT min(applied) FROM (SELECT sum(sequence)::bigint AS applied
                                               FROM checkpoint GROUP BY projection) AS projections";
    eventually(&format!("{events} events are applied"), || async {
        count(environment, applied).await == i64::try_from(events).unwrap()
    })
    .await;
}

/// Waits until this many connections wait for a lock.
async fn until_waiting(environment: &TestEnvironment, connections: i64) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually(&format!("{connections} wait"), || async { count(environment, waiting).await == connections })
        .await;
}

/// A column of all checkpoints, in a fixed order.
async fn checkpoints(environment: &TestEnvironment, column: &str) -> Vec<i64> {
    let all = format!("SELECT {column} FROM checkpoint ORDER BY projection, partition");
    sqlx::query_scalar(&all).fetch_all(&mut connect(environment).await).await.unwrap()
}

/// Locks rows until the returned connection is closed.
async fn lock(environment: &TestEnvironment, rows: &'static str) -> PgConnection {
    let mut connection = connect(environment).await;
    sqlx::raw_sql(&format!("BEGIN; {rows} FOR UPDATE")).execute(&mut connection).await.unwrap();
    connection
}

/// Kills a projector that waits for a lock, once the next projector waits for its transaction. Until then it is stopped
/// with SIGSTOP, because Postgres notices within a second that a killed client is gone, and the next projector may take
/// longer to start.
async fn kill_and_start_next(environment: &TestEnvironment, mut killed: Service) -> Service {
    killed.signal("STOP");
    let next = Service::projector_with(environment, "orders", &LONG_TIMEOUT);
    until_waiting(environment, 2).await;
    killed.signal("KILL");
    killed.ended().await;
    next
}

async fn parked(environment: &TestEnvironment) -> i64 {
    count(environment, "SELECT count(*) FROM parked_event").await
}

async fn until_parked(environment: &TestEnvironment, events: i64) {
    eventually(format!("{events} events are parked"), || async { parked(environment).await == events }).await;
}

/// The version of the only order, and the number of its parked events.
async fn progress(environment: &TestEnvironment) -> (i64, i64) {
    (count(environment, "SELECT version FROM orders").await, parked(environment).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_interrupted_by_a_kill_is_completed_by_the_next_projector() {
    let environment = TestEnvironment::prepared();
    let mut log = log_of(&environment).await;
    let first = Service::projector_with(&environment, "orders", &LONG_TIMEOUT).ready().await;
    run(&environment, "ALTER TABLE orders ADD CONSTRAINT first_version_only CHECK (version < 2)").await;
    let order_id = new_order();
    log.append(&order_id, 1, placed(0)).await;
    for version in 2..=1_200 {
        log.queue(&order_id, version, address_changed(&format!("{version} Street")));
    }
    log.append_queued().await;
    until_parked(&environment, 1_199).await;
    run(&environment, "ALTER TABLE orders DROP CONSTRAINT first_version_only").await;

    first.signal("STOP");
    environment.foldline("parked retry --projection orders");
    let order_lock = lock(&environment, "SELECT FROM orders").await;
    let parked_lock = lock(&environment, "SELECT FROM parked_event WHERE version = 800").await;
    first.signal("CONT");
    until_waiting(&environment, 1).await;
    assert_eq!(progress(&environment).await, (1, 1_199), "the first 500 are being applied");
    let second = kill_and_start_next(&environment, first).await;
    order_lock.close().await.unwrap();
    eventually("the first 500 are applied", || async { progress(&environment).await == (501, 699) }).await;
    until_waiting(&environment, 1).await;
    assert_eq!(progress(&environment).await, (501, 699), "the second 500 are applied, and not removed yet");
    let _third = kill_and_start_next(&environment, second).await;
    parked_lock.close().await.unwrap();

    log.append(&order_id, 1_201, cancelled()).await;
    log.append_new(orders(10)).await;
    until_applied(&environment, log.events()).await;
    until_parked(&environment, 0).await;
    assert_eq!(rows(&environment).await, expected(&log));
}

/// Only the epoch in the checkpoint can lead to the refusal, because the other projector has claimed the partitions but
/// applied nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_projector_whose_batch_still_fits_is_refused_and_recovers() {
    let environment = TestEnvironment::prepared();
    let mut log = log_of(&environment).await;
    let mut network = TcpProxy::in_front_of(&environment.servers.database_server_url).await;
    let database_url = network.rewrite(&environment.database_url_as("orders_projector", "orders_read"));
    let settings = [("FOLDLINE_DATABASE_URL", database_url.as_str()), LONG_TIMEOUT[0]];
    let stopped = Service::projector_with(&environment, "orders", &settings).ready().await;

    network.inject(ConnectionFault::Held).await;
    log.append(&new_order(), 1, placed(0)).await;
    eventually("a batch of every projection is in flight", || async {
        network.held("BEGIN; SET LOCAL") == PROJECTIONS.len()
    })
    .await;
    stopped.signal("STOP");
    let (epochs, offsets) =
        (checkpoints(&environment, "epoch").await, checkpoints(&environment, "next_offset").await);
    // With a limit of 0 it claims the partitions but applies nothing.
    let no_parking = [("FOLDLINE_PROJECTION_PARKED_LIMIT", "0")];
    let mut other = Service::projector_with(&environment, "orders", &no_parking);
    eventually("the other projector has claimed every partition", || async {
        checkpoints(&environment, "epoch").await.iter().zip(&epochs).all(|(current, before)| current > before)
    })
    .await;
    assert_eq!(checkpoints(&environment, "next_offset").await, offsets);

    network.heal().await;
    stopped.signal("CONT");
    for projection in PROJECTIONS {
        let refused = format!("projection {projection} will retry: another projector took over a partition");
        eventually(&refused, || async { stopped.log().contains(&refused) }).await;
    }
    other.signal("TERM");
    other.ended().await;
    log.append_new(orders(20)).await;
    until_applied(&environment, log.events()).await;
    stopped.until_ready().await;
    assert_eq!(rows(&environment).await, expected(&log));
}
