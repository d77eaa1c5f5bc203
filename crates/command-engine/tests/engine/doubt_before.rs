//! An append fails and its events are not in the log: the commands are decided again after the next claim.

use aggregate::Expected;
use command_engine::CommandError;
use event_log::MemoryLog;

use crate::support::{Bank, Command, CommandRequest, History, request};

#[tokio::test]
async fn a_group_that_is_not_in_the_log_is_decided_again() {
    let bank = Bank::open().await;
    let earlier = request("a", Command::Deposit(vec![1]));
    bank.submit(&earlier).await.unwrap();
    let new = request("a", Command::Deposit(vec![4, 5]));
    let requests = [
        earlier.clone(),
        request("a", Command::Withdraw(100)),
        new.clone(),
        new.clone(),
        request("a", Command::Deposit(vec![])),
        CommandRequest { request_hash: 2, ..new.clone() },
        request("a", Command::Withdraw(10)),
    ];
    let answers = bank.together(&requests, MemoryLog::fail_before_next_append).await;

    let history = History::of(&bank.log);
    for (index, replayed) in [(0, true), (2, false), (3, true), (6, false)] {
        let accepted = answers[index].as_ref().unwrap();
        history.assert_confirms(&requests[index], accepted);
        assert_eq!(accepted.replayed, replayed);
    }
    assert!(matches!(answers[1], Err(CommandError::Refused(_))));
    assert!(answers[4].as_ref().unwrap().events.is_empty());
    assert!(matches!(answers[5], Err(CommandError::IdReused)));
    assert_eq!(history.len(), 5);
    assert_eq!(history.state("a").balance, 0);
    assert_eq!(history.epochs(), [1, 2]);
}

#[tokio::test]
async fn a_hundred_commands_of_one_aggregate_are_decided_again_once() {
    let bank = Bank::open().await;
    let requests: Vec<_> = (0..100).map(|_| request("a", Command::Deposit(vec![1]))).collect();
    let answers = bank.together(&requests, MemoryLog::fail_before_next_append).await;
    let history = History::of(&bank.log);
    for (request, answer) in requests.iter().zip(&answers) {
        history.assert_confirms(request, answer.as_ref().unwrap());
    }
    assert_eq!(history.len(), 1 + 100);
}

#[tokio::test]
async fn claims_may_fail_several_times_before_a_group_is_decided_again() {
    let bank = Bank::open().await;
    let requests = [1, 2, 3].map(|coin| request("a", Command::Deposit(vec![coin])));
    let answers = bank
        .together(&requests, |log| {
            log.fail_before_next_append();
            log.fail_claims(3);
        })
        .await;
    let history = History::of(&bank.log);
    for (request, answer) in requests.iter().zip(&answers) {
        history.assert_confirms(request, answer.as_ref().unwrap());
        assert!(!answer.as_ref().unwrap().replayed);
    }
    assert_eq!(history.len(), 1 + 3);
    assert_eq!(bank.claims.passed(), 1 + 4);
}

#[tokio::test]
async fn consecutive_failed_appends_lose_and_duplicate_nothing() {
    let bank = Bank::open().await;
    for fault in [MemoryLog::fail_before_next_append, MemoryLog::fail_after_next_append] {
        bank.commits.close();
        let created = CommandRequest {
            expected: Expected::Absent,
            ..request(&format!("a{}", bank.claims.passed()), Command::Deposit(vec![1]))
        };
        bank.log.fail_before_next_append();
        let queued = bank.queue(&created);
        bank.commits.wait_until_held();
        fault(&bank.log);
        bank.commits.open();
        let accepted = queued.answer().await.unwrap();
        History::of(&bank.log).assert_confirms(&created, &accepted);
        assert!(!accepted.replayed);
    }
    assert_eq!(History::of(&bank.log).len(), 2);
}
