//! An append fails although its events are in the log: the next claim finds them, and the callers get the same answers
//! as if it had succeeded.

use aggregate::Expected;
use command_engine::CommandError;
use event_log::MemoryLog;

use crate::support::{Answer, Bank, Command, CommandRequest, History, request};

#[tokio::test]
async fn a_group_found_in_the_log_is_answered_from_it() {
    let bank = Bank::open().await;
    let earlier = request("a", Command::Deposit(vec![1]));
    bank.submit(&earlier).await.unwrap();
    let new = CommandRequest {
        expected: Expected::OneOf(vec![aggregate::Version(1)]),
        ..request("a", Command::Deposit(vec![4, 5]))
    };
    let requests = [
        earlier.clone(),
        request("a", Command::Withdraw(100)),
        new.clone(),
        new.clone(),
        request("a", Command::Deposit(vec![])),
        CommandRequest { request_hash: 2, ..new.clone() },
        request("a", Command::Withdraw(10)),
    ];
    let answers = bank.together(&requests, MemoryLog::fail_after_next_append).await;

    for (index, replayed) in [(0, true), (2, false), (3, true), (6, false)] {
        assert_accepted(&bank, &requests[index], &answers[index], replayed);
    }
    assert!(matches!(answers[1], Err(CommandError::Refused(_))));
    assert!(answers[4].as_ref().unwrap().events.is_empty());
    assert!(matches!(answers[5], Err(CommandError::IdReused)));
    let history = History::of(&bank.log);
    assert_eq!(history.len(), 5);
    assert_eq!(history.epochs(), [1]);
}

#[tokio::test]
async fn a_hundred_commands_of_one_aggregate_are_found_in_the_log() {
    let bank = Bank::open().await;
    let requests: Vec<_> = (0..100).map(|_| request("a", Command::Deposit(vec![1, 1]))).collect();
    let answers = bank.together(&requests, MemoryLog::fail_after_next_append).await;
    for (request, answer) in requests.iter().zip(&answers) {
        assert_accepted(&bank, request, answer, false);
    }
    assert_eq!(History::of(&bank.log).len(), 1 + 200);
}

#[tokio::test]
async fn a_repeated_command_is_found_even_if_its_aggregate_no_longer_remembers_it() {
    let bank = Bank::open().await;
    let earlier = request("a", Command::Deposit(vec![1]));
    bank.submit(&earlier).await.unwrap();
    let new = request("a", Command::Deposit(vec![1]));
    let mut requests = vec![earlier.clone(), new.clone()];
    requests.extend((0..100).map(|_| request("a", Command::Deposit(vec![1]))));
    requests.extend([earlier.clone(), new.clone()]);

    let answers = bank.together(&requests, MemoryLog::fail_after_next_append).await;
    assert_accepted(&bank, &earlier, &answers[0], true);
    assert_accepted(&bank, &new, &answers[1], false);
    assert_accepted(&bank, &earlier, &answers[102], true);
    assert_accepted(&bank, &new, &answers[103], true);
}

#[tokio::test]
async fn a_reused_id_does_not_get_the_answer_of_the_command_in_the_log() {
    let bank = Bank::open().await;
    let refused = request("a", Command::Withdraw(100));
    let accepted = CommandRequest { command: Command::Deposit(vec![1]), request_hash: 2, ..refused.clone() };
    let requests = [refused, accepted];
    let answers = bank.together(&requests, MemoryLog::fail_after_next_append).await;
    assert!(matches!(answers[0], Err(CommandError::IdReused)), "{:?}", answers[0]);
    assert_accepted(&bank, &requests[1], &answers[1], false);
}

#[tokio::test]
async fn claims_may_fail_several_times_before_a_group_is_found_in_the_log() {
    let bank = Bank::open().await;
    let requests = [1, 2, 3].map(|coin| request("a", Command::Deposit(vec![coin, coin])));
    let answers = bank
        .together(&requests, |log| {
            log.fail_after_next_append();
            log.fail_claims(3);
        })
        .await;
    for (request, answer) in requests.iter().zip(&answers) {
        assert_accepted(&bank, request, answer, false);
    }
    assert_eq!(History::of(&bank.log).len(), 1 + 6);
    assert_eq!(bank.claims.passed(), 1 + 4);
}

/// Checks that the command is in the log once, and that the answer matches.
#[track_caller]
fn assert_accepted(bank: &Bank, request: &CommandRequest, answer: &Answer, replayed: bool) {
    let accepted = answer.as_ref().unwrap();
    History::of(&bank.log).assert_confirms(request, accepted);
    assert_eq!(accepted.replayed, replayed);
}
