//! Commands that queue up during a commit are decided as one group, each on the state left by the ones before it.

use aggregate::Version;
use command_engine::{CommandError, EngineSettings};
use event_log::MemoryLog;

use crate::support::{Bank, Command, Gate, History, Refusal, answers_to, request, settings};

#[tokio::test]
async fn a_command_sees_the_events_of_earlier_commands_in_its_group() {
    let bank = Bank::open().await;
    let requests = [
        request("a", Command::Withdraw(5)),
        request("a", Command::Deposit(vec![2, 3])),
        request("b", Command::Deposit(vec![7])),
        request("a", Command::Withdraw(5)),
        request("a", Command::Withdraw(1)),
        request("a", Command::Deposit(vec![])),
        request("a", Command::Close),
        request("a", Command::Close),
        request("a", Command::Deposit(vec![1])),
    ];
    let answers = bank.together(&requests, |_| ()).await;

    let history = History::of(&bank.log);
    for index in [1, 2, 3, 6] {
        history.assert_confirms(&requests[index], answers[index].as_ref().unwrap());
    }
    for (index, reason) in [(0, Refusal::Overdrawn), (4, Refusal::Overdrawn), (8, Refusal::IsClosed)] {
        assert!(matches!(&answers[index], Err(CommandError::Refused(refusal)) if *refusal == reason));
    }
    for (index, version) in [(5, 3), (7, 5)] {
        let accepted = answers[index].as_ref().unwrap();
        assert!(accepted.events.is_empty() && !accepted.replayed);
        assert_eq!(accepted.version.0, version);
    }
    assert_eq!(history.state("a").balance, 0);
    assert_eq!(history.state("b").balance, 7);
    assert_eq!(bank.commits.passed(), 2, "the held commit and one for the group");
}

#[tokio::test]
async fn the_aggregates_of_a_group_alternate_and_each_keeps_its_order() {
    let bank = Bank::open().await;
    let names = ["a", "b", "c", "a", "c", "b", "a"];
    let requests = names.map(|name| request(name, Command::Deposit(vec![1, 1])));
    for answer in bank.together(&requests, |_| ()).await {
        assert!(!answer.unwrap().replayed);
    }
    let history = History::of(&bank.log);
    let expected = [0, 1, 2, 3, 5, 4, 6].map(|turn: usize| &requests[turn]);
    let expected: Vec<_> = expected.iter().flat_map(|request| [request.metadata.command_id; 2]).collect();
    assert_eq!(history.command_ids()[1..], expected);
    assert_eq!(history.epochs(), [1]);
}

#[tokio::test]
async fn no_command_is_answered_before_the_append_returns() {
    let bank = Bank::open().await;
    let mut first = bank.hold_commit();
    let mut second = bank.queue(&request("a", Command::Deposit(vec![1])));

    assert_eq!(History::of(&bank.log).len(), 1);
    assert!(first.is_waiting());
    assert!(second.is_waiting());

    bank.commits.open();
    assert_eq!(first.answer().await.unwrap().version.0, 1);
    assert_eq!(second.answer().await.unwrap().version.0, 1);
}

#[tokio::test]
async fn a_group_is_never_larger_than_its_limit() {
    let limit = EngineSettings { max_group: 2, ..settings() };
    let bank = Bank::start(&MemoryLog::default(), Gate::default(), &limit);
    bank.ready().await;
    let held = bank.hold_commit();
    let queued = (0..5).map(|_| bank.queue(&request("a", Command::Deposit(vec![1])))).collect();
    bank.commits.open();
    held.answer().await.unwrap();
    assert!(answers_to(queued).await.iter().all(Result::is_ok));
    assert_eq!(bank.commits.passed(), 1 + 3);
}

#[tokio::test]
async fn a_command_with_an_event_without_a_schema_writes_nothing() {
    let bank = Bank::open().await;
    let requests = [
        request("a", Command::Deposit(vec![5])),
        request("a", Command::Freeze),
        request("a", Command::Withdraw(5)),
    ];
    let answers = bank.together(&requests, |_| ()).await;
    assert!(matches!(answers[1], Err(CommandError::Unwritable(_))));
    assert!(answers[2].is_ok());
    assert_eq!(History::of(&bank.log).events_of(&requests[1]), 0);
}

#[tokio::test]
async fn a_command_that_changes_nothing_gets_the_position_of_its_aggregate() {
    let bank = Bank::open().await;
    let deposit = bank.submit(&request("a", Command::Deposit(vec![1, 1]))).await.unwrap();
    bank.submit(&request("b", Command::Deposit(vec![1]))).await.unwrap();
    let unchanged = bank.submit(&request("a", Command::Deposit(vec![]))).await.unwrap();
    assert_eq!((unchanged.version, unchanged.position), (deposit.version, deposit.position));
    assert!(unchanged.events.is_empty());
    assert_eq!(History::of(&bank.log).len(), 3);
}

#[tokio::test]
async fn a_command_that_changes_nothing_gets_the_position_of_the_command_before_it() {
    let bank = Bank::open().await;
    let group = [vec![1, 1], vec![], vec![1]].map(|coins| request("a", Command::Deposit(coins)));
    let [first, unchanged, _] = bank.together(&group, |_| ()).await.try_into().unwrap();
    let (first, unchanged) = (first.unwrap(), unchanged.unwrap());
    assert_eq!((unchanged.version, unchanged.position), (first.version, first.position));
}

#[tokio::test]
async fn a_command_that_changes_nothing_has_no_position_if_the_aggregate_does_not_exist() {
    let bank = Bank::open().await;
    let unchanged = bank.submit(&request("a", Command::Deposit(vec![]))).await.unwrap();
    assert_eq!((unchanged.version, unchanged.position), (Version::NONE, None));
}

#[tokio::test]
async fn a_panic_in_decide_fails_only_its_own_command() {
    let bank = Bank::open().await;
    let group = [Command::Deposit(vec![1]), Command::Panic, Command::Deposit(vec![2])];
    let group = group.map(|command| request("a", command));
    let [before, broken, after] = bank.together(&group, |_| ()).await.try_into().unwrap();
    assert!(matches!(broken, Err(CommandError::Broken)));
    assert_eq!((before.unwrap().version, after.unwrap().version), (Version(1), Version(2)));
    bank.submit(&request("a", Command::Withdraw(3))).await.unwrap();
}

#[tokio::test]
async fn an_event_that_is_too_large_fails_only_its_own_command() {
    let bank = Bank::open().await;
    let mut group = [1, 2, 3].map(|coin| request("a", Command::Deposit(vec![coin])));
    group[1].metadata.actor = "x".repeat(1_000_000).into();
    let [before, too_large, after] = bank.together(&group, |_| ()).await.try_into().unwrap();
    assert!(matches!(too_large, Err(CommandError::EventTooLarge)));
    assert_eq!((before.unwrap().version, after.unwrap().version), (Version(1), Version(2)));
    assert_eq!(bank.claims.passed(), 1, "the ownership is not in doubt");
}

#[tokio::test]
async fn an_event_that_cannot_be_decoded_again_is_not_written() {
    let bank = Bank::open().await;
    let refused = bank.submit(&request("a", Command::Misname)).await;
    assert!(matches!(refused, Err(CommandError::Unwritable(_))));
    assert_eq!(History::of(&bank.log).len(), 0);
}
