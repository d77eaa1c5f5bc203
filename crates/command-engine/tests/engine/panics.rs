//! A panic in a shard's thread is reported, so that the process can exit.

use aggregate::Version;
use command_engine::{CommandError, Ownership};
use tokio::time::timeout;

use crate::support::{Bank, Command, Gate, LIMIT, log_of, request, settings};

#[tokio::test]
async fn a_panic_while_a_shard_is_replayed_is_reported_and_the_shard_has_no_owner() {
    let bank = Bank::open().await;
    bank.submit(&request("a", Command::Deposit(vec![i64::MAX]))).await.unwrap();
    let first = bank.log.records().remove(0);
    let mut overflowing = first.clone();
    (overflowing.envelope.version, overflowing.envelope.partition_sequence) = (Version(2), 2);
    let log = log_of(vec![first, overflowing]);

    let bank = Bank::start(&log, Gate::default(), &settings());
    timeout(LIMIT, bank.engine.panicked()).await.expect("the panic is reported");
    assert_eq!(*bank.engine.ownership(0).borrow(), Ownership::Elsewhere);
    let answer = bank.submit(&request("b", Command::Deposit(vec![1]))).await;
    assert!(matches!(answer, Err(CommandError::Elsewhere)));
    bank.stop().await;
}

#[tokio::test]
async fn an_engine_that_stops_reports_no_panic() {
    let bank = Bank::open().await;
    bank.stop().await;
    assert!(timeout(std::time::Duration::ZERO, bank.engine.panicked()).await.is_err());
}
