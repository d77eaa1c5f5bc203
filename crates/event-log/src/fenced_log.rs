//! The protocol that makes one instance the only writer of a partition, over any [`Broker`]. All guarantees of the
//! write side depend on the order of its steps, which must not be changed; `docs/write-side.md` explains it.

use std::time::Duration;

use crate::{Batch, Broker, Claimed, Fold, LogError, PartitionLog, Producer};

/// How many producers take turns. A second transaction with the same id right after a commit waits 20 ms in the client;
/// one with another id does not.
const PRODUCERS: usize = 2;
/// How long an announcement may take.
const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(5);

/// One partition, written by one fenced owner at a time.
pub struct FencedLog<B: Broker> {
    broker: B,
    /// Where this instance accepts commands.
    address: String,
    commit_timeout: Duration,
    /// Empty unless this instance owns the partition.
    producers: Vec<B::Producer>,
    next_producer: usize,
    /// The highest epoch among the events read so far.
    epoch_in_log: u64,
    /// The epoch of this instance's last ownership; 0 before the first.
    epoch: u64,
    /// The epoch of the newest announcement read so far.
    newest_announced: u64,
    /// The offset from which to look for newer announcements.
    next_announcement: i64,
}

impl<B: Broker> FencedLog<B> {
    /// The partition behind `broker`, not owned yet. `address` is where this instance accepts commands; it is announced
    /// with each claim. A group that is not committed within `commit_timeout` has an unknown outcome.
    pub fn over(broker: B, address: String, commit_timeout: Duration) -> Self {
        Self {
            broker,
            address,
            commit_timeout,
            producers: Vec::new(),
            next_producer: 0,
            epoch_in_log: 0,
            epoch: 0,
            newest_announced: 0,
            next_announcement: 0,
        }
    }

    /// Replays up to `mark` and returns the next offset.
    fn replay(&mut self, next: i64, mark: i64, fold: &mut Fold<'_>) -> Result<i64, LogError> {
        let Self { broker, epoch_in_log, .. } = self;
        let mut reached = next;
        broker.replay(next, mark, &mut |recorded| {
            *epoch_in_log = (*epoch_in_log).max(recorded.envelope.owner_epoch);
            reached = recorded.position.offset + 1;
            fold(recorded)
        })?;
        Ok(reached)
    }

    fn read_on(&mut self, next: i64, fold: &mut Fold<'_>) -> Result<i64, LogError> {
        let mark = self.broker.stable_end()?;
        // A commit is acknowledged a moment before consumers see it, so the instance that wrote last may be ahead of
        // them.
        if next > mark {
            let end = self.broker.end()?;
            if next > end {
                return Err(LogError::BeyondEnd { next, end });
            }
        }
        self.replay(next, mark, fold)
    }

    /// Announces the ownership through the partition's own producer, so that a replaced owner cannot announce itself.
    /// Returns the offset of the announcement.
    fn announce(&self, producer: &mut B::Producer) -> Result<i64, LogError> {
        producer.begin(ANNOUNCE_TIMEOUT)?;
        let offset = producer.announce(&self.address)?;
        producer.commit()?;
        Ok(offset)
    }

    /// Begins the ownership. Its epoch is higher than that of every earlier announcement and every event.
    fn begin(&mut self, producers: Vec<B::Producer>, announced: i64) {
        self.epoch = self.epoch_in_log.max(announced.unsigned_abs()) + 1;
        self.newest_announced = self.epoch;
        self.next_announcement = announced + 1;
        self.producers = producers;
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<Vec<i64>, LogError> {
        self.next_producer = (self.next_producer + 1) % PRODUCERS;
        let producer = self.producers.get_mut(self.next_producer).ok_or(LogError::NotClaimed)?;
        producer.begin(self.commit_timeout)?;
        let offsets = producer.send_events(batch.events)?;
        let outcomes = (batch.outcomes)(&offsets);
        if !outcomes.is_empty() {
            producer.send_outcomes(&outcomes)?;
        }
        if let Some(next) = batch.next_command {
            producer.send_offset(next)?;
        }
        producer.commit()?;
        Ok(offsets)
    }
}

impl<B: Broker> PartitionLog for FencedLog<B> {
    fn read(&mut self, next: i64, fold: &mut Fold<'_>) -> Result<(), LogError> {
        self.read_on(next, fold).map(drop)
    }

    fn claim(&mut self, next: i64, fold: &mut Fold<'_>) -> Result<Claimed, LogError> {
        self.release();
        let mut producers = self.broker.connect(PRODUCERS)?;
        // Read what is there while the previous owner still serves, so that less is left to read while nobody does.
        let next = self.read_on(next, fold)?;
        // The end is final only once every producer is initialised. Asking for it earlier would miss records of the
        // previous owner.
        producers.iter_mut().try_for_each(Producer::init)?;
        let mark = self.broker.end()?;
        self.replay(next, mark, fold)?;
        let next_command = self.broker.next_command()?;
        let announced = self.announce(&mut producers[0])?;
        self.begin(producers, announced);
        Ok(Claimed { epoch: self.epoch, next_command })
    }

    fn append(&mut self, batch: &Batch<'_>) -> Result<Vec<i64>, LogError> {
        let committed = self.commit(batch);
        if committed.is_err() {
            self.release();
        }
        committed
    }

    fn confirm(&mut self) -> Result<(), LogError> {
        if self.producers.is_empty() {
            return Err(LogError::NotClaimed);
        }
        if self.newest_epoch()? == self.epoch { Ok(()) } else { Err(LogError::Replaced) }
    }

    fn newest_epoch(&mut self) -> Result<u64, LogError> {
        // The end including uncommitted records: a commit is acknowledged a moment before consumers see it.
        let end = self.broker.owners_end()?;
        if end > self.next_announcement {
            if let Some(offset) = self.broker.last_announcement(self.next_announcement, end)? {
                self.newest_announced = (offset.unsigned_abs() + 1).max(self.newest_announced + 1);
            }
            self.next_announcement = end;
        }
        Ok(self.newest_announced)
    }

    fn release(&mut self) {
        self.producers.clear();
    }
}
