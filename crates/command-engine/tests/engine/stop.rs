//! Stopping the engine: it answers as many callers as it can, and its threads end.

use command_engine::{CommandError, Ownership};
use event_log::MemoryLog;

use crate::support::{Bank, Command, Gate, History, answers_to, request, settings};

#[tokio::test]
async fn stopping_answers_queued_commands_and_accepts_no_more() {
    let bank = Bank::open().await;
    let held = bank.hold_commit();
    let requests: Vec<_> = (0..300).map(|_| request("a", Command::Deposit(vec![1]))).collect();
    let queued = requests.iter().map(|request| bank.queue(request)).collect();
    tokio::join!(bank.stop(), async { bank.commits.open() });

    held.answer().await.unwrap();
    let history = History::of(&bank.log);
    for (request, answer) in requests.iter().zip(answers_to(queued).await) {
        history.assert_confirms(request, &answer.unwrap());
    }
    let late = bank.submit(&request("a", Command::Deposit(vec![1]))).await;
    assert!(matches!(late, Err(CommandError::Elsewhere)));
    bank.wait_for(|state| *state == Ownership::Elsewhere).await;
    bank.stop().await;
}

#[tokio::test]
async fn stopping_resolves_commands_in_doubt_first() {
    let bank = Bank::open().await;
    bank.log.fail_after_next_append();
    bank.claims.close();
    let deposit = request("a", Command::Deposit(vec![1]));
    let in_doubt = bank.queue(&deposit);
    bank.claims.wait_until_held();
    tokio::join!(bank.stop(), async { bank.claims.open() });
    let accepted = in_doubt.answer().await.unwrap();
    History::of(&bank.log).assert_confirms(&deposit, &accepted);
}

#[tokio::test]
async fn the_engine_stops_even_while_no_claim_succeeds() {
    let bank = Bank::open().await;
    bank.log.fail_claims(u32::MAX);
    bank.log.fail_before_next_append();
    bank.commits.close();
    let in_doubt = bank.queue(&request("a", Command::Deposit(vec![1])));
    bank.commits.wait_until_held();
    let behind = bank.queue(&request("a", Command::Deposit(vec![2])));
    bank.commits.open();
    bank.wait_for(|state| *state == Ownership::Claiming("planted fault".into())).await;

    bank.stop().await;
    assert!(matches!(in_doubt.answer().await, Err(CommandError::OutcomeUnknown)));
    assert!(matches!(behind.answer().await, Err(CommandError::Elsewhere)));
    assert_eq!(History::of(&bank.log).len(), 0);
}

#[tokio::test]
async fn an_engine_that_never_owned_anything_can_be_stopped() {
    let log = MemoryLog::default();
    log.fail_claims(u32::MAX);
    Bank::start(&log, Gate::default(), &settings()).stop().await;
}
