//! A caller whose deadline passes is told either that the command is not in the log and never will be, or that the
//! outcome is unknown.

use std::time::Duration;

use command_engine::CommandError;
use event_log::MemoryLog;
use tokio::time::Instant;

use crate::support::{Bank, Command, CommandRequest, History, advance_two_hours, request};

/// A command with a deadline in an hour.
fn due_in_an_hour(command: Command) -> CommandRequest {
    CommandRequest {
        deadline: (Instant::now() + Duration::from_hours(1)).into_std(),
        ..request("a", command)
    }
}

#[tokio::test]
async fn a_command_that_expires_in_the_queue_never_reaches_the_log() {
    let bank = Bank::open().await;
    let held = bank.hold_commit();
    let expiring = due_in_an_hour(Command::Deposit(vec![1]));
    let (expired, other) = (bank.queue(&expiring), request("a", Command::Deposit(vec![2])));
    let waiting = bank.queue(&other);

    advance_two_hours().await;
    assert!(matches!(expired.answer().await, Err(CommandError::Expired)));

    bank.commits.open();
    held.answer().await.unwrap();
    assert_eq!(waiting.answer().await.unwrap().version.0, 1);
    assert_eq!(History::of(&bank.log).events_of(&expiring), 0);
}

#[tokio::test]
async fn a_command_whose_append_takes_too_long_has_an_unknown_outcome_and_can_be_repeated() {
    let bank = Bank::open().await;
    bank.commits.close();
    let expiring = due_in_an_hour(Command::Deposit(vec![1]));
    let unknown = bank.queue(&expiring);
    bank.commits.wait_until_held();

    advance_two_hours().await;
    assert!(matches!(unknown.answer().await, Err(CommandError::OutcomeUnknown)));

    bank.commits.open();
    let repeated = CommandRequest { deadline: request("a", Command::Close).deadline, ..expiring };
    let accepted = bank.submit(&repeated).await.unwrap();
    assert!(accepted.replayed);
    History::of(&bank.log).assert_confirms(&repeated, &accepted);
}

#[tokio::test]
async fn a_late_command_is_unknown_if_in_doubt_and_expired_if_queued() {
    for (fault, written) in
        [(MemoryLog::fail_before_next_append as fn(&MemoryLog), 0), (MemoryLog::fail_after_next_append, 1)]
    {
        let bank = Bank::open().await;
        bank.claims.close();
        fault(&bank.log);
        let (in_doubt, behind) =
            (due_in_an_hour(Command::Deposit(vec![1])), due_in_an_hour(Command::Deposit(vec![2])));
        bank.commits.close();
        let unknown = bank.queue(&in_doubt);
        bank.commits.wait_until_held();
        let (expired, other) = (bank.queue(&behind), request("a", Command::Deposit(vec![3])));
        let waiting = bank.queue(&other);
        bank.commits.open();
        bank.claims.wait_until_held();

        advance_two_hours().await;
        assert!(matches!(unknown.answer().await, Err(CommandError::OutcomeUnknown)));
        assert!(matches!(expired.answer().await, Err(CommandError::Expired)));
        assert!(matches!(bank.submit(&other).await, Err(CommandError::NotReady)));

        bank.claims.open();
        waiting.answer().await.unwrap();
        let history = History::of(&bank.log);
        assert_eq!(
            history.events_of(&in_doubt),
            written,
            "a command whose caller has gone is not decided again"
        );
        assert_eq!(history.events_of(&behind), 0);
        assert_eq!(history.events_of(&other), 1);
    }
}
