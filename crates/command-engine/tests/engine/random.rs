//! Random commands from callers and through Kafka, random faults and restarts, and two instances that claim, hand over
//! and lose the shard. Every answer, every outcome and the log must match a model.

mod model;

use std::time::Instant;

use aggregate::{Expected, Version};
use command_engine::CommandError;
use event_log::MemoryLog;
use proptest::{collection::vec, prelude::*, sample::Index};
use tokio::runtime;
use uuid::Uuid;

use crate::{
    deliveries::{deliver_undecided, delivery, outcomes},
    support::{Answer, Bank, Command, CommandRequest, History, answers_to, request},
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
    fn inject(self, log: &MemoryLog) {
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
    Expires,
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
    /// It learns from the log that it was replaced.
    Replaced,
    HandsOver,
    Loses,
    Restarts,
}

/// A group that one of the two instances decides, after it has claimed the shard.
#[derive(Debug, Clone)]
struct Round {
    instance: usize,
    other: Move,
    fault: Fault,
    through_kafka: bool,
    group: Vec<Attempt>,
    /// Requests sent to the other instance, which does not own the shard.
    misrouted: Vec<Attempt>,
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn the_log_and_every_answer_match_the_model(rounds in vec(round(), 1..10)) {
        runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(run_rounds(rounds));
    }
}

async fn run_rounds(rounds: Vec<Round>) {
    let log = MemoryLog::default();
    let mut banks = [Bank::over(&log).await, Bank::over(&log).await];
    let (mut model, mut requested, mut topic) = (Model::default(), Vec::new(), Vec::new());
    for mut round in rounds {
        for Attempt { request, repeats, .. } in round.group.iter_mut().chain(&mut round.misrouted) {
            make_repeat(request, *repeats, &requested);
            requested.push(request.clone());
        }
        let other = 1 - round.instance;
        move_shard(&mut banks, &round).await;
        submit_to_non_owner(&banks[other], &round.misrouted).await;
        let bank = &banks[round.instance];
        if round.through_kafka {
            let reported = outcomes(&log).len();
            deliver_group(bank, &round, &mut topic).await;
            let replies: Vec<_> = outcomes(&log)[reported..].iter().map(Reply::from).collect();
            let expected = topic[reported..].iter().map(|request| model.once(request).outcome());
            assert_eq!(replies, expected.collect::<Vec<_>>());
        } else {
            let (decided, answers) = submit(bank, &round).await;
            assert_eq!(answers, model.group(&decided, round.fault));
        }
        for name in ACCOUNTS {
            assert_eq!(History::of(&log).events(name), model.events(name));
        }
    }
}

/// Moves the shard to the instance of the round.
async fn move_shard(banks: &mut [Bank; 2], round: &Round) {
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
    banks[round.instance].reclaim().await;
}

/// Sends requests to an instance that does not own the shard. It must write nothing, and accept only commands that are
/// in the log.
async fn submit_to_non_owner(bank: &Bank, misrouted: &[Attempt]) {
    for Attempt { request, .. } in misrouted {
        match bank.submit(request).await {
            Err(CommandError::Elsewhere) => {}
            Err(CommandError::IdReused) if History::of(&bank.log).events_of(request) > 0 => {}
            Ok(accepted) => History::of(&bank.log).assert_confirms(request, &accepted),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Delivers the commands of a round as one group, and injects its fault.
async fn deliver_group(bank: &Bank, round: &Round, topic: &mut Vec<CommandRequest>) {
    let held = bank.hold_commit();
    let epoch = bank.owned().0;
    for Attempt { request, .. } in &round.group {
        bank.engine.deliver(delivery(epoch, topic.len(), request));
        topic.push(request.clone());
    }
    let barrier = bank.queue(&request("barrier", Command::Deposit(vec![1])));
    round.fault.inject(&bank.log);
    bank.commits.open();
    held.answer().await.unwrap();
    barrier.answer().await.unwrap();
    deliver_undecided(bank, topic).await;
}

/// Submits the commands of a round. Returns those that were decided and their answers.
async fn submit(bank: &Bank, round: &Round) -> (Vec<CommandRequest>, Vec<Reply>) {
    let held = bank.hold_commit();
    let (mut decided, mut waiting) = (Vec::new(), Vec::new());
    for Attempt { request, caller, .. } in &round.group {
        match caller {
            Caller::Waits => {
                waiting.push(bank.queue(request));
                decided.push(request.clone());
            }
            Caller::Leaves => drop(bank.queue(request)),
            Caller::Expires => {
                let expired = CommandRequest { deadline: Instant::now(), ..request.clone() };
                assert_eq!(Reply::from(bank.submit(&expired).await), Reply::Expired);
            }
        }
    }
    // A deposit to another account, so that there is always an append that fails.
    waiting.push(bank.queue(&request("barrier", Command::Deposit(vec![1]))));
    round.fault.inject(&bank.log);
    bank.commits.open();
    held.answer().await.unwrap();
    let mut answers: Vec<Answer> = answers_to(waiting).await;
    answers.pop().unwrap().unwrap();
    let history = History::of(&bank.log);
    for (request, answer) in decided.iter().zip(&answers) {
        match answer {
            Ok(accepted) if !accepted.events.is_empty() => history.assert_confirms(request, accepted),
            _ => {}
        }
    }
    (decided, answers.into_iter().map(Reply::from).collect())
}

/// Turns a request into a repeat of an earlier one, or, if the hash is to differ, into another request with the same
/// id.
fn make_repeat(request: &mut CommandRequest, repeats: Option<(Index, u64)>, requested: &[CommandRequest]) {
    if let (Some((index, request_hash)), false) = (repeats, requested.is_empty()) {
        let earlier = index.get(requested).clone();
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
    (0..2_usize, other, fault, any::<bool>(), vec(attempt(), 0..6), vec(attempt(), 0..2)).prop_map(
        |(instance, other, fault, through_kafka, group, misrouted)| Round {
            instance,
            other,
            fault,
            through_kafka,
            group,
            misrouted,
        },
    )
}

fn attempt() -> impl Strategy<Value = Attempt> {
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
    let caller = prop_oneof![6 => Just(Caller::Waits), 1 => Just(Caller::Leaves), 1 => Just(Caller::Expires)];
    let repeats = prop::option::weighted(0.3, (any::<Index>(), prop_oneof![4 => Just(1_u64), 1 => Just(2)]));
    (0..ACCOUNTS.len(), command, expected, caller, repeats, any::<u128>()).prop_map(
        |(account, command, expected, caller, repeats, id)| {
            let mut request = CommandRequest { expected, ..request(ACCOUNTS[account], command) };
            request.metadata.command_id = Uuid::from_u128(id);
            Attempt { request, caller, repeats }
        },
    )
}
