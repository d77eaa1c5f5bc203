//! A client of the simulated broker that retries requests, as real clients do, and may have a planted bug.

use std::time::Duration;

use event_log::{
    Broker, Fold, Layout, LogError, NewOutcome, NewRecord, Offsets, Producer,
    simulated::{SimulatedBroker, SimulatedProducer},
};

use crate::{
    planted_bug::PlantedBug,
    scheduler::{Scheduler, Yielded, yield_now},
};

pub(crate) struct Client {
    pub(crate) broker: SimulatedBroker,
    pub(crate) scheduler: Scheduler,
    pub(crate) bug: Option<PlantedBug>,
    /// The end of each partition before the producers were initialised.
    pub(crate) early_ends: Offsets,
    /// Whether the next replay of the forgotten partition is skipped.
    pub(crate) skips_replay: bool,
}

/// The partition that [`PlantedBug::ForgetsAPartition`] forgets.
const FORGOTTEN: i32 = 1;

pub(crate) struct ClientProducer {
    producer: SimulatedProducer,
    scheduler: Scheduler,
    /// Whether it initialises its transactional id only when a transaction begins.
    initialises_late: bool,
}

impl Broker for Client {
    type Producer = ClientProducer;

    fn partitions(&self) -> Vec<i32> {
        self.broker.partitions()
    }

    fn shards(&self) -> i32 {
        self.broker.shards()
    }

    fn layout(&mut self) -> Result<Layout, LogError> {
        let layout = self.broker.layout()?;
        let ignored = self.bug == Some(PlantedBug::IgnoresTheLayout);
        let own = Layout { shards: self.broker.shards(), replaces: None, ..layout };
        Ok(if ignored { own } else { layout })
    }

    fn connect(&mut self, count: usize) -> Result<Vec<ClientProducer>, LogError> {
        let producers = self.broker.connect(count)?.into_iter().enumerate();
        let is_late = |index| index > 0 && self.bug == Some(PlantedBug::LeavesAnIdUnfenced);
        Ok(producers
            .map(|(index, producer)| ClientProducer {
                producer,
                scheduler: self.scheduler.clone(),
                initialises_late: is_late(index),
            })
            .collect())
    }

    fn end(&mut self, partition: i32) -> Result<i64, LogError> {
        self.skips_replay = self.bug == Some(PlantedBug::ForgetsAPartition);
        match self.bug {
            Some(PlantedBug::ReadsBeforeInits) => Ok(self.early_ends[&partition]),
            _ => self.broker.end(partition),
        }
    }

    fn stable_end(&mut self, partition: i32) -> Result<i64, LogError> {
        self.skips_replay = false;
        if self.bug == Some(PlantedBug::ReadsBeforeInits) {
            let end = self.broker.end(partition)?;
            self.early_ends.insert(partition, end);
        }
        self.broker.stable_end(partition)
    }

    fn replay(&mut self, partition: i32, next: i64, mark: i64, fold: &mut Fold<'_>) -> Result<(), LogError> {
        if self.skips_replay && partition == FORGOTTEN {
            return Ok(());
        }
        self.broker.replay(partition, next, mark, fold)
    }

    fn next_command(&mut self, partition: i32) -> Result<i64, LogError> {
        self.broker.next_command(partition)
    }

    fn owners_end(&mut self) -> Result<i64, LogError> {
        self.broker.owners_end()
    }

    fn last_announcement(&mut self, from: i64, end: i64) -> Result<Option<u64>, LogError> {
        self.broker.last_announcement(from, end)
    }
}

impl Producer for ClientProducer {
    fn init(&mut self) -> Result<(), LogError> {
        if self.initialises_late { Ok(()) } else { self.producer.init() }
    }

    fn begin(&mut self, timeout: Duration) -> Result<(), LogError> {
        if std::mem::take(&mut self.initialises_late) {
            self.producer.init()?;
        }
        self.producer.begin(timeout)
    }

    fn send_events(&mut self, events: &[NewRecord]) -> Result<Vec<i64>, LogError> {
        self.producer.send_events(events)
    }

    fn send_outcomes(&mut self, outcomes: &[NewOutcome]) -> Result<(), LogError> {
        self.producer.send_outcomes(outcomes)
    }

    fn send_offsets(&mut self, next_commands: &Offsets) -> Result<(), LogError> {
        self.producer.send_offsets(next_commands)
    }

    fn announce(&mut self, address: &str, epoch_floor: u64) -> Result<i64, LogError> {
        self.producer.announce(address, epoch_floor)
    }

    /// A client that receives no answer retries after a pause. It may then be fenced although its first request
    /// succeeded.
    fn commit(&mut self) -> Result<(), LogError> {
        let committed = self.producer.commit();
        if !matches!(committed, Err(LogError::TimedOut(_))) || self.scheduler.lock().random.one_in(3) {
            return committed;
        }
        let pause = self.scheduler.lock().random.below(30);
        (0..pause).for_each(|_| yield_now(Yielded::Busy));
        self.producer.commit()
    }
}
