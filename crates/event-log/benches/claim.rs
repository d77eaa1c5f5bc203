//! Measures how long a shard of eight partitions has no writer while its ownership moves, on the Kafka of the test environment. Compare
//! the printed figures only within one run on one machine.

#![allow(clippy::disallowed_methods, reason = "nothing else waits for its threads")]

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use aggregate::{Metadata, Version};
use event_log::{
    Batch, ClientSettings, Envelope, KafkaShardLog, NewRecord, Offsets, Position, ShardLog, ShardLogSettings,
    Shards, Topics, apply_topics, now,
};
use test_kit::{TestEnvironment, record_figure};
use uuid::Uuid;

const HAND_OVERS: usize = 30;
const PARTITIONS: i32 = 8;

struct Owner {
    log: KafkaShardLog,
    next: Offsets,
    epoch: u64,
    /// The sequence number of the last event of each partition.
    sequences: BTreeMap<i32, u64>,
    partition: i32,
}

impl Owner {
    /// An instance that is about to take over: it reads while the present owner serves.
    fn warm(settings: &ShardLogSettings) -> Self {
        let log = KafkaShardLog::new(settings.clone(), 0);
        let mut owner =
            Self { log, next: Offsets::new(), epoch: 0, sequences: BTreeMap::new(), partition: 0 };
        let Self { log, next, sequences, .. } = &mut owner;
        log.read(&Offsets::new(), &mut |recorded| {
            let Position { partition, offset, .. } = recorded.position;
            next.insert(partition, offset + 1);
            sequences.insert(partition, recorded.envelope.partition_sequence);
            Ok(())
        })
        .expect("the log can be read");
        owner
    }

    fn claim(&mut self) {
        let Self { log, next, sequences, .. } = self;
        let claimed = log.claim(next, &mut |recorded| {
            sequences.insert(recorded.position.partition, recorded.envelope.partition_sequence);
            Ok(())
        });
        self.epoch = claimed.expect("a claim").epoch;
    }

    /// Appends one event to the partition whose turn it is. Returns whether it was committed.
    fn append(&mut self) -> bool {
        self.partition = (self.partition + 1) % PARTITIONS;
        let sequence = self.sequences.entry(self.partition).or_default();
        let record = record(self.partition, self.epoch, *sequence + 1);
        let appended = self.log.append(&Batch::events(&[record])).is_ok();
        *sequence += u64::from(appended);
        appended
    }
}

fn record(partition: i32, owner_epoch: u64, partition_sequence: u64) -> NewRecord {
    let command_id = Uuid::now_v7();
    let envelope = Envelope {
        aggregate_id: "a".try_into().expect("an id"),
        event_id: Envelope::event_id_of(command_id, 0),
        event_type: "foldline.tests.Counted".to_owned(),
        source: "/tests".to_owned(),
        time: now(),
        version: Version(partition_sequence),
        request_hash: 0,
        owner_epoch,
        partition_sequence,
        metadata: Metadata {
            command_id,
            correlation_id: "".into(),
            causation_id: "".into(),
            actor: "anonymous".into(),
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
        },
    };
    NewRecord { partition, envelope, payload: vec![0; 100] }
}

/// The time from the last commit of the old owner to the end of the new owner's claim.
fn hand_over(settings: &ShardLogSettings, mut old: Owner, goes_on: bool) -> (Owner, Duration) {
    let claiming = AtomicBool::new(false);
    thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut last = Instant::now();
            while (goes_on || !claiming.load(Ordering::Relaxed)) && old.append() {
                last = Instant::now();
            }
            last
        });
        let mut new = Owner::warm(settings);
        claiming.store(true, Ordering::Relaxed);
        new.claim();
        let claimed = Instant::now();
        (new, claimed - writing.join().expect("writing does not panic"))
    })
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    record_figure(&format!("{}.p99", what.replace(' ', "-")), at(99).as_secs_f64() * 1e3);
    println!(
        "{what}: p50 {:.1?}  p90 {:.1?}  p99 {:.1?}  max {:.1?}",
        at(50),
        at(90),
        at(99),
        times[times.len() - 1]
    );
}

fn main() {
    let environment = TestEnvironment::empty();
    let settings = ShardLogSettings {
        client: ClientSettings { brokers: environment.servers.brokers.clone() },
        topics: Topics::new(&environment.topic_prefix, "tests"),
        shards: Shards::new(PARTITIONS, 1).expect("one shard of all partitions"),
        address: "here:1".to_owned(),
        commit_timeout: Duration::from_secs(5),
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(apply_topics(&settings.client, &settings.topics, settings.shards, 1)).expect("topics");
    let mut owner = Owner::warm(&settings);
    owner.claim();
    for (what, goes_on) in [("the old owner goes on", true), ("it stops as the claim begins", false)] {
        let mut gaps = Vec::new();
        for _ in 0..HAND_OVERS {
            let (new, gap) = hand_over(&settings, owner, goes_on);
            owner = new;
            gaps.push(gap);
        }
        print(what, gaps);
    }
    let timed = |call: &mut dyn FnMut()| {
        let begun = Instant::now();
        call();
        begun.elapsed()
    };
    print("confirm", (0..200).map(|_| timed(&mut || owner.log.confirm().expect("the owner"))).collect());
    print("append", (0..500).map(|_| timed(&mut || assert!(owner.append()))).collect());
}
