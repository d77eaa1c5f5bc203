//! A broken history keeps a shard from accepting commands, and the error names the position.

use aggregate::Version;
use command_engine::{CommandError, Ownership};
use event_log::{MemoryLog, Recorded};

use crate::support::{Bank, Command, Gate, copied, planted, request, settings};

/// How to break a history of four events (a, b, c, a), and the expected error.
type Case = (fn(&mut Vec<Recorded>), &'static str);

const CASES: [Case; 10] = [
    (|records| drop(records.remove(1)), "history broken at memory/0@2: sequence 3 where 2 must follow"),
    (|records| records.swap(1, 2), "history broken at memory/0@2: sequence 3 where 2 must follow"),
    (
        |records| records.insert(1, records[0].clone()),
        "history broken at memory/0@2: version 1 of a where 2 must follow",
    ),
    (|records| records[2].envelope.owner_epoch = 0, "history broken at memory/0@4: epoch 0 after epoch 1"),
    (
        |records| records[3].envelope.version = Version(3),
        "history broken at memory/0@6: version 3 of a where 2 must follow",
    ),
    (
        |records| records[2].payload = vec![0, 0, 0, 0, 99],
        "event at memory/0@4 cannot be read: no schema for a message of type with schema id 99",
    ),
    (|records| records[2].payload.truncate(5), "event at memory/0@4 cannot be read: avro"),
    (|records| records[2].payload.push(0), "event at memory/0@4 cannot be read: 1 bytes follow the datum"),
    (|records| records[2].payload.clear(), "event at memory/0@4 cannot be read: the payload is not framed"),
    (
        |records| records[2].envelope.event_type = "bank.Robbed".into(),
        "event at memory/0@4 cannot be read: no schema for a message of type Robbed",
    ),
];

async fn sound() -> MemoryLog {
    let bank = Bank::open().await;
    for name in ["a", "b", "c", "a"] {
        bank.submit(&request(name, Command::Deposit(vec![1]))).await.unwrap();
    }
    bank.log
}

#[tokio::test]
async fn a_broken_history_is_named_with_its_position_and_nothing_is_accepted() {
    let sound = sound().await.records();
    for (break_it, expected) in CASES {
        let mut records = sound.clone();
        break_it(&mut records);
        let log = copied(records.clone());
        let bank = Bank::start(&log, Gate::default(), &settings());

        assert_broken(&bank, expected).await;
        for name in ["a", "new"] {
            let answer = bank.submit(&request(name, Command::Deposit(vec![1]))).await;
            assert!(matches!(answer, Err(CommandError::Elsewhere)));
        }
        bank.stop().await;
        assert_eq!(log.records().len(), records.len());
    }
}

#[tokio::test]
async fn a_history_that_breaks_while_it_is_owned_leaves_commands_in_doubt_unknown() {
    let log = sound().await;
    let bank = Bank::over(&log).await;
    let mut intruding = log.records().remove(1);
    intruding.envelope.partition_sequence = 9;
    intruding.envelope.version = Version(2);
    planted(&log, vec![intruding]);

    let deposit = request("a", Command::Deposit(vec![1]));
    assert!(matches!(bank.submit(&deposit).await, Err(CommandError::OutcomeUnknown)));
    assert_broken(&bank, "history broken at memory/0@8: sequence 9 where 5 must follow").await;
    assert_eq!(bank.claims.passed(), 1, "the intruder is an owner too");
    bank.stop().await;
    assert_eq!(log.records().len(), 5);
}

async fn assert_broken(bank: &Bank, expected: &str) {
    let said = |state: &Ownership| matches!(state, Ownership::Claiming(why) if why.contains(" at "));
    let Ownership::Claiming(why) = bank.reaches(said).await else { unreachable!("it was not ready") };
    assert!(why.starts_with(expected), "{why:?} instead of {expected:?}");
}
