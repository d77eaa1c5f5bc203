//! A shard accepts no commands while its snapshots belong to another log.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use aggregate::AggregateId;
use command_engine::{
    AggregateCache, Aggregates, CacheSettings, Checkpoint, CommandKey, IdFilter, Opened, PendingCommands,
    PendingIds, PendingOpened, PendingSave, Save, ShardCache, SnapshotError, SnapshotStore,
    protocol::{Commits, InDoubt, Mailbox, SystemClock, Writer},
};
use event_log::{LogError, MemoryLog, Shards};
use tokio::{sync::oneshot, task::block_in_place};

use crate::support::{Account, Bank, CODEC, Command, State, request, settings, topics};

/// Snapshots up to offset 100, until they are dropped.
struct Foreign {
    dropped: Arc<AtomicBool>,
    /// Whether the evicted commands stay when the snapshots are dropped.
    keeps_commands: bool,
}

impl SnapshotStore<Account> for Foreign {
    fn read_ids(&mut self, _: IdFilter, _: i64) -> PendingIds {
        unreachable!("there are no aggregates")
    }

    fn open(&mut self) -> PendingOpened {
        let (reply, pending) = oneshot::channel();
        let next_offset = if self.dropped.load(Ordering::Relaxed) { 0 } else { 100 };
        let checkpoint = Checkpoint { next_offset, ..Checkpoint::default() };
        let evicted = if self.keeps_commands { 100 } else { next_offset };
        reply.send(Ok(Opened { checkpoint, evicted })).unwrap();
        pending
    }

    fn load(&mut self, _: &[AggregateId], _: i64) -> Result<Aggregates<State>, SnapshotError> {
        Ok(Aggregates::new())
    }

    fn find_commands(&mut self, _: Vec<CommandKey>, _: i64) -> PendingCommands {
        unreachable!("nothing is looked up before the shard is owned")
    }

    fn save(&mut self, _: Save<State>) -> PendingSave {
        unreachable!("nothing is saved before the shard is owned")
    }
}

impl Foreign {
    /// A writer of the log of the bank with these snapshots.
    fn writer(self, bank: &Bank) -> Writer<Account, MemoryLog> {
        let cache = AggregateCache::<Account>::new(Box::new(self), CacheSettings::default());
        let cache = ShardCache::new(Shards::new(1, 1).unwrap(), [(0, cache)]);
        let clock = Arc::new(SystemClock::default());
        let mailbox = Mailbox::new(0, settings(), clock.clone());
        let commits = Arc::new(Commits::new(Arc::new(mailbox), clock));
        Writer::new(0, &topics(), bank.log.clone(), CODEC.clone(), cache, commits)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_of_another_log_are_refused_until_they_are_dropped() {
    let bank = Bank::open().await;
    bank.submit(&request("a", Command::Deposit(vec![1]))).await.unwrap();
    let dropped = Arc::new(AtomicBool::new(false));
    let mut writer = Foreign { dropped: dropped.clone(), keeps_commands: false }.writer(&bank);

    block_in_place(|| {
        for _ in 0..2 {
            let warm_up = writer.warm_up();
            assert!(matches!(warm_up, Err(LogError::BeyondEnd { partition: 0, next: 100, end: 2 })));
            assert!(matches!(writer.claim(&mut InDoubt::nothing()), Err(LogError::BeyondEnd { .. })));
        }
    });
    bank.submit(&request("a", Command::Deposit(vec![1]))).await.unwrap();

    dropped.store(true, Ordering::Relaxed);
    block_in_place(|| {
        writer.warm_up().unwrap();
        assert_eq!(writer.aggregates(), 1);
        assert_eq!(writer.claim(&mut InDoubt::nothing()).unwrap().epoch, 2);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn evicted_commands_of_another_log_are_refused() {
    let bank = Bank::open().await;
    bank.submit(&request("a", Command::Deposit(vec![1]))).await.unwrap();
    let mut writer = Foreign { dropped: Arc::new(true.into()), keeps_commands: true }.writer(&bank);
    let claimed = block_in_place(|| {
        writer.warm_up().unwrap();
        writer.claim(&mut InDoubt::nothing())
    });
    assert!(matches!(claimed, Err(LogError::BeyondEnd { partition: 0, next: 100, .. })));
}
