//! Two instances want the same partition: the one that claims last writes, and the other finds out by its next append.

use aggregate::Version;
use command_engine::{CommandError, Expected};

use crate::support::{Bank, Command, CommandRequest, History, request};

#[tokio::test]
async fn an_owner_that_was_shut_out_claims_again_and_decides_on_the_newer_history() {
    let first = Bank::open().await;
    first.submit(&request("a", Command::Deposit(vec![10]))).await.unwrap();
    let second = Bank::over(&first.log).await;
    second.submit(&request("a", Command::Withdraw(7))).await.unwrap();

    let stale =
        CommandRequest { expected: Expected::OneOf(vec![Version(1)]), ..request("a", Command::Withdraw(1)) };
    let requests = [stale, request("a", Command::Withdraw(10)), request("a", Command::Withdraw(3))];
    let answers = first.together(&requests, |_| ()).await;

    assert!(matches!(answers[0], Err(CommandError::VersionMismatch { current: Version(2) })));
    assert!(matches!(answers[1], Err(CommandError::Refused(_))));
    let history = History::of(&first.log);
    history.bears_out(&requests[2], answers[2].as_ref().unwrap());
    assert_eq!(history.state("a").balance, 0);
    assert_eq!(history.epochs(), [1, 2, 3]);
}

#[tokio::test]
async fn a_command_that_another_owner_has_written_meanwhile_is_not_written_again() {
    let first = Bank::open().await;
    let second = Bank::over(&first.log).await;
    let deposit = request("a", Command::Deposit(vec![1, 2]));
    let there = second.submit(&deposit).await.unwrap();
    let here = first.submit(&deposit).await.unwrap();
    assert_eq!((here.version, &here.events, &here.position), (there.version, &there.events, &there.position));

    let reused = CommandRequest { request_hash: 2, ..request("a", Command::Deposit(vec![3])) };
    let original = CommandRequest { request_hash: 1, ..reused.clone() };
    second.submit(&original).await.unwrap();
    assert!(matches!(first.submit(&reused).await, Err(CommandError::IdReused)));
    assert_eq!(History::of(&first.log).len(), 3);
}

#[tokio::test]
async fn owners_that_take_turns_lose_and_double_nothing() {
    let first = Bank::open().await;
    let second = Bank::over(&first.log).await;
    let requests: Vec<_> = (0..40).map(|_| request("a", Command::Deposit(vec![1]))).collect();
    for (pair, owner) in requests.chunks(2).zip([&first, &second].into_iter().cycle()) {
        for (request, answer) in pair.iter().zip(owner.together(pair, |_| ()).await) {
            let accepted = answer.unwrap();
            assert!(!accepted.replayed);
            History::of(&first.log).bears_out(request, &accepted);
        }
    }
    assert_eq!(History::of(&first.log).state("a").balance, 40);
}

#[tokio::test]
async fn an_owner_that_is_shut_out_during_an_append_tells_what_is_in_the_log() {
    let first = Bank::open().await;
    let held = first.hold_a_commit();
    let behind = request("held", Command::Withdraw(1));
    let queued = first.queue(&behind);
    let second = Bank::over(&first.log).await;
    second.submit(&request("held", Command::Deposit(vec![1]))).await.unwrap();
    first.commits.open();

    assert_eq!(held.answer().await.unwrap().version, Version(1));
    let accepted = queued.answer().await.unwrap();
    assert_eq!(accepted.version, Version(3));
    History::of(&first.log).bears_out(&behind, &accepted);
}
