//! Commands sent through Kafka: each is decided once, its outcome and the next offset are committed with its events,
//! and commands that were not decided are delivered again under the next epoch.

use std::time::Duration;

use command_engine::{CommandError, EngineSettings};
use event_log::{MemoryLog, Position};
use serde_json::Value;

use crate::support::{Account, Bank, Command, CommandRequest, Gate, History, LIMIT, request, settings};

pub(crate) type Delivery = command_engine::Delivery<Account>;

/// A record of a commands topic in which every second offset is used.
pub(crate) fn delivery(epoch: u64, index: usize, request: &CommandRequest) -> Delivery {
    Delivery {
        epoch,
        position: at(index),
        key: request.metadata.command_id.to_string(),
        command: Ok(request.clone()),
    }
}

pub(crate) fn at(index: usize) -> Position {
    Position { topic: "bank.commands".into(), partition: 0, offset: 2 * i64::try_from(index).unwrap() }
}

/// Delivers the commands that the current owner has not decided yet, and waits until they are decided.
pub(crate) async fn deliver_undecided(bank: &Bank, commands: &[CommandRequest]) {
    let (epoch, next) = bank.owned();
    for (index, request) in commands.iter().enumerate() {
        if at(index).offset >= next[&0] {
            assert!(bank.engine.deliver(delivery(epoch, index, request)));
        }
    }
    wait_until_decided(bank).await;
}

/// Waits until all deliveries are decided: a command that is submitted later is decided in the same group or after it.
pub(crate) async fn wait_until_decided(bank: &Bank) {
    bank.submit(&request("barrier", Command::Deposit(vec![1]))).await.unwrap();
}

/// The outcomes in the log, without their times.
pub(crate) fn outcomes(log: &MemoryLog) -> Vec<Value> {
    let read = |document: &[u8]| {
        let mut value: Value = serde_json::from_slice(document).unwrap();
        let decided_at = value.as_object_mut().unwrap().remove("decided_at").unwrap();
        assert!(decided_at.as_str().unwrap().ends_with('Z'));
        value
    };
    log.outcomes().iter().map(|outcome| read(&outcome.document)).collect()
}

#[tokio::test]
async fn a_repeated_command_gets_the_same_outcome() {
    let bank = Bank::open().await;
    let deposit = request("a", Command::Deposit(vec![1, 2]));
    deliver_undecided(&bank, &[deposit.clone(), deposit.clone()]).await;
    let bank = bank.restarted().await;
    deliver_undecided(&bank, &[deposit.clone(), deposit.clone(), deposit]).await;
    let [first, second, third] = outcomes(&bank.log).try_into().unwrap();
    assert_eq!((&first, &first), (&second, &third));
    assert_eq!(History::of(&bank.log).events("a").len(), 2);
}

#[tokio::test]
async fn a_command_is_decided_once_whatever_happens_to_its_append() {
    for fault in [MemoryLog::fail_before_next_append as fn(&MemoryLog), MemoryLog::fail_after_next_append] {
        let bank = Bank::open().await;
        let commands = [
            request("a", Command::Deposit(vec![1])),
            request("a", Command::Withdraw(2)),
            request("a", Command::Deposit(vec![1])),
        ];
        let held = bank.hold_commit();
        for (index, request) in commands.iter().enumerate() {
            bank.engine.deliver(delivery(1, index, request));
        }
        fault(&bank.log);
        let barrier = bank.queue(&request("barrier", Command::Deposit(vec![1])));
        bank.commits.open();
        held.answer().await.unwrap();
        barrier.answer().await.unwrap();
        assert_eq!(bank.owned().0, 2);
        // The second command is refused. It must not be decided again after the third, which would make it succeed.
        deliver_undecided(&bank, &commands).await;

        let statuses: Vec<_> = outcomes(&bank.log).iter().map(|outcome| outcome["status"].clone()).collect();
        assert_eq!(statuses, ["accepted", "refused", "accepted"]);
        assert_eq!(History::of(&bank.log).state("a").balance, 2);
        assert_eq!(bank.log.next_commands()[&0], 5);
    }
}

#[tokio::test]
async fn a_delivery_for_another_epoch_or_decided_before_is_dropped() {
    let bank = Bank::open().await;
    let commands = [1, 2].map(|coin| request("a", Command::Deposit(vec![coin])));
    deliver_undecided(&bank, &commands).await;
    bank.engine.deliver(delivery(1, 0, &commands[0]));
    bank.engine.deliver(delivery(1, 1, &commands[1]));
    bank.engine.deliver(delivery(7, 2, &request("a", Command::Deposit(vec![4]))));
    wait_until_decided(&bank).await;
    assert_eq!(outcomes(&bank.log).len(), 2);
    assert_eq!(bank.log.next_commands()[&0], 3);
}

#[tokio::test]
async fn an_owner_that_hands_over_leaves_deliveries_to_the_next_owner() {
    let first = Bank::open().await;
    let held = first.hold_commit();
    let deposit = request("a", Command::Deposit(vec![1]));
    first.engine.deliver(delivery(1, 0, &deposit));
    first.engine.hand_over(0);
    first.engine.deliver(delivery(1, 1, &request("a", Command::Deposit(vec![2]))));
    first.commits.open();
    held.answer().await.unwrap();
    wait_until_decided(&first).await;
    assert_eq!(outcomes(&first.log), Vec::<Value>::new());

    let second = Bank::over(&first.log).await;
    deliver_undecided(&second, &[deposit]).await;
    assert_eq!(outcomes(&first.log).len(), 1);
}

#[tokio::test]
async fn deliveries_of_a_replaced_owner_have_no_effect() {
    let first = Bank::open().await;
    let second = Bank::over(&first.log).await;
    first.engine.deliver(delivery(1, 0, &request("a", Command::Withdraw(1))));
    first.wait_for(|ownership| *ownership == command_engine::Ownership::Elsewhere).await;
    assert_eq!(outcomes(&second.log), Vec::<Value>::new());
    assert_eq!(second.log.next_commands()[&0], 0);
}

#[tokio::test]
async fn deliveries_pause_while_the_queue_is_full() {
    let limit = EngineSettings { max_waiting: 2, ..settings() };
    let bank = Bank::start(&MemoryLog::default(), Gate::default(), &limit);
    bank.ready().await;
    let held = bank.hold_commit();
    let has_room: Vec<_> = (0..2)
        .map(|index| bank.engine.deliver(delivery(1, index, &request("a", Command::Deposit(vec![1])))))
        .collect();
    assert_eq!(has_room, [true, false]);
    assert!(!bank.engine.has_room(0));
    let caller = bank.queue(&request("b", Command::Deposit(vec![1])));
    bank.commits.open();
    held.answer().await.unwrap();
    caller.answer().await.unwrap();
    assert!(bank.engine.has_room(0));
    assert_eq!(outcomes(&bank.log).len(), 2);
}

#[tokio::test]
async fn a_caller_and_a_delivery_with_one_id_have_one_effect() {
    let bank = Bank::open().await;
    let held = bank.hold_commit();
    let deposit = request("a", Command::Deposit(vec![1]));
    bank.engine.deliver(delivery(1, 0, &deposit));
    let queued = bank.queue(&deposit);
    bank.commits.open();
    held.answer().await.unwrap();
    let accepted = queued.answer().await;
    assert!(!matches!(accepted, Err(CommandError::IdReused)));
    History::of(&bank.log).assert_confirms(&deposit, &accepted.unwrap());
    assert_eq!(outcomes(&bank.log)[0]["status"], "accepted");
}

#[tokio::test]
async fn deliveries_queued_behind_commands_in_doubt_are_delivered_again_and_decided_once() {
    let limit = EngineSettings { max_group: 1, ..settings() };
    let bank = Bank::start(&MemoryLog::default(), Gate::default(), &limit);
    bank.ready().await;
    let commands = [1, 2, 3].map(|coin| request("a", Command::Deposit(vec![coin])));
    let held = bank.hold_commit();
    for (index, request) in commands.iter().enumerate() {
        bank.engine.deliver(delivery(1, index, request));
    }
    bank.log.fail_before_next_append();
    bank.commits.open();
    held.answer().await.unwrap();
    bank.wait_for(|ownership| matches!(ownership, command_engine::Ownership::Owned { epoch: 2, .. })).await;
    // With groups of one, at least one delivery is decided before each command of a caller.
    deliver_undecided(&bank, &commands).await;
    for _ in 0..commands.len() {
        wait_until_decided(&bank).await;
    }
    assert_eq!(bank.log.next_commands()[&0], 5);
    assert_eq!(outcomes(&bank.log).len(), 3);
}

#[tokio::test]
async fn callers_and_deliveries_alternate() {
    let limit = EngineSettings { max_group: 2, ..settings() };
    let bank = Bank::start(&MemoryLog::default(), Gate::default(), &limit);
    bank.ready().await;
    let held = bank.hold_commit();
    let submitted = ["a", "b"].map(|name| request(name, Command::Deposit(vec![1])));
    let delivered = ["c", "d"].map(|name| request(name, Command::Deposit(vec![1])));
    for (index, request) in delivered.iter().enumerate() {
        bank.engine.deliver(delivery(1, index, request));
    }
    let queued: Vec<_> = submitted.iter().map(|request| bank.queue(request)).collect();
    bank.commits.open();
    held.answer().await.unwrap();
    for queued in queued {
        queued.answer().await.unwrap();
    }
    let written = History::of(&bank.log).command_ids();
    let of = |requests: &[CommandRequest; 2], turn: usize| requests[turn].metadata.command_id;
    for (group, turn) in written[1..].chunks(2).zip(0..) {
        assert!(group.contains(&of(&submitted, turn)) && group.contains(&of(&delivered, turn)));
    }
}

#[tokio::test]
async fn an_owner_commits_the_next_commands_again_even_if_it_has_nothing_to_do() {
    let settings = EngineSettings { recommit_interval: Duration::from_millis(1), ..settings() };
    let bank = Bank::start(&MemoryLog::default(), Gate::default(), &settings);
    bank.ready().await;
    deliver_undecided(&bank, &[request("a", Command::Deposit(vec![1]))]).await;
    let next_commands = bank.log.next_commands();
    assert_eq!(next_commands[&0], at(0).offset + 1);
    bank.log.expire_next_commands();
    let committed_again = async {
        while bank.log.next_commands() != next_commands {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, committed_again).await.expect("they are not committed again");
    // The next owner reads on where this one stopped.
    assert_eq!(bank.restarted().await.owned().1, next_commands);
}
