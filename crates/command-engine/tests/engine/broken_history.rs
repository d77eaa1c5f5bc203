//! A broken history keeps a shard from accepting commands, and the error states the position.

use aggregate::Version;
use command_engine::{CommandError, Ownership};
use event_log::{MemoryLog, Recorded};

use crate::support::{Bank, Command, Gate, append_unchecked, log_of, request, settings};

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

async fn valid_log() -> MemoryLog {
    let bank = Bank::open().await;
    for name in ["a", "b", "c", "a"] {
        bank.submit(&request(name, Command::Deposit(vec![1]))).await.unwrap();
    }
    bank.log
}

#[tokio::test]
async fn a_broken_history_is_reported_with_its_position_and_no_command_is_accepted() {
    let valid = valid_log().await.records();
    for (break_history, expected) in CASES {
        let mut records = valid.clone();
        break_history(&mut records);
        let log = log_of(records.clone());
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
async fn commands_in_doubt_stay_unknown_if_the_history_breaks_while_the_shard_is_owned() {
    let log = valid_log().await;
    let bank = Bank::over(&log).await;
    let mut foreign = log.records().remove(1);
    foreign.envelope.partition_sequence = 9;
    foreign.envelope.version = Version(2);
    append_unchecked(&log, vec![foreign]);

    let deposit = request("a", Command::Deposit(vec![1]));
    assert!(matches!(bank.submit(&deposit).await, Err(CommandError::OutcomeUnknown)));
    assert_broken(&bank, "history broken at memory/0@8: sequence 9 where 5 must follow").await;
    assert_eq!(bank.claims.passed(), 1, "the foreign writer is the newer owner");
    bank.stop().await;
    assert_eq!(log.records().len(), 5);
}

async fn assert_broken(bank: &Bank, expected: &str) {
    let has_position =
        |state: &Ownership| matches!(state, Ownership::Claiming(reason) if reason.contains(" at "));
    let Ownership::Claiming(reason) = bank.wait_for(has_position).await else {
        unreachable!("the predicate accepts no other state")
    };
    assert!(reason.starts_with(expected), "{reason:?} instead of {expected:?}");
}
