//! The outcomes of commands sent through Kafka.

use command_engine::Rejection;
use serde_json::{Value, json};

use crate::{
    deliveries::{Delivery, at, deliver_undecided, delivery, outcomes, wait_until_decided},
    support::{Bank, Command, CommandRequest, History, request},
};

#[tokio::test]
async fn the_outcome_of_an_accepted_command_contains_its_events_and_their_position() {
    let bank = Bank::open().await;
    let deposit = request("a", Command::Deposit(vec![1, 2]));
    deliver_undecided(&bank, std::slice::from_ref(&deposit)).await;

    let answer = bank.submit(&deposit).await.unwrap();
    assert!(answer.replayed);
    History::of(&bank.log).assert_confirms(&deposit, &answer);
    let events: Vec<_> =
        answer.events.iter().map(|event| json!({ "type": "Deposited", "id": event.id })).collect();
    let offset = answer.position.unwrap().offset;
    let expected = json!({
        "command_id": deposit.metadata.command_id, "aggregate_id": "a", "status": "accepted", "version": 2,
        "events": events, "position": { "topic": "bank.events", "partition": 0, "offset": offset },
    });
    assert_eq!(outcomes(&bank.log), [expected]);
    assert_eq!(bank.log.outcomes()[0].key, deposit.metadata.command_id.to_string());
    assert_eq!(bank.log.next_commands()[&0], 1);
}

#[tokio::test]
async fn the_outcome_of_a_refused_command_contains_the_reason_and_no_event_is_written() {
    let bank = Bank::open().await;
    let accepted = request("a", Command::Deposit(vec![1]));
    bank.submit(&accepted).await.unwrap();
    let wrong_version =
        CommandRequest { expected: aggregate::Expected::Absent, ..request("a", Command::Withdraw(1)) };
    let reused = CommandRequest { request_hash: 2, ..accepted };
    let commands = [request("a", Command::Withdraw(9)), wrong_version, reused, request("a", Command::Panic)];
    deliver_undecided(&bank, &commands).await;

    let problems: Vec<_> = outcomes(&bank.log).iter().map(|outcome| outcome["problem"].clone()).collect();
    assert_eq!(problems[0]["type"], "/problems/account-refused");
    assert_eq!(problems[0]["detail"], "Overdrawn");
    assert_eq!(problems[1]["type"], "/problems/version-mismatch");
    assert_eq!(problems[1]["current_version"], 1);
    assert_eq!(problems[2]["type"], "/problems/idempotency-key-reused");
    assert_eq!(problems[3], json!({ "type": "/problems/internal" }));
    assert_eq!(problems.len(), 4);
    assert!(outcomes(&bank.log).iter().all(|outcome| outcome.get("dead_letter").is_none()));
    assert_eq!(bank.log.next_commands()[&0], 7);
    assert_eq!(History::of(&bank.log).events("a").len(), 1);
}

#[tokio::test]
async fn a_command_whose_event_is_too_large_is_refused_and_blocks_nothing() {
    let bank = Bank::open().await;
    let mut too_large = request("a", Command::Deposit(vec![1]));
    too_large.metadata.actor = "x".repeat(1_000_000).into();
    deliver_undecided(&bank, &[too_large, request("a", Command::Deposit(vec![2]))]).await;

    let recorded = outcomes(&bank.log);
    assert_eq!(recorded[0]["problem"]["type"], "/problems/event-too-large");
    assert_eq!((&recorded[1]["status"], &recorded[1]["version"]), (&json!("accepted"), &json!(1)));
    assert_eq!(bank.log.next_commands()[&0], 3);
    assert_eq!(bank.claims.passed(), 1, "the ownership is not in doubt");
}

#[tokio::test]
async fn an_outcome_that_would_be_too_large_is_shortened() {
    let bank = Bank::open().await;
    let (epoch, _) = bank.owned();
    let rejection = Rejection {
        code: "invalid-values".into(),
        detail: "x".repeat(1_000_000),
        facts: Value::Null,
        dead_letter: true,
    };
    let rejected = Delivery { epoch, position: at(0), key: at(0).to_string(), command: Err(rejection) };
    bank.engine.deliver(rejected);
    wait_until_decided(&bank).await;

    assert!(bank.log.outcomes()[0].document.len() < 1_000);
    let recorded = outcomes(&bank.log);
    assert_eq!(recorded[0]["problem"]["type"], "/problems/invalid-values");
    assert_eq!(recorded[0]["dead_letter"]["position"], "bank.commands/0@0");
}

#[tokio::test]
async fn an_unreadable_command_is_a_dead_letter_and_blocks_nothing() {
    let bank = Bank::open().await;
    let rejection = Rejection {
        code: "malformed-command".into(),
        detail: "it is not a command".into(),
        facts: json!({ "type": "never shown", "byte": 3 }),
        dead_letter: true,
    };
    let (epoch, _) = bank.owned();
    let malformed = Delivery { epoch, position: at(0), key: at(0).to_string(), command: Err(rejection) };
    bank.engine.deliver(malformed);
    let deposit = request("a", Command::Deposit(vec![1]));
    bank.engine.deliver(delivery(epoch, 1, &deposit));
    wait_until_decided(&bank).await;

    let recorded = outcomes(&bank.log);
    let problem =
        json!({ "type": "/problems/malformed-command", "detail": "it is not a command", "byte": 3 });
    let expected = json!({
        "command_id": "bank.commands/0@0", "status": "refused", "problem": problem,
        "dead_letter": { "position": "bank.commands/0@0" },
    });
    assert_eq!(recorded[0], expected);
    assert_eq!(recorded[1]["status"], "accepted");
    assert_eq!(bank.log.next_commands()[&0], 3);
}
