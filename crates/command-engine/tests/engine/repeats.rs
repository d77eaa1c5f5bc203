//! A command id has one effect, however often it is used.

use command_engine::CommandError;

use crate::support::{Bank, Command, CommandRequest, History, Refusal, request};

#[tokio::test]
async fn a_repeated_command_gets_the_same_answer_marked_as_replayed() {
    let bank = Bank::open().await;
    let deposit = request("a", Command::Deposit(vec![1, 2, 3]));
    let first = bank.submit(&deposit).await.unwrap();
    bank.submit(&request("a", Command::Withdraw(6))).await.unwrap();
    let again = bank.submit(&deposit).await.unwrap();

    assert!(!first.replayed && again.replayed);
    assert_eq!(again.events.len(), 3);
    let history = History::of(&bank.log);
    history.bears_out(&deposit, &first);
    history.bears_out(&deposit, &again);
    assert_eq!(history.len(), 4);
}

#[tokio::test]
async fn a_command_repeated_within_its_group_has_one_effect() {
    let bank = Bank::open().await;
    let deposit = request("a", Command::Deposit(vec![1, 2]));
    let reused = CommandRequest { request_hash: 2, ..deposit.clone() };
    let requests = [deposit.clone(), request("a", Command::Withdraw(1)), deposit.clone(), reused];
    let answers = bank.together(&requests, |_| ()).await;

    let history = History::of(&bank.log);
    for (answered, replayed) in [(0, false), (2, true)] {
        let accepted = answers[answered].as_ref().unwrap();
        history.bears_out(&deposit, accepted);
        assert_eq!(accepted.replayed, replayed);
    }
    assert!(matches!(answers[3], Err(CommandError::IdReused)));
    assert_eq!(history.state("a").balance, 2);
}

#[tokio::test]
async fn a_repeated_command_is_recognised_after_a_restart() {
    let bank = Bank::open().await;
    let deposit = request("a", Command::Deposit(vec![1, 2]));
    let first = bank.submit(&deposit).await.unwrap();
    bank.submit(&request("b", Command::Deposit(vec![1]))).await.unwrap();

    let bank = bank.restarted().await;
    let again = bank.submit(&deposit).await.unwrap();
    assert!(again.replayed);
    assert_eq!((again.version, &again.events), (first.version, &first.events));
    assert_eq!(again.position, first.position);
    assert_eq!(History::of(&bank.log).len(), 3);
}

#[tokio::test]
async fn an_id_reused_for_another_request_is_refused_even_after_a_restart() {
    let bank = Bank::open().await;
    let deposit = request("a", Command::Deposit(vec![1]));
    bank.submit(&deposit).await.unwrap();
    let reused = CommandRequest { request_hash: 2, ..deposit };
    assert!(matches!(bank.submit(&reused).await, Err(CommandError::IdReused)));
    let bank = bank.restarted().await;
    assert!(matches!(bank.submit(&reused).await, Err(CommandError::IdReused)));
    assert_eq!(History::of(&bank.log).len(), 1);
}

#[tokio::test]
async fn an_id_belongs_to_one_aggregate() {
    let bank = Bank::open().await;
    let deposit = request("a", Command::Deposit(vec![1]));
    let other = CommandRequest { aggregate_id: request("b", Command::Close).aggregate_id, ..deposit.clone() };
    for (request, answer) in
        [&deposit, &other].into_iter().zip(bank.together(&[deposit.clone(), other.clone()], |_| ()).await)
    {
        let accepted = answer.unwrap();
        assert!(!accepted.replayed);
        History::of(&bank.log).bears_out(request, &accepted);
    }
}

#[tokio::test]
async fn a_refused_command_may_be_repeated_until_it_is_accepted() {
    let bank = Bank::open().await;
    let withdraw = request("a", Command::Withdraw(1));
    let refused = bank.submit(&withdraw).await;
    assert!(matches!(refused, Err(CommandError::Refused(Refusal::Overdrawn))));
    bank.submit(&request("a", Command::Deposit(vec![1]))).await.unwrap();
    assert!(!bank.submit(&withdraw).await.unwrap().replayed);
}

#[tokio::test]
async fn an_aggregate_remembers_64_commands_and_forgets_the_first_with_the_65th() {
    let bank = Bank::open().await;
    let requests: Vec<_> = (0..65).map(|_| request("a", Command::Deposit(vec![1, 1]))).collect();
    for answer in bank.together(&requests, |_| ()).await {
        answer.unwrap();
    }
    let bank = bank.restarted().await;
    for remembered in &requests[1..] {
        let again = bank.submit(remembered).await.unwrap();
        assert!(again.replayed);
        History::of(&bank.log).bears_out(remembered, &again);
    }
    let forgotten = bank.submit(&requests[0]).await.unwrap();
    assert!(!forgotten.replayed, "it is decided as if it were new");
    assert_eq!(forgotten.version.0, 2 * 65 + 2);
}
