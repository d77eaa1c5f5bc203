//! A shard of several partitions: its commands are decided in one group, and each partition keeps its own order.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use aggregate::AggregateId;
use command_engine::{
    Aggregates, CacheSettings, Checkpoint, CommandKey, Delivery, Engine, EngineSettings, IdFilter,
    NoSnapshots, Opened, PendingCommands, PendingIds, PendingOpened, PendingSave, Save, SnapshotError,
    SnapshotStore,
};
use event_log::{MemoryLog, Offsets, Position, Shards, partition_of};
use tokio::sync::oneshot;

use crate::support::{
    Account, Bank, CODEC, Command, CommandRequest, History, LIMIT, State, is_owned, request, settings,
    topics, wait_for_ownership,
};

/// Deposits to two accounts of a partition.
fn deposits(partition: i32, shards: Shards) -> [CommandRequest; 2] {
    let requests = (0..).map(|number| request(&format!("account-{number}"), Command::Deposit(vec![1, 1])));
    let mut requests =
        requests.filter(|request| partition_of(&request.aggregate_id, shards.partitions()) == partition);
    [requests.next().unwrap(), requests.next().unwrap()]
}

fn delivery(partition: i32, offset: i64, request: &CommandRequest) -> Delivery<Account> {
    Delivery {
        epoch: 1,
        position: Position { topic: "bank.commands".into(), partition, offset },
        key: request.metadata.command_id.to_string(),
        command: Ok(request.clone()),
    }
}

#[tokio::test]
async fn every_command_goes_to_the_partition_of_its_aggregate() {
    let shards = Shards::new(5, 2).unwrap();
    let logs = [0, 1].map(|shard| MemoryLog::of(shards.partitions_of(shard)));
    let log = |shard| logs[usize::try_from(shard).unwrap()].clone();
    let engine: Engine<Account> = Engine::start(&topics(), shards, log, |_| NoSnapshots, &CODEC, &settings());
    for shard in 0..2 {
        engine.own(shard);
        wait_for_ownership(engine.ownership(shard), is_owned).await;
    }
    for partition in 0..5 {
        let [request, _] = deposits(partition, shards);
        let position = engine.submit(request.clone()).await.unwrap().position.unwrap();
        assert_eq!((position.partition, position.topic.as_str()), (partition, "bank.events"));
        let records = log(shards.shard_of(partition)).records();
        let written = records.iter().find(|record| record.envelope.aggregate_id == request.aggregate_id);
        assert_eq!(written.unwrap().position.partition, partition);
    }
    for log in logs {
        History::of(&log);
    }
}

#[tokio::test]
async fn commands_of_several_partitions_are_committed_together() {
    let bank = Bank::over(&MemoryLog::of([0, 1, 2])).await;
    let requests: Vec<_> = (0..30)
        .map(|number| request(&format!("account-{}", number % 10), Command::Deposit(vec![1, 1])))
        .collect();
    let answers = bank.together(&requests, |_| ()).await;
    let history = History::of(&bank.log);
    let mut partitions = HashSet::new();
    for (request, answer) in requests.iter().zip(answers) {
        let accepted = answer.unwrap();
        history.assert_confirms(request, &accepted);
        partitions.insert(accepted.position.unwrap().partition);
    }
    assert_eq!((partitions.len(), bank.commits.passed()), (3, 2), "the held commit and one for all of them");

    let bank = bank.restarted().await;
    for request in &requests {
        assert!(bank.submit(request).await.unwrap().replayed);
    }
}

#[tokio::test]
async fn commands_in_doubt_are_found_in_every_partition() {
    for fault in [MemoryLog::fail_before_next_append as fn(&MemoryLog), MemoryLog::fail_after_next_append] {
        let bank = Bank::over(&MemoryLog::of([0, 1, 2])).await;
        let requests: Vec<_> = (0..10)
            .map(|number| request(&format!("account-{number}"), Command::Deposit(vec![1, 1])))
            .collect();
        let answers = bank.together(&requests, fault).await;
        let history = History::of(&bank.log);
        for (request, answer) in requests.iter().zip(answers) {
            history.assert_confirms(request, &answer.unwrap());
        }
        assert_eq!(history.len(), 1 + 20);
    }
}

#[tokio::test]
async fn deliveries_of_each_partition_are_decided_once_and_in_order() {
    let shards = Shards::new(2, 1).unwrap();
    let bank = Bank::over(&MemoryLog::of([0, 1])).await;
    let commands = [0, 1].map(|partition| deposits(partition, shards));
    let held = bank.hold_commit();
    for [first, second] in &commands {
        let partition = bank.engine.partition_of(&first.aggregate_id);
        bank.engine.deliver(delivery(partition, 4, first));
        bank.engine.deliver(delivery(partition, 4, first));
        bank.engine.deliver(delivery(partition, 6, second));
        bank.engine.deliver(delivery(partition, 4, first));
    }
    let barrier = bank.queue(&request("barrier", Command::Deposit(vec![1])));
    bank.commits.open();
    held.answer().await.unwrap();
    barrier.answer().await.unwrap();

    assert_eq!(bank.log.next_commands(), Offsets::from([(0, 7), (1, 7)]));
    let mut outcomes: Vec<_> =
        bank.log.outcomes().into_iter().map(|outcome| (outcome.partition, outcome.key)).collect();
    outcomes.sort_by_key(|(partition, _)| *partition);
    let expected = commands.iter().zip(0..).flat_map(|(commands, partition)| {
        commands.each_ref().map(|command| (partition, command.metadata.command_id.to_string()))
    });
    assert_eq!(outcomes, expected.collect::<Vec<_>>());
}

/// Snapshots of one partition that cannot be loaded while `down` is set.
struct Unreachable {
    /// An aggregate that may have a snapshot.
    cold: AggregateId,
    down: Arc<AtomicBool>,
}

impl SnapshotStore<Account> for Unreachable {
    fn open(&mut self) -> PendingOpened {
        let (reply, pending) = oneshot::channel();
        let checkpoint = Checkpoint { aggregates: 1, ..Checkpoint::default() };
        reply.send(Ok(Opened { checkpoint, evicted: 0 })).unwrap();
        pending
    }

    fn read_ids(&mut self, mut ids: IdFilter, _: i64) -> PendingIds {
        let (reply, pending) = oneshot::channel();
        ids.insert(self.cold.as_str());
        reply.send(ids).unwrap();
        pending
    }

    fn load(&mut self, _: &[AggregateId], _: i64) -> Result<Aggregates<State>, SnapshotError> {
        if self.down.load(Ordering::Relaxed) {
            Err(SnapshotError::TimedOut(Duration::ZERO))
        } else {
            Ok(Aggregates::new())
        }
    }

    fn find_commands(&mut self, _: Vec<CommandKey>, _: i64) -> PendingCommands {
        unreachable!("nothing is evicted")
    }

    fn save(&mut self, _: Save<State>) -> PendingSave {
        unreachable!("nothing is due")
    }
}

#[tokio::test]
async fn a_delivery_that_cannot_be_decided_holds_back_only_its_own_partition() {
    let shards = Shards::new(2, 1).unwrap();
    let log = MemoryLog::of([0, 1]);
    let down = Arc::new(AtomicBool::new(true));
    let ([cold, behind], [other, _]) = (deposits(0, shards), deposits(1, shards));
    let store = |_| Unreachable { cold: cold.aggregate_id.clone(), down: down.clone() };
    let cache =
        CacheSettings { load_pause: Duration::ZERO, save_interval: LIMIT * 2, ..CacheSettings::default() };
    let settings = EngineSettings { cache, ..settings() };
    let engine: Engine<Account> = Engine::start(&topics(), shards, |_| log.clone(), store, &CODEC, &settings);
    engine.own(0);
    wait_for_ownership(engine.ownership(0), is_owned).await;

    engine.deliver(delivery(0, 0, &cold));
    engine.deliver(delivery(0, 1, &behind));
    engine.deliver(delivery(1, 0, &other));
    wait_until(|| log.outcomes().len() == 1);
    assert_eq!(log.next_commands(), Offsets::from([(0, 0), (1, 1)]));

    down.store(false, Ordering::Relaxed);
    wait_until(|| log.outcomes().len() == 3);
    assert_eq!(log.next_commands(), Offsets::from([(0, 2), (1, 1)]));
    let keys = [&cold, &behind].map(|request| request.metadata.command_id.to_string());
    assert_eq!(log.outcomes()[1..].iter().map(|outcome| outcome.key.clone()).collect::<Vec<_>>(), keys);
}

fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < deadline, "the condition did not hold in time");
        std::thread::yield_now();
    }
}
