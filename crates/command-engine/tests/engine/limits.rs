//! Commands that are not accepted: those beyond a limit, those before the claim, and withdrawn ones.

use command_engine::{CommandError, EngineSettings, Ownership};
use event_log::MemoryLog;

use crate::support::{Bank, Command, Gate, History, request, settings};

#[tokio::test]
async fn a_command_is_refused_at_once_while_the_queue_is_full() {
    let limit = EngineSettings { max_waiting: 2, ..settings() };
    let bank = Bank::start(&MemoryLog::default(), Gate::default(), &limit);
    bank.ready().await;
    let held = bank.hold_commit();
    let requests = [1, 2, 3].map(|coin| request("a", Command::Deposit(vec![coin])));
    let (first, second) = (bank.queue(&requests[0]), bank.queue(&requests[1]));
    let third = bank.submit(&requests[2]).await;
    assert!(matches!(third, Err(CommandError::Overloaded)));

    bank.commits.open();
    held.answer().await.unwrap();
    first.answer().await.unwrap();
    second.answer().await.unwrap();
    assert_eq!(History::of(&bank.log).events_of(&requests[2]), 0);
    assert!(bank.submit(&requests[2]).await.is_ok(), "there is room again");
}

#[tokio::test]
async fn a_shard_accepts_no_commands_before_it_is_claimed() {
    let claims = Gate::default();
    claims.close();
    let bank = Bank::start(&MemoryLog::default(), claims, &settings());
    let deposit = request("a", Command::Deposit(vec![1]));
    bank.claims.wait_until_held();
    assert!(matches!(bank.submit(&deposit).await, Err(CommandError::NotReady)));
    bank.claims.open();
    bank.ready().await;
    assert!(!bank.submit(&deposit).await.unwrap().replayed);
}

#[tokio::test]
async fn a_shard_reports_why_it_is_not_ready_and_keeps_trying() {
    let log = MemoryLog::default();
    log.fail_claims(u32::MAX);
    let bank = Bank::start(&log, Gate::default(), &settings());
    bank.wait_for(|state| *state == Ownership::Claiming("planted fault".into())).await;
    log.fail_claims(0);
    bank.ready().await;
}

#[tokio::test]
async fn a_command_withdrawn_from_the_queue_is_never_decided() {
    let bank = Bank::open().await;
    let held = bank.hold_commit();
    let (withdrawn, kept) =
        (request("a", Command::Deposit(vec![1])), request("a", Command::Deposit(vec![2])));
    let queued_withdrawn = bank.queue(&withdrawn);
    let queued_kept = bank.queue(&kept);
    drop(queued_withdrawn);
    bank.commits.open();
    held.answer().await.unwrap();
    assert_eq!(queued_kept.answer().await.unwrap().version.0, 1);
    assert_eq!(History::of(&bank.log).events_of(&withdrawn), 0);
}

#[tokio::test]
async fn a_caller_that_leaves_during_the_append_does_not_affect_it() {
    let bank = Bank::open().await;
    drop(bank.hold_commit());
    bank.commits.open();
    let next = bank.submit(&request("held", Command::Withdraw(1))).await;
    assert_eq!(next.unwrap().version.0, 2);
}

#[tokio::test]
async fn a_busy_aggregate_gets_only_its_share_of_the_queue() {
    let limit = EngineSettings { max_waiting_each: 2, ..settings() };
    let bank = Bank::start(&MemoryLog::default(), Gate::default(), &limit);
    bank.ready().await;
    let held = bank.hold_commit();
    let deposit = |name| request(name, Command::Deposit(vec![1]));
    let busy = [bank.queue(&deposit("a")), bank.queue(&deposit("a"))];
    assert!(matches!(bank.submit(&deposit("a")).await, Err(CommandError::Overloaded)));
    let other = bank.queue(&deposit("b"));
    bank.commits.open();
    held.answer().await.unwrap();
    for queued in busy.into_iter().chain([other]) {
        queued.answer().await.unwrap();
    }
    bank.submit(&deposit("a")).await.unwrap();
}

#[tokio::test]
async fn a_busy_aggregate_does_not_delay_another() {
    let limit = EngineSettings { max_group: 2, ..settings() };
    let bank = Bank::start(&MemoryLog::default(), Gate::default(), &limit);
    bank.ready().await;
    let held = bank.hold_commit();
    let requests = ["a", "a", "a", "a", "b"].map(|name| request(name, Command::Deposit(vec![1])));
    let queued: Vec<_> = requests.iter().map(|request| bank.queue(request)).collect();
    bank.commits.open();
    held.answer().await.unwrap();
    for queued in queued {
        queued.answer().await.unwrap();
    }
    let order = [0, 4, 1, 2, 3].map(|index: usize| requests[index].metadata.command_id);
    assert_eq!(History::of(&bank.log).command_ids()[1..], order);
}

#[tokio::test]
async fn a_withdrawn_command_frees_its_place_in_the_queue_at_once() {
    let limit = EngineSettings { max_waiting: 1, ..settings() };
    let bank = Bank::start(&MemoryLog::default(), Gate::default(), &limit);
    bank.ready().await;
    let held = bank.hold_commit();
    drop(bank.queue(&request("a", Command::Deposit(vec![1]))));
    let next = bank.queue(&request("b", Command::Deposit(vec![1])));
    bank.commits.open();
    held.answer().await.unwrap();
    next.answer().await.unwrap();
}

#[tokio::test]
async fn a_command_that_would_wait_too_long_is_refused_at_once_unless_the_shard_is_idle() {
    let limit = EngineSettings { max_wait: std::time::Duration::ZERO, ..settings() };
    let bank = Bank::start(&MemoryLog::default(), Gate::default(), &limit);
    bank.ready().await;
    let held = bank.hold_commit();
    let deposit = request("a", Command::Deposit(vec![1]));
    assert!(matches!(bank.submit(&deposit).await, Err(CommandError::Overloaded)));
    bank.commits.open();
    held.answer().await.unwrap();
    let answer = loop {
        // The write thread may not have returned to its mailbox yet.
        match bank.submit(&deposit).await {
            Err(CommandError::Overloaded) => tokio::task::yield_now().await,
            answer => break answer,
        }
    };
    assert!(!answer.unwrap().replayed);
}
