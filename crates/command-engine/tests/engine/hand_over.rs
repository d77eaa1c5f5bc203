//! The consumer group moves a shard: its owner serves until the next owner has claimed it. An owner that the group
//! excludes gives the shard up at once.

use command_engine::{CommandError, Ownership};
use event_log::{MemoryLog, Offsets, ShardLog};

use crate::support::{Bank, Command, Gate, History, request, settings};

fn is_elsewhere(ownership: &Ownership) -> bool {
    *ownership == Ownership::Elsewhere
}

#[tokio::test]
async fn an_owner_that_hands_over_serves_until_the_next_owner_has_claimed() {
    let first = Bank::open().await;
    first.engine.hand_over(0);
    first.submit(&request("a", Command::Deposit(vec![1]))).await.unwrap();
    assert!(matches!(first.submit(&request("a", Command::Withdraw(2))).await, Err(CommandError::Refused(_))));
    assert_eq!(first.owned().0, 1);

    let second = Bank::over(&first.log).await;
    // The first owner notices even though it receives no request.
    first.wait_for(is_elsewhere).await;
    assert!(matches!(first.submit(&request("a", Command::Withdraw(1))).await, Err(CommandError::Elsewhere)));
    second.submit(&request("a", Command::Withdraw(1))).await.unwrap();
    assert_eq!(first.claims.passed(), 1);
}

#[tokio::test]
async fn an_owner_that_hands_over_resolves_its_commands_in_doubt() {
    for fault in [MemoryLog::fail_before_next_append as fn(&MemoryLog), MemoryLog::fail_after_next_append] {
        let bank = Bank::open().await;
        bank.engine.hand_over(0);
        fault(&bank.log);
        let deposit = request("a", Command::Deposit(vec![1]));
        let accepted = bank.submit(&deposit).await.unwrap();
        History::of(&bank.log).assert_confirms(&deposit, &accepted);
    }
}

#[tokio::test]
async fn an_owner_that_hands_over_and_is_fenced_does_not_claim_again() {
    let bank = Bank::open().await;
    bank.engine.hand_over(0);
    bank.log.fail_claims(1);
    bank.log.clone().claim(&Offsets::new(), &mut |_| Ok(())).unwrap_err();
    let unknown = bank.submit(&request("a", Command::Deposit(vec![1]))).await;
    assert!(matches!(unknown, Err(CommandError::OutcomeUnknown)), "{unknown:?}");
    bank.wait_for(is_elsewhere).await;
    assert_eq!(bank.claims.passed(), 1);
}

#[tokio::test]
async fn a_shard_that_is_assigned_back_before_another_owner_claims_it_is_claimed_again() {
    let bank = Bank::open().await;
    bank.engine.hand_over(0);
    bank.engine.own(0);
    bank.wait_for(|ownership| matches!(ownership, Ownership::Owned { epoch: 2, .. })).await;
    bank.submit(&request("a", Command::Deposit(vec![1]))).await.unwrap();
}

#[tokio::test]
async fn once_the_shard_is_lost_queued_commands_are_rejected_and_written_ones_are_answered() {
    let bank = Bank::open().await;
    let held = bank.hold_commit();
    let deposit = request("a", Command::Deposit(vec![1]));
    let queued = bank.queue(&deposit);
    bank.engine.lose(0);

    assert!(matches!(queued.answer().await, Err(CommandError::Elsewhere)));
    assert_eq!(*bank.engine.ownership(0).borrow(), Ownership::Elsewhere);
    assert!(matches!(bank.submit(&deposit).await, Err(CommandError::Elsewhere)));
    bank.commits.open();
    held.answer().await.unwrap();
    assert_eq!(History::of(&bank.log).events_of(&deposit), 0);

    bank.engine.own(0);
    bank.ready().await;
    assert!(!bank.submit(&deposit).await.unwrap().replayed);
}

#[tokio::test]
async fn commands_in_doubt_when_the_shard_is_lost_are_resolved_once_the_next_owner_claims_it() {
    let first = Bank::open().await;
    first.commits.close();
    first.log.fail_after_next_append();
    let deposit = request("a", Command::Deposit(vec![1]));
    let in_doubt = first.queue(&deposit);
    first.commits.wait_until_held();
    first.engine.lose(0);
    let second = Bank::over(&first.log).await;
    first.commits.open();
    let accepted = in_doubt.answer().await.unwrap();
    History::of(&second.log).assert_confirms(&deposit, &accepted);
}

#[tokio::test]
async fn commands_in_doubt_when_the_shard_is_lost_stay_unknown_if_no_instance_claims_it() {
    let bank = Bank::open().await;
    bank.commits.close();
    bank.log.fail_after_next_append();
    let in_doubt = bank.queue(&request("a", Command::Deposit(vec![1])));
    bank.commits.wait_until_held();
    bank.engine.lose(0);
    bank.commits.open();
    assert!(matches!(in_doubt.answer().await, Err(CommandError::OutcomeUnknown)));
    assert_eq!(bank.claims.passed(), 1);
}

#[tokio::test]
async fn commands_whose_events_are_read_only_in_part_before_the_timeout_stay_unknown() {
    let bank = Bank::open().await;
    bank.submit(&request("a", Command::Deposit(vec![1]))).await.unwrap();
    bank.commits.close();
    bank.log.fail_after_next_append();
    let in_doubt = bank.queue(&request("a", Command::Close));
    bank.commits.wait_until_held();
    bank.engine.lose(0);
    bank.log.clone().claim(&Offsets::new(), &mut |_| Ok(())).unwrap();
    // Reading stops between the two events of the command.
    bank.log.break_reads_after(2);
    bank.commits.open();
    let unknown = in_doubt.answer().await;
    assert!(matches!(unknown, Err(CommandError::OutcomeUnknown)), "{unknown:?}");
    assert_eq!(History::of(&bank.log).len(), 3);
}

#[tokio::test]
async fn a_shard_that_is_lost_during_its_claim_is_not_served() {
    let claims = Gate::default();
    claims.close();
    let bank = Bank::start(&MemoryLog::default(), claims, &settings());
    bank.claims.wait_until_held();
    bank.engine.lose(0);
    bank.claims.open();
    let deposit = request("a", Command::Deposit(vec![1]));
    assert!(matches!(bank.submit(&deposit).await, Err(CommandError::Elsewhere)));
    bank.stop().await;
    assert_eq!(*bank.engine.ownership(0).borrow(), Ownership::Elsewhere);
    assert_eq!(History::of(&bank.log).len(), 0);
}
