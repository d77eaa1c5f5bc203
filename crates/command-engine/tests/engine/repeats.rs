//! A command takes effect once, however often its id is sent.

use command_engine::CommandError;

use crate::support::{Bank, Command, CommandRequest, History, Refusal, request};

#[tokio::test]
async fn a_repeated_command_gets_the_same_answer_marked_as_replayed() {
    let bank = Bank::open().await;
    let deposit = request("a", Command::Deposit(vec![1, 2, 3]));
    let first = bank.submit(&deposit).await.unwrap();
    bank.submit(&request("a", Command::Withdraw(6))).await.unwrap();
    let repeated = bank.submit(&deposit).await.unwrap();

    assert!(!first.replayed && repeated.replayed);
    assert_eq!(repeated.events.len(), 3);
    let history = History::of(&bank.log);
    history.assert_confirms(&deposit, &first);
    history.assert_confirms(&deposit, &repeated);
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
    for (index, replayed) in [(0, false), (2, true)] {
        let accepted = answers[index].as_ref().unwrap();
        history.assert_confirms(&deposit, accepted);
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
    let repeated = bank.submit(&deposit).await.unwrap();
    assert!(repeated.replayed);
    assert_eq!((repeated.version, &repeated.events), (first.version, &first.events));
    assert_eq!(repeated.position, first.position);
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
async fn a_command_id_is_scoped_to_its_aggregate() {
    let bank = Bank::open().await;
    let deposit = request("a", Command::Deposit(vec![1]));
    let other = CommandRequest { aggregate_id: request("b", Command::Close).aggregate_id, ..deposit.clone() };
    for (request, answer) in
        [&deposit, &other].into_iter().zip(bank.together(&[deposit.clone(), other.clone()], |_| ()).await)
    {
        let accepted = answer.unwrap();
        assert!(!accepted.replayed);
        History::of(&bank.log).assert_confirms(request, &accepted);
    }
}

#[tokio::test]
async fn a_refused_command_can_be_repeated_until_it_is_accepted() {
    let bank = Bank::open().await;
    let withdraw = request("a", Command::Withdraw(1));
    let refused = bank.submit(&withdraw).await;
    assert!(matches!(refused, Err(CommandError::Refused(Refusal::Overdrawn))));
    bank.submit(&request("a", Command::Deposit(vec![1]))).await.unwrap();
    assert!(!bank.submit(&withdraw).await.unwrap().replayed);
}

#[tokio::test]
async fn a_command_is_recognised_after_more_commands_than_an_aggregate_remembers() {
    let bank = Bank::open().await;
    let requests: Vec<_> = (0..80).map(|_| request("a", Command::Deposit(vec![1, 1]))).collect();
    for answer in bank.together(&requests, |_| ()).await {
        answer.unwrap();
    }
    let mut bank = bank;
    for _ in 0..2 {
        for earlier in &requests {
            let repeated = bank.submit(earlier).await.unwrap();
            assert!(repeated.replayed);
            History::of(&bank.log).assert_confirms(earlier, &repeated);
        }
        bank = bank.restarted().await;
    }
    let reused = CommandRequest { request_hash: 2, ..requests[0].clone() };
    assert!(matches!(bank.submit(&reused).await, Err(CommandError::IdReused)));
    assert_eq!(History::of(&bank.log).state("a").balance, 2 * 80);
}
