//! Two instances compete for a shard: the one that claims last can write. The other notices at its next append, or when
//! it confirms its ownership before an answer that writes nothing.

use std::time::Duration;

use aggregate::{Expected, Version};
use command_engine::{CommandError, EngineSettings, Ownership};
use event_log::{MemoryLog, Offsets, ShardLog};

use crate::support::{Bank, Command, CommandRequest, Gate, History, is_owned, request, settings};

#[tokio::test]
async fn a_replaced_owner_decides_nothing() {
    let first = Bank::open().await;
    let held = first.hold_commit();
    let queued: Vec<_> = [Command::Deposit(vec![1]), Command::Withdraw(5), Command::Deposit(vec![])]
        .map(|command| first.queue(&request("a", command)))
        .into();
    let second = Bank::over(&first.log).await;
    second.submit(&request("a", Command::Deposit(vec![7]))).await.unwrap();
    first.commits.open();

    assert_eq!(held.answer().await.unwrap().version, Version(1));
    for queued in queued {
        assert!(matches!(queued.answer().await, Err(CommandError::Elsewhere)));
    }
    first.wait_for(|ownership| *ownership == Ownership::Elsewhere).await;
    let late = first.submit(&request("a", Command::Deposit(vec![1]))).await;
    assert!(matches!(late, Err(CommandError::Elsewhere)));
    assert_eq!(History::of(&first.log).epochs(), [1, 2]);
}

#[tokio::test]
async fn a_replaced_owner_gives_no_answer_from_its_outdated_cache() {
    let stale = |expected, command| CommandRequest { expected, ..request("a", command) };
    for command in [
        stale(Expected::Any, Command::Withdraw(5)),
        stale(Expected::OneOf(vec![Version(9)]), Command::Withdraw(1)),
        stale(Expected::Any, Command::Deposit(vec![])),
    ] {
        let first = Bank::open().await;
        first.submit(&request("a", Command::Deposit(vec![1]))).await.unwrap();
        let second = Bank::over(&first.log).await;
        second.submit(&request("a", Command::Deposit(vec![4]))).await.unwrap();
        let answer = first.submit(&command).await;
        assert!(matches!(answer, Err(CommandError::Elsewhere)), "{answer:?}");
    }
}

#[tokio::test]
async fn a_command_that_another_owner_has_written_is_not_written_again() {
    let first = Bank::open().await;
    let second = Bank::over(&first.log).await;
    let deposit = request("a", Command::Deposit(vec![1, 2]));
    let original = second.submit(&deposit).await.unwrap();
    let repeated = first.submit(&deposit).await.unwrap();
    assert_eq!(
        (repeated.version, &repeated.events, &repeated.position),
        (original.version, &original.events, &original.position)
    );

    let reused = CommandRequest { request_hash: 2, ..request("a", Command::Deposit(vec![3])) };
    let original = CommandRequest { request_hash: 1, ..reused.clone() };
    second.submit(&original).await.unwrap();
    first.reclaim().await;
    assert!(matches!(first.submit(&reused).await, Err(CommandError::IdReused)));
    assert_eq!(History::of(&first.log).len(), 3);
}

#[tokio::test]
async fn owners_that_alternate_lose_and_duplicate_nothing() {
    let first = Bank::open().await;
    let second = Bank::over(&first.log).await;
    let requests: Vec<_> = (0..40).map(|_| request("a", Command::Deposit(vec![1]))).collect();
    for (pair, owner) in requests.chunks(2).zip([&first, &second].into_iter().cycle()) {
        owner.reclaim().await;
        for (request, answer) in pair.iter().zip(owner.together(pair, |_| ()).await) {
            let accepted = answer.unwrap();
            assert!(!accepted.replayed);
            History::of(&first.log).assert_confirms(request, &accepted);
        }
    }
    assert_eq!(History::of(&first.log).state("a").balance, 40);
}

#[tokio::test]
async fn an_owner_replaced_while_in_doubt_reads_the_outcome_of_its_commands_from_the_log() {
    for (fault, written) in [
        (MemoryLog::fail_before_next_append as fn(&MemoryLog), false),
        (MemoryLog::fail_after_next_append, true),
    ] {
        let first = Bank::open().await;
        first.commits.close();
        fault(&first.log);
        let deposit = request("a", Command::Deposit(vec![1, 2]));
        let in_doubt = first.queue(&deposit);
        first.commits.wait_until_held();
        let second = Bank::over(&first.log).await;
        second.submit(&request("a", Command::Deposit(vec![5]))).await.unwrap();
        first.commits.open();

        match in_doubt.answer().await {
            Ok(accepted) if written => History::of(&first.log).assert_confirms(&deposit, &accepted),
            Err(CommandError::Elsewhere) if !written => {
                assert_eq!(History::of(&first.log).events_of(&deposit), 0);
            }
            other => panic!("written: {written}, answer: {other:?}"),
        }
        assert_eq!(first.claims.passed(), 1, "a newer owner exists");
    }
}

#[tokio::test]
async fn two_instances_assigned_the_same_shard_do_not_fence_each_other_for_ever() {
    let first = Bank::open().await;
    let second = Bank::over(&first.log).await;
    let deposit = || request("a", Command::Deposit(vec![1]));
    assert!(matches!(first.submit(&deposit()).await, Err(CommandError::Elsewhere)));
    first.engine.own(0);
    for _ in 0..20 {
        second.submit(&deposit()).await.unwrap();
        assert!(matches!(first.submit(&deposit()).await, Err(CommandError::Elsewhere)));
    }
    assert_eq!((first.claims.passed(), second.claims.passed()), (1, 1));
}

#[tokio::test]
async fn a_replaced_owner_claims_again_after_a_pause_if_the_shard_is_still_assigned_to_it() {
    let short_pause = EngineSettings { reclaim_pause: Duration::from_millis(1), ..settings() };
    let first = Bank::start(&MemoryLog::default(), Gate::default(), &short_pause);
    first.ready().await;
    let second = Bank::over(&first.log).await;
    second.submit(&request("a", Command::Deposit(vec![3]))).await.unwrap();
    assert!(matches!(first.submit(&request("a", Command::Withdraw(1))).await, Err(CommandError::Elsewhere)));
    first.wait_for(|ownership| matches!(ownership, Ownership::Owned { epoch: 3, .. })).await;
    assert_eq!(first.submit(&request("a", Command::Withdraw(3))).await.unwrap().version, Version(2));
}

#[tokio::test]
async fn an_owner_fenced_by_a_failed_claim_claims_again() {
    for fault in [|_: &MemoryLog| (), MemoryLog::fail_after_next_append] {
        let first = Bank::open().await;
        let mut other = first.log.clone();
        first.commits.close();
        fault(&first.log);
        let held = first.queue(&request("a", Command::Deposit(vec![1])));
        first.commits.wait_until_held();
        let behind = request("a", Command::Withdraw(1));
        let queued = first.queue(&behind);
        first.log.fail_claims(1);
        other.claim(&Offsets::new(), &mut |_| Ok(())).unwrap_err();
        first.commits.open();

        assert_eq!(held.answer().await.unwrap().version, Version(1));
        let accepted = queued.answer().await.unwrap();
        History::of(&first.log).assert_confirms(&behind, &accepted);
        assert_eq!(first.claims.passed(), 2);
    }
}

#[tokio::test]
async fn a_fenced_owner_lets_the_other_claim_finish() {
    let long_timeout = EngineSettings { announcement_timeout: Duration::from_hours(1), ..settings() };
    let first = Bank::start(&MemoryLog::default(), Gate::default(), &long_timeout);
    first.ready().await;
    first.log.fail_claims(1);
    first.log.clone().claim(&Offsets::new(), &mut |_| Ok(())).unwrap_err();
    let in_doubt = first.queue(&request("a", Command::Deposit(vec![1])));
    first
        .wait_for(|ownership| matches!(ownership, Ownership::Claiming(why) if why.contains("unknown")))
        .await;

    let second = Bank::over(&first.log).await;
    assert!(matches!(in_doubt.answer().await, Err(CommandError::Elsewhere)));
    assert_eq!(first.claims.passed(), 1);
    second.submit(&request("a", Command::Deposit(vec![1]))).await.unwrap();
}

#[tokio::test]
async fn a_shard_is_served_by_its_owner_while_the_next_owner_warms_up() {
    let first = Bank::open().await;
    let claims = Gate::default();
    claims.close();
    let second = Bank::start(&first.log, claims, &settings());
    second.claims.wait_until_held();
    first.submit(&request("a", Command::Deposit(vec![1]))).await.unwrap();
    second.claims.open();
    second.ready().await;
    second.submit(&request("a", Command::Withdraw(1))).await.unwrap();
}

#[tokio::test]
async fn nothing_is_owned_before_it_is_requested() {
    let bank = Bank::idle(&MemoryLog::default(), Gate::default(), &settings());
    let deposit = request("a", Command::Deposit(vec![1]));
    assert!(matches!(bank.submit(&deposit).await, Err(CommandError::Elsewhere)));
    assert_eq!(*bank.engine.ownership(0).borrow(), Ownership::Elsewhere);
    bank.engine.own(0);
    bank.wait_for(is_owned).await;
    bank.submit(&deposit).await.unwrap();
}
