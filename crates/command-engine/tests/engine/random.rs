//! Random commands from callers and through Kafka, faults and restarts, and two instances that take, hand over and lose
//! the shard. Every answer, every outcome and the log must match a model.

mod model;

use std::time::Instant;

use aggregate::{Expected, Version};
use command_engine::CommandError;
use event_log::MemoryLog;
use proptest::{collection::vec, prelude::*, sample::Index};
use tokio::runtime;
use uuid::Uuid;

use crate::{
    deliveries::{deliver_from_here, delivery, outcomes},
    support::{Answer, Bank, Command, CommandRequest, History, all, request},
};
use model::{Model, Reply};

const ACCOUNTS: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    Before,
    After,
}

impl Fault {
    fn plant(self, log: &MemoryLog) {
        match self {
            Self::None => {}
            Self::Before => log.fail_before_next_append(),
            Self::After => log.fail_after_next_append(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Caller {
    Waits,
    Leaves,
    IsLate,
}

/// A command and what its caller does.
#[derive(Debug, Clone)]
struct Attempt {
    request: CommandRequest,
    caller: Caller,
    /// Which earlier command it repeats, if any, with the same hash or another.
    repeats: Option<(Index, u64)>,
}

/// How the other instance gives up the shard.
#[derive(Debug, Clone, Copy)]
enum Move {
    /// It learns of its replacement from the log.
    Replaced,
    HandsOver,
    Loses,
    Restarts,
}

/// A group that one of two instances decides, after it has claimed the shard if necessary.
#[derive(Debug, Clone)]
struct Round {
    instance: usize,
    other: Move,
    fault: Fault,
    through_kafka: bool,
    group: Vec<Attempt>,
    /// Requests to the other instance, which does not own the shard.
    stray: Vec<Attempt>,
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
    let (mut model, mut asked, mut topic) = (Model::default(), Vec::new(), Vec::new());
    for mut round in rounds {
        for Attempt { request, repeats, .. } in round.group.iter_mut().chain(&mut round.stray) {
            repeat_earlier(request, *repeats, &asked);
            asked.push(request.clone());
        }
        let other = 1 - round.instance;
        take(&mut banks, &round).await;
        ask_non_owner(&banks[other], &round.stray).await;
        let bank = &banks[round.instance];
        if round.through_kafka {
            let settled = outcomes(&log).len();
            deliver(bank, &round, &mut topic).await;
            let replies: Vec<_> = outcomes(&log)[settled..].iter().map(Reply::from).collect();
            let requests = topic[settled..].iter().map(|request| model.once(request).outcome());
            assert_eq!(replies, requests.collect::<Vec<_>>());
        } else {
            let (decided, answers) = run(bank, &round).await;
            assert_eq!(answers, model.group(&decided, round.fault));
        }
        for name in ACCOUNTS {
            assert_eq!(History::of(&log).events(name), model.events(name));
        }
    }
}

/// Moves the shard to the instance of the round.
async fn take(banks: &mut [Bank; 2], round: &Round) {
    let other = 1 - round.instance;
    match round.other {
        Move::Replaced => {}
        Move::HandsOver => banks[other].engine.hand_over(0),
        Move::Loses => banks[other].engine.lose(0),
        Move::Restarts => {
            banks[other].stop().await;
            banks[other] = Bank::over(&banks[other].log).await;
        }
    }
    banks[round.instance].returns().await;
}

/// Sends requests to an instance that does not own the shard: it must change nothing, and only answer what is in
/// the log.
async fn ask_non_owner(bank: &Bank, stray: &[Attempt]) {
    for Attempt { request, .. } in stray {
        match bank.submit(request).await {
            Err(CommandError::Elsewhere) => {}
            Err(CommandError::IdReused) if History::of(&bank.log).events_of(request) > 0 => {}
            Ok(accepted) => History::of(&bank.log).bears_out(request, &accepted),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Delivers a round's commands, which meet its fault together.
async fn deliver(bank: &Bank, round: &Round, topic: &mut Vec<CommandRequest>) {
    let held = bank.hold_a_commit();
    let epoch = bank.owned().0;
    for Attempt { request, .. } in &round.group {
        bank.engine.deliver(delivery(epoch, topic.len(), request));
        topic.push(request.clone());
    }
    let plug = bank.queue(&request("plug", Command::Deposit(vec![1])));
    round.fault.plant(&bank.log);
    bank.commits.open();
    held.answer().await.unwrap();
    plug.answer().await.unwrap();
    deliver_from_here(bank, topic).await;
}

/// Runs a round. Returns the commands that were decided and the answers of their callers.
async fn run(bank: &Bank, round: &Round) -> (Vec<CommandRequest>, Vec<Reply>) {
    let held = bank.hold_a_commit();
    let (mut decided, mut waiting) = (Vec::new(), Vec::new());
    for Attempt { request, caller, .. } in &round.group {
        match caller {
            Caller::Waits => {
                waiting.push(bank.queue(request));
                decided.push(request.clone());
            }
            Caller::Leaves => drop(bank.queue(request)),
            Caller::IsLate => {
                let late = CommandRequest { deadline: Instant::now(), ..request.clone() };
                assert_eq!(Reply::from(bank.submit(&late).await), Reply::Expired);
            }
        }
    }
    // A deposit to another account, so that there is always an append to meet the fault.
    waiting.push(bank.queue(&request("plug", Command::Deposit(vec![1]))));
    round.fault.plant(&bank.log);
    bank.commits.open();
    held.answer().await.unwrap();
    let mut answers: Vec<Answer> = all(waiting).await;
    answers.pop().unwrap().unwrap();
    let history = History::of(&bank.log);
    for (request, answer) in decided.iter().zip(&answers) {
        match answer {
            Ok(accepted) if !accepted.events.is_empty() => history.bears_out(request, accepted),
            _ => {}
        }
    }
    (decided, answers.into_iter().map(Reply::from).collect())
}

/// Gives a command the id of an earlier one, and its content too unless the hash is to differ.
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
    let other =
        prop_oneof![Just(Move::Replaced), Just(Move::HandsOver), Just(Move::Loses), Just(Move::Restarts)];
    (0..2_usize, other, fault, any::<bool>(), vec(asked(), 0..6), vec(asked(), 0..2)).prop_map(
        |(instance, other, fault, through_kafka, group, stray)| Round {
            instance,
            other,
            fault,
            through_kafka,
            group,
            stray,
        },
    )
}

fn asked() -> impl Strategy<Value = Attempt> {
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
            Attempt { request, caller, repeats }
        },
    )
}
