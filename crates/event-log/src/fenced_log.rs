//! The protocol that makes one instance the only writer of a shard, over any [`Broker`]. All guarantees of the write side
//! depend on the order of its steps, which must not be changed; `docs/write-side.md` explains it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{Batch, Broker, Claimed, Fold, Layout, LogError, Offsets, Producer, Sent, ShardLog};

/// How many producers take turns: one commits a batch, one sends the next, and one has just committed. A second
/// transaction with the same id right after a commit waits 20 ms in the client; one with another id does not.
pub const PRODUCERS: usize = 3;
/// How long an announcement may take.
const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(5);

/// One shard, written by one fenced owner at a time.
pub struct FencedLog<B: Broker> {
    broker: B,
    /// The partitions of the shard.
    partitions: Vec<i32>,
    /// Where this instance accepts commands.
    address: String,
    commit_timeout: Duration,
    /// Empty unless this instance owns the shard.
    producers: Vec<Shared<B::Producer>>,
    next_producer: usize,
    /// The layout in which the shard was claimed last.
    layout: u64,
    /// The highest epoch among the events read so far, of all partitions.
    epoch_in_log: u64,
    /// The epoch of this instance's last ownership; 0 before the first.
    epoch: u64,
    /// The epoch of the newest announcement read so far.
    newest_announced: u64,
    /// The offset from which to look for newer announcements.
    next_announcement: i64,
}

/// A producer, which commits on another thread than the one that sends.
type Shared<P> = Arc<Mutex<P>>;

fn lock<P>(producer: &Shared<P>) -> MutexGuard<'_, P> {
    producer.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<B: Broker> FencedLog<B> {
    /// The shard behind `broker`, not owned yet. `address` is where this instance accepts commands; it is announced with
    /// each claim. A group that is not committed within `commit_timeout` has an unknown outcome.
    pub fn over(broker: B, address: String, commit_timeout: Duration) -> Self {
        Self {
            partitions: broker.partitions(),
            broker,
            address,
            commit_timeout,
            producers: Vec::new(),
            next_producer: 0,
            layout: 0,
            epoch_in_log: 0,
            epoch: 0,
            newest_announced: 0,
            next_announcement: 0,
        }
    }

    /// Asks the broker for an offset of each partition.
    fn ask(&mut self, ask: impl Fn(&mut B, i32) -> Result<i64, LogError>) -> Result<Offsets, LogError> {
        let Self { broker, partitions, .. } = self;
        partitions.iter().map(|partition| Ok((*partition, ask(broker, *partition)?))).collect()
    }

    /// Replays each partition up to its mark and returns the offsets below which everything has been read.
    fn replay(&mut self, next: &Offsets, marks: &Offsets, fold: &mut Fold<'_>) -> Result<Offsets, LogError> {
        let Self { broker, epoch_in_log, .. } = self;
        let mut reached = Offsets::new();
        for (&partition, &mark) in marks {
            let next = next_of(next, partition);
            let mut end = next.max(mark);
            broker.replay(partition, next, mark, &mut |recorded| {
                *epoch_in_log = (*epoch_in_log).max(recorded.envelope.owner_epoch);
                end = end.max(recorded.position.offset + 1);
                fold(recorded)
            })?;
            reached.insert(partition, end);
        }
        Ok(reached)
    }

    fn read_on(&mut self, next: &Offsets, fold: &mut Fold<'_>) -> Result<Offsets, LogError> {
        let marks = self.ask(B::stable_end)?;
        for (&partition, &mark) in &marks {
            let next = next_of(next, partition);
            // A commit is acknowledged a moment before consumers see it, so the instance that wrote last may be ahead of
            // them.
            if next > mark {
                let end = self.broker.end(partition)?;
                if next > end {
                    return Err(LogError::BeyondEnd { partition, next, end });
                }
            }
        }
        self.replay(next, &marks, fold)
    }

    /// Announces the ownership through the shard's own producer, so that a replaced owner cannot announce itself.
    /// Returns the offset of the announcement.
    ///
    /// It commits the next commands again. Kafka deletes committed offsets some days after they were last committed,
    /// because the group does not subscribe to the commands topic.
    fn announce(
        &self,
        producer: &mut B::Producer,
        epoch_floor: u64,
        next_commands: &Offsets,
    ) -> Result<i64, LogError> {
        producer.begin(ANNOUNCE_TIMEOUT)?;
        let offset = producer.announce(&self.address, epoch_floor)?;
        producer.send_offsets(next_commands)?;
        producer.commit()?;
        Ok(offset)
    }

    /// Begins the ownership. Its epoch is higher than that of every earlier announcement and of every event in any
    /// partition.
    fn begin(&mut self, producers: Vec<B::Producer>, layout: Layout, announced: i64) {
        self.epoch = self.epoch_in_log.max(layout.epoch_floor + announced.unsigned_abs()) + 1;
        self.layout = layout.number;
        self.newest_announced = self.epoch;
        self.next_announcement = announced + 1;
        // The first group takes the next producer, because the announcement has just used the first one.
        let shared = producers.into_iter().map(|producer| Arc::new(Mutex::new(producer)));
        (self.producers, self.next_producer) = (shared.collect(), 0);
    }

    /// Sends a batch in a transaction of this producer, and returns the offsets of its events.
    fn fill(&self, producer: &mut B::Producer, batch: &Batch<'_>) -> Result<Vec<i64>, LogError> {
        producer.begin(self.commit_timeout)?;
        let offsets = producer.send_events(batch.events)?;
        let outcomes = (batch.outcomes)(&offsets);
        if !outcomes.is_empty() {
            producer.send_outcomes(&outcomes)?;
        }
        if !batch.next_commands.is_empty() {
            producer.send_offsets(batch.next_commands)?;
        }
        Ok(offsets)
    }
}

/// The offset from which a partition is to be read.
fn next_of(next: &Offsets, partition: i32) -> i64 {
    next.get(&partition).copied().unwrap_or(0)
}

impl<B: Broker> ShardLog for FencedLog<B> {
    fn read(&mut self, next: &Offsets, fold: &mut Fold<'_>) -> Result<(), LogError> {
        self.read_on(next, fold).map(drop)
    }

    fn claim(&mut self, next: &Offsets, fold: &mut Fold<'_>) -> Result<Claimed, LogError> {
        self.release();
        let mut producers = self.broker.connect(PRODUCERS)?;
        // Read what is there while the previous owner still serves, so that less is left to read while nobody does.
        let next = self.read_on(next, fold)?;
        // The ends are final only once every producer is initialised. Asking for one earlier would miss records of the
        // previous owner.
        producers.iter_mut().try_for_each(Producer::init)?;
        // Asking for the layout earlier would miss a change that has begun meanwhile and fences the old ids before these
        // were initialised.
        let layout = self.broker.layout()?.permits(self.broker.shards())?;
        let marks = self.ask(B::end)?;
        self.replay(&next, &marks, fold)?;
        let next_commands = self.ask(B::next_command)?;
        let announced = self.announce(&mut producers[0], layout.epoch_floor, &next_commands)?;
        self.begin(producers, layout, announced);
        Ok(Claimed { epoch: self.epoch, next_commands })
    }

    fn send(&mut self, batch: &Batch<'_>) -> Result<Sent, LogError> {
        self.next_producer = (self.next_producer + 1) % PRODUCERS;
        let producer = self.producers.get(self.next_producer).ok_or(LogError::NotClaimed)?;
        let producer = Arc::clone(producer);
        let offsets = self.fill(&mut lock(&producer), batch)?;
        Ok(Sent { offsets, commit: Box::new(move || lock(&producer).commit()) })
    }

    fn confirm(&mut self) -> Result<(), LogError> {
        if self.producers.is_empty() {
            return Err(LogError::NotClaimed);
        }
        // Owners in another layout announce themselves in other places.
        let is_newest = self.newest_epoch()? == self.epoch && self.broker.layout()?.number == self.layout;
        if is_newest { Ok(()) } else { Err(LogError::Replaced) }
    }

    fn newest_epoch(&mut self) -> Result<u64, LogError> {
        // The end including uncommitted records: a commit is acknowledged a moment before consumers see it.
        let end = self.broker.owners_end()?;
        if end > self.next_announcement {
            if let Some(epoch) = self.broker.last_announcement(self.next_announcement, end)? {
                self.newest_announced = epoch.max(self.newest_announced + 1);
            }
            self.next_announcement = end;
        }
        Ok(self.newest_announced)
    }

    fn release(&mut self) {
        self.producers.clear();
    }
}
