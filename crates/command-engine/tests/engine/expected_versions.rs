//! Optimistic concurrency: a command is decided only if the aggregate has a version that the caller expects.

use std::{collections::BTreeMap, sync::Arc};

use aggregate::{Expected, Version};
use command_engine::CommandError;

use crate::support::{Bank, Command, CommandRequest, History, Refusal, request};

fn expecting(expected: Expected) -> CommandRequest {
    CommandRequest { expected, ..request("a", Command::Deposit(vec![1])) }
}

#[tokio::test]
async fn a_command_that_expects_another_version_is_answered_with_the_current_one() {
    let one_of = |versions: &[u64]| Expected::OneOf(versions.iter().copied().map(Version).collect());
    // The expected version, the actual version, and whether the command passes.
    let cases = [
        (Expected::Present, 0, false),
        (one_of(&[]), 0, false),
        (one_of(&[0]), 0, false),
        (one_of(&[1]), 0, false),
        (Expected::Absent, 0, true),
        (Expected::Absent, 1, false),
        (Expected::Any, 1, true),
        (Expected::Present, 2, true),
        (one_of(&[1, 2, 4]), 3, false),
        (one_of(&[]), 3, false),
        (one_of(&[1, 3]), 3, true),
    ];
    let bank = Bank::open().await;
    for (expected, version, passes) in cases {
        let answer = bank.submit(&expecting(expected.clone())).await;
        if passes {
            assert_eq!(answer.unwrap().version, Version(version + 1), "{expected:?}");
        } else {
            assert_mismatch(&answer.unwrap_err(), version);
        }
    }
    assert_eq!(History::of(&bank.log).len(), 4);
}

#[tokio::test]
async fn any_version_matches_an_aggregate_that_does_not_exist() {
    let bank = Bank::open().await;
    assert_eq!(bank.submit(&expecting(Expected::Any)).await.unwrap().version.0, 1);
}

#[tokio::test]
async fn a_repeated_command_is_recognised_although_the_version_has_changed() {
    let bank = Bank::open().await;
    let create = expecting(Expected::Absent);
    bank.submit(&create).await.unwrap();
    assert!(bank.submit(&create).await.unwrap().replayed);
}

#[tokio::test]
async fn the_expected_version_is_checked_after_the_earlier_commands_of_the_group() {
    let bank = Bank::open().await;
    let requests = [expecting(Expected::Absent), expecting(Expected::Absent), expecting(Expected::Present)];
    let mut answers = bank.together(&requests, |_| ()).await;
    assert_eq!(answers.remove(2).unwrap().version.0, 2);
    assert_mismatch(&answers.remove(1).unwrap_err(), 1);
    assert_eq!(answers.remove(0).unwrap().version.0, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_one_of_a_hundred_callers_that_expect_the_same_version_succeeds() {
    let bank = Arc::new(Bank::open().await);
    bank.submit(&expecting(Expected::Absent)).await.unwrap();
    let submit = |_| {
        let bank = Arc::clone(&bank);
        tokio::spawn(async move { bank.submit(&expecting(Expected::OneOf(vec![Version(1)]))).await })
    };
    let callers: Vec<_> = (0..100).map(submit).collect();
    let mut answers = BTreeMap::<_, u32>::new();
    for caller in callers {
        let answer = match caller.await.unwrap() {
            Ok(accepted) => ("accepted", accepted.version),
            Err(CommandError::VersionMismatch { current }) => ("mismatch", current),
            Err(error) => panic!("{error}"),
        };
        *answers.entry(answer).or_default() += 1;
    }
    let expected = [(("accepted", Version(2)), 1), (("mismatch", Version(2)), 99)];
    assert_eq!(answers, expected.into());
    assert_eq!(History::of(&bank.log).len(), 2);
}

#[track_caller]
fn assert_mismatch(error: &CommandError<Refusal>, version: u64) {
    assert!(
        matches!(error, CommandError::VersionMismatch { current } if current.0 == version),
        "{error:?} is not a mismatch at {version}"
    );
}
