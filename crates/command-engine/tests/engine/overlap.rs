//! While the commit of a group is under way, the next group is decided on the state that the first one leads to, and
//! sent.

use command_engine::CommandError;
use event_log::MemoryLog;

use crate::support::{Bank, Command, CommandRequest, Gate, History, Queued, request};

/// A bank whose commits are held, and the gate that counts the groups it sends.
async fn bank_with_held_commits() -> (Bank, Gate) {
    let sent = Gate::default();
    let bank = Bank::overlapping(&sent).await;
    bank.commits.close();
    (bank, sent)
}

/// Queues two commands, each a group of its own, and waits until both are sent.
fn queue<'b>(bank: &'b Bank, sent: &Gate, requests: &[CommandRequest; 2]) -> [Queued<'b>; 2] {
    let first = bank.queue(&requests[0]);
    bank.commits.wait_until_held();
    let second = bank.queue(&requests[1]);
    sent.wait_until_passed(2);
    [first, second]
}

fn deposit_and_withdraw() -> [CommandRequest; 2] {
    [request("a", Command::Deposit(vec![2, 3])), request("a", Command::Withdraw(5))]
}

#[tokio::test]
async fn a_group_is_decided_on_the_group_before_it_and_answered_after_it() {
    let requests = deposit_and_withdraw();
    let (bank, sent) = bank_with_held_commits().await;
    let [mut first, mut second] = queue(&bank, &sent, &requests);
    assert!(first.is_waiting() && second.is_waiting());
    assert_eq!(History::of(&bank.log).len(), 0);

    bank.commits.open();
    let answers = [first.answer().await.unwrap(), second.answer().await.unwrap()];
    let history = History::of(&bank.log);
    for (request, answer) in requests.iter().zip(&answers) {
        history.assert_confirms(request, answer);
    }
    assert_eq!(history.state("a").balance, 0);
}

#[tokio::test]
async fn a_command_repeated_from_the_group_before_gets_the_same_answer() {
    let [deposit, _] = deposit_and_withdraw();
    let (bank, sent) = bank_with_held_commits().await;
    let first = bank.queue(&deposit);
    bank.commits.wait_until_held();
    let mut repeated = bank.queue(&deposit);
    let reused = bank.queue(&CommandRequest { request_hash: 2, ..deposit.clone() });
    assert!(repeated.is_waiting());

    bank.commits.open();
    let (first, repeated) = (first.answer().await.unwrap(), repeated.answer().await.unwrap());
    assert_eq!((first.version, &first.events), (repeated.version, &repeated.events));
    assert!(repeated.replayed && !first.replayed);
    assert!(matches!(reused.answer().await, Err(CommandError::IdReused)));
    assert_eq!((sent.passed(), History::of(&bank.log).len()), (1, 2));
}

#[tokio::test]
async fn after_a_failed_commit_the_group_behind_it_is_decided_again() {
    for fault in [MemoryLog::fail_before_next_append, MemoryLog::fail_after_next_append] {
        let requests = deposit_and_withdraw();
        let (bank, sent) = bank_with_held_commits().await;
        fault(&bank.log);
        let [first, second] = queue(&bank, &sent, &requests);

        bank.commits.open();
        let answers = [first.answer().await.unwrap(), second.answer().await.unwrap()];
        let history = History::of(&bank.log);
        for (request, answer) in requests.iter().zip(&answers) {
            history.assert_confirms(request, answer);
        }
        assert_eq!((history.len(), history.state("a").balance), (3, 0));
    }
}

#[tokio::test]
async fn a_group_whose_commit_fails_does_not_affect_the_answer_of_the_group_before_it() {
    let requests = deposit_and_withdraw();
    let (bank, sent) = bank_with_held_commits().await;
    let first = bank.queue(&requests[0]);
    bank.commits.wait_until_held();
    bank.log.fail_before_next_append();
    let second = bank.queue(&requests[1]);
    sent.wait_until_passed(2);

    bank.commits.open();
    assert_eq!(first.answer().await.unwrap().version.0, 2);
    assert_eq!(second.answer().await.unwrap().version.0, 3);
    assert_eq!(History::of(&bank.log).epochs(), [1, 2]);
}

#[tokio::test]
async fn stopping_waits_for_both_groups() {
    let requests = deposit_and_withdraw();
    let (bank, sent) = bank_with_held_commits().await;
    let [first, second] = queue(&bank, &sent, &requests);
    tokio::join!(bank.stop(), async { bank.commits.open() });
    assert!(first.answer().await.is_ok() && second.answer().await.is_ok());
    assert_eq!(History::of(&bank.log).len(), 3);
}
