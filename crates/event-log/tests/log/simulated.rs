//! The faults of the simulated broker, and how the protocol handles them.

use std::sync::{Arc, Mutex};

use event_log::{
    LogError, Offsets, PRODUCERS, ShardLog,
    simulated::{AsCalled, Schedule, SimulatedBroker, SimulatedKafka, Step, StepOutcome},
};

use crate::{
    support::{Owner, error, locations},
    worlds::sorted,
};

/// A shard of two partitions.
fn simulated() -> SimulatedKafka {
    SimulatedKafka::new([0, 1])
}

/// Gives a step its planned outcome, once, and records all steps.
#[derive(Default)]
struct Once {
    planned: Mutex<Option<(Step, StepOutcome)>>,
    steps: Mutex<Vec<Step>>,
}

impl Once {
    fn plan(&self, step: Step, outcome: StepOutcome) {
        *self.planned.lock().unwrap() = Some((step, outcome));
    }
}

impl Schedule for Once {
    fn before(&self, _instance: usize, step: Step) -> StepOutcome {
        self.steps.lock().unwrap().push(step);
        let mut planned = self.planned.lock().unwrap();
        planned.take_if(|(when, _)| *when == step).map_or(StepOutcome::Succeed, |(_, outcome)| outcome)
    }
}

/// Runs a closure before a step is taken.
struct BeforeStep<F>(Step, Mutex<F>);

impl<F: FnMut() + Send> Schedule for BeforeStep<F> {
    fn before(&self, _instance: usize, step: Step) -> StepOutcome {
        if step == self.0 {
            self.1.lock().unwrap()();
        }
        StepOutcome::Succeed
    }
}

fn owner(simulated: &SimulatedKafka) -> (Owner<SimulatedBroker>, Arc<Once>) {
    let schedule = Arc::new(Once::default());
    (Owner::over(simulated.broker(1, schedule.clone()), "one:1").unwrap(), schedule)
}

fn next_owner(simulated: &SimulatedKafka) -> Owner<SimulatedBroker> {
    Owner::over(simulated.broker(2, Arc::new(AsCalled)), "two:2").unwrap()
}

#[test]
fn a_claim_takes_its_steps_in_the_safe_order() {
    let (_, schedule) = owner(&simulated());
    let recorded = schedule.steps.lock().unwrap();
    let claim = [
        (Step::Connect, 1),
        (Step::StableEnd, 2),
        (Step::Init(0), 1),
        (Step::Init(1), 1),
        (Step::Init(2), 1),
        (Step::Layout, 1),
        (Step::End, 2),
        (Step::Replay, 2),
        (Step::NextCommand, 2),
        (Step::Announce, 1),
        (Step::SendOffsets, 1),
        (Step::Commit, 1),
    ];
    // Before it fences, the claim reads the committed events: two replays, both empty here.
    let fenced = recorded.iter().position(|step| *step == Step::Init(0)).unwrap();
    assert_eq!(recorded[..fenced].iter().filter(|step| **step == Step::Replay).count(), 2);
    let steps: Vec<_> = claim.iter().flat_map(|(step, times)| vec![*step; *times]).collect();
    let is_read =
        |position: usize, step: Step| position < fenced && matches!(step, Step::Replay | Step::Event);
    let protocol = recorded
        .iter()
        .enumerate()
        .filter(|(position, step)| **step != Step::Event && !is_read(*position, **step));
    assert_eq!(protocol.map(|(_, step)| *step).collect::<Vec<_>>(), steps);
}

#[test]
fn a_group_committed_while_the_producers_are_being_fenced_is_read_by_the_claim() {
    let simulated = simulated();
    let mut first = next_owner(&simulated);
    // The second producer writes the owner's first group.
    let append = move || drop(first.append(&["a"]).unwrap());
    let schedule = Arc::new(BeforeStep(Step::Init(1), Mutex::new(append)));
    let second = Owner::over(simulated.broker(1, schedule), "one:1").unwrap();
    assert_eq!(second.replayed.len(), 1);
}

/// The ids are initialised in one order, and the announcement uses the first: an announced owner has initialised all of its
/// ids before any later claim began.
#[test]
fn two_claims_that_overlap_never_leave_two_owners() {
    for (interrupted, appended) in (0..PRODUCERS).flat_map(|id| (0..PRODUCERS).map(move |count| (id, count)))
    {
        let simulated = simulated();
        let (other, quick) = (simulated.clone(), Arc::new(Mutex::new(None)));
        let claimed = Arc::clone(&quick);
        let claim = move || {
            let mut owner = next_owner(&other);
            (0..appended).for_each(|_| drop(owner.append(&["before"]).unwrap()));
            *claimed.lock().unwrap() = Some(owner);
        };
        let schedule = Arc::new(BeforeStep(Step::Init(interrupted), Mutex::new(claim)));
        let slow = Owner::over(simulated.broker(1, schedule), "slow:1");
        let mut quick = quick.lock().unwrap().take().unwrap();
        match slow {
            Ok(slow) => {
                assert_eq!(slow.replayed.len(), appended);
                let fenced = error(quick.append(&["too-late"]));
                assert!(fenced.is_fenced(), "{interrupted} {appended}: {fenced}");
            }
            Err(fenced) => assert!(fenced.is_fenced(), "{interrupted} {appended}: {fenced}"),
        }
    }
}

#[test]
fn a_commit_whose_answer_is_lost_is_in_the_log() {
    let simulated = simulated();
    let (mut first, schedule) = owner(&simulated);
    schedule.plan(Step::Commit, StepOutcome::LoseAnswer);
    let unknown = error(first.decide_commands("a", 1));
    assert!(matches!(unknown, LogError::TimedOut(_)), "{unknown}");
    let second = next_owner(&simulated);
    assert_eq!((second.replayed.len(), simulated.outcomes().len()), (1, 1));
    assert_eq!(second.next_commands, Offsets::from([(0, 0), (1, 1)]));
}

#[test]
fn a_commit_delayed_until_another_instance_owns_the_shard_changes_nothing() {
    let simulated = simulated();
    let (mut first, schedule) = owner(&simulated);
    schedule.plan(Step::Commit, StepOutcome::Delay);
    error(first.decide_commands("a", 1));
    let mut second = next_owner(&simulated);
    assert_eq!(simulated.delayed(), 1);
    simulated.deliver(0);
    second.append(&["b"]).unwrap();
    assert!(second.replayed.is_empty() && simulated.outcomes().is_empty());
    assert_eq!(simulated.events().len(), 1);
    assert_eq!(simulated.next_commands(), Offsets::from([(0, 0), (1, 0)]));
}

#[test]
fn a_commit_delayed_until_just_before_the_next_claim_is_in_the_log() {
    let simulated = simulated();
    let (mut first, schedule) = owner(&simulated);
    schedule.plan(Step::Commit, StepOutcome::Delay);
    error(first.append(&["a"]));
    assert!(simulated.events().is_empty());
    simulated.deliver(0);
    assert_eq!(next_owner(&simulated).replayed.len(), 1);
}

#[test]
fn a_commit_that_becomes_visible_later_is_read_by_the_next_claim() {
    let simulated = simulated();
    let (mut first, schedule) = owner(&simulated);
    schedule.plan(Step::Commit, StepOutcome::ShowLater);
    let committed = first.append_and_locate(&["a", "b"]).unwrap();
    assert!(simulated.events().is_empty());
    assert_eq!(locations(&next_owner(&simulated).replayed), sorted(committed));
}

#[test]
fn an_owner_ahead_of_the_readers_may_read_from_its_own_end() {
    let simulated = simulated();
    let (mut first, schedule) = owner(&simulated);
    schedule.plan(Step::Commit, StepOutcome::ShowLater);
    let committed = first.append_and_locate(&["a", "b"]).unwrap();
    assert!(simulated.events().is_empty());
    let next = committed.into_iter().map(|(partition, offset)| (partition, offset + 1)).collect();
    first.log.read(&next, &mut |_| panic!("there are no events")).unwrap();
}

#[test]
fn an_init_that_arrives_late_fences_the_owner_but_no_event_is_lost() {
    let simulated = simulated();
    let failing = Arc::new(Once::default());
    failing.plan(Step::Init(1), StepOutcome::Delay);
    assert!(Owner::over(simulated.broker(3, failing), "ghost:1").is_err());
    let (mut first, _) = owner(&simulated);
    simulated.deliver(0);
    assert!(error(first.append(&["a"])).is_fenced());
    let mut next = next_owner(&simulated);
    next.append(&["b"]).unwrap();
    assert_eq!(simulated.events().len(), 1);
}

#[test]
fn no_owner_is_confirmed_while_an_announcement_is_undecided() {
    let simulated = simulated();
    let (mut first, _) = owner(&simulated);
    let failing = Arc::new(Once::default());
    failing.plan(Step::Commit, StepOutcome::Fail);
    assert!(Owner::over(simulated.broker(3, failing), "ghost:1").is_err());
    assert!(matches!(error(first.log.confirm()), LogError::ReplayStalled { .. }));
    simulated.expire_transactions();
    first.log.confirm().unwrap();
}

#[test]
fn the_next_claim_succeeds_whichever_step_of_a_claim_fails() {
    let steps = [
        Step::Connect,
        Step::StableEnd,
        Step::Init(0),
        Step::Init(1),
        Step::Init(2),
        Step::Layout,
        Step::End,
        Step::Replay,
        Step::Event,
        Step::NextCommand,
        Step::Announce,
        Step::SendOffsets,
        Step::Commit,
    ];
    for step in steps {
        for outcome in [StepOutcome::Fail, StepOutcome::LoseAnswer, StepOutcome::Delay] {
            let simulated = simulated();
            let committed = sorted(next_owner(&simulated).append_and_locate(&["a", "b"]).unwrap());
            let schedule = Arc::new(Once::default());
            schedule.plan(step, outcome);
            error(Owner::over(simulated.broker(1, schedule), "one:1").map(drop));
            assert_eq!(locations(&next_owner(&simulated).replayed), committed, "{step:?} {outcome:?}");
        }
    }
}

#[test]
fn every_step_of_every_instance_is_counted() {
    let simulated = simulated();
    let (mut first, _) = owner(&simulated);
    first.append(&["a"]).unwrap();
    next_owner(&simulated);
    let counts = simulated.counts();
    let count = |step| counts.get(&step).copied().unwrap_or_default();
    assert_eq!([Step::Init(0), Step::Announce, Step::SendEvents, Step::Commit].map(count), [2, 2, 1, 3]);
    assert_eq!(count(Step::SendOutcomes), 0, "events alone need no further steps");
    assert_eq!(count(Step::SendOffsets), 2, "only the announcements commit offsets");
}
