//! Any commands, any faults, any restarts, two instances that take turns: every answer and the whole log are those of
//! a model that knows no faults but what they may change.

mod model;

use std::time::Instant;

use aggregate::Version;
use command_engine::Expected;
use event_log::MemoryLog;
use proptest::{collection::vec, prelude::*, sample::Index};
use tokio::runtime;
use uuid::Uuid;

use crate::support::{Bank, Command, CommandRequest, History, all, request};
use model::{Model, Told};

const ACCOUNTS: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    Before,
    After,
}

#[derive(Debug, Clone, Copy)]
enum Caller {
    Waits,
    Leaves,
    IsLate,
}

/// A command and what becomes of its caller.
#[derive(Debug, Clone)]
struct Asked {
    request: CommandRequest,
    caller: Caller,
    /// Which earlier command it repeats instead, if there is one, with the same hash or another.
    repeats: Option<(Index, u64)>,
}

/// A group that one of two instances decides, perhaps after a restart.
#[derive(Debug, Clone)]
struct Round {
    instance: usize,
    restarts: bool,
    fault: Fault,
    group: Vec<Asked>,
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn the_log_and_every_answer_are_what_the_model_says(rounds in vec(round(), 1..10)) {
        runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(play(rounds));
    }
}

async fn play(rounds: Vec<Round>) {
    let log = MemoryLog::default();
    let mut banks = [Bank::over(&log).await, Bank::over(&log).await];
    let (mut model, mut asked) = (Model::default(), Vec::new());
    for mut round in rounds {
        if round.restarts {
            banks[round.instance].stop().await;
            banks[round.instance] = Bank::over(&log).await;
        }
        for Asked { request, repeats, .. } in &mut round.group {
            repeat_earlier(request, *repeats, &asked);
            asked.push(request.clone());
        }
        let (decided, answers) = run(&banks[round.instance], &round).await;
        assert_eq!(answers, model.group(&decided, round.fault));
        for name in ACCOUNTS {
            assert_eq!(History::of(&log).events(name), model.events(name));
        }
    }
}

/// Runs a round and answers with the commands that came to be decided and what their callers heard.
async fn run(bank: &Bank, round: &Round) -> (Vec<CommandRequest>, Vec<Told>) {
    // Who was shut out finds it out here, so that the fault meets the group.
    bank.submit(&request("plug", Command::Deposit(vec![1]))).await.unwrap();
    let held = bank.hold_a_commit();
    let (mut decided, mut waiting) = (Vec::new(), Vec::new());
    for Asked { request, caller, .. } in &round.group {
        match caller {
            Caller::Waits => {
                waiting.push(bank.queue(request));
                decided.push(request.clone());
            }
            Caller::Leaves => drop(bank.queue(request)),
            Caller::IsLate => {
                let late = CommandRequest { deadline: Instant::now(), ..request.clone() };
                assert_eq!(Told::from(bank.submit(&late).await), Told::Expired);
            }
        }
    }
    // A deposit of its own, so that there is always an append to meet the fault.
    waiting.push(bank.queue(&request("plug", Command::Deposit(vec![1]))));
    match round.fault {
        Fault::None => {}
        Fault::Before => bank.log.fail_before_next_append(),
        Fault::After => bank.log.fail_after_next_append(),
    }
    bank.commits.open();
    held.answer().await.unwrap();
    let mut answers = all(waiting).await;
    answers.pop().unwrap().unwrap();
    let history = History::of(&bank.log);
    for (request, answer) in decided.iter().zip(&answers) {
        match answer {
            Ok(accepted) if !accepted.events.is_empty() => history.bears_out(request, accepted),
            _ => {}
        }
    }
    (decided, answers.into_iter().map(Told::from).collect())
}

/// Gives a command the id of an earlier one, and all the rest of it too unless the hash is to be another.
fn repeat_earlier(request: &mut CommandRequest, repeats: Option<(Index, u64)>, asked: &[CommandRequest]) {
    if let (Some((index, request_hash)), false) = (repeats, asked.is_empty()) {
        let earlier = index.get(asked).clone();
        if request_hash == earlier.request_hash {
            *request = earlier;
        } else {
            request.request_hash = request_hash;
            request.aggregate_id = earlier.aggregate_id;
            request.metadata = earlier.metadata;
        }
    }
}

fn round() -> impl Strategy<Value = Round> {
    let fault = prop_oneof![Just(Fault::None), Just(Fault::Before), Just(Fault::After)];
    (0..2_usize, prop::bool::weighted(0.2), fault, vec(asked(), 0..6))
        .prop_map(|(instance, restarts, fault, group)| Round { instance, restarts, fault, group })
}

fn asked() -> impl Strategy<Value = Asked> {
    let command = prop_oneof![
        4 => vec(1..5_i64, 0..4).prop_map(Command::Deposit),
        3 => (1..8_i64).prop_map(Command::Withdraw),
        1 => Just(Command::Close),
        1 => Just(Command::Freeze),
    ];
    let expected = prop_oneof![
        6 => Just(Expected::Any),
        1 => Just(Expected::Absent),
        1 => Just(Expected::Present),
        2 => vec((0..6_u64).prop_map(Version), 1..4).prop_map(Expected::OneOf),
    ];
    let caller = prop_oneof![6 => Just(Caller::Waits), 1 => Just(Caller::Leaves), 1 => Just(Caller::IsLate)];
    let repeats = prop::option::weighted(0.3, (any::<Index>(), prop_oneof![4 => Just(1_u64), 1 => Just(2)]));
    (0..ACCOUNTS.len(), command, expected, caller, repeats, any::<u128>()).prop_map(
        |(account, command, expected, caller, repeats, id)| {
            let mut request = CommandRequest { expected, ..request(ACCOUNTS[account], command) };
            request.metadata.command_id = Uuid::from_u128(id);
            Asked { request, caller, repeats }
        },
    )
}
