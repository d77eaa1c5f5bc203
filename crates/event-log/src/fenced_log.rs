//! The protocol that makes one instance the only writer of a partition, over whatever broker there is. The order of
//! its steps is what the whole platform's safety rests on; `docs/write-side.md` says why each stands where it does.

use std::time::Duration;

use crate::{Batch, Broker, Claimed, Fold, LogError, PartitionLog, Producer};

/// How many producers take turns. A second transaction of one id right after a commit meets a 20 ms pause in the
/// client; another id does not.
const PRODUCERS: usize = 2;
/// How long an announcement may take.
const ANNOUNCE: Duration = Duration::from_secs(5);

/// One partition, written by one fenced owner at a time.
pub struct FencedLog<B: Broker> {
    broker: B,
    /// Where this instance takes commands.
    address: String,
    commit_timeout: Duration,
    /// Empty while this is not the owner.
    producers: Vec<B::Producer>,
    turn: usize,
    /// The newest epoch in the events that were read.
    in_log: u64,
    /// This instance's last ownership; 0 before the first.
    epoch: u64,
    /// The newest ownership that was announced, as far as was looked.
    newest: u64,
    /// Where to look for newer announcements.
    next_announcement: i64,
}

impl<B: Broker> FencedLog<B> {
    /// The partition behind `broker`, not owned yet. `address` is announced as where this instance takes commands;
    /// a group that is not committed within `commit_timeout` counts as unknown.
    pub fn over(broker: B, address: String, commit_timeout: Duration) -> Self {
        Self {
            broker,
            address,
            commit_timeout,
            producers: Vec::new(),
            turn: 0,
            in_log: 0,
            epoch: 0,
            newest: 0,
            next_announcement: 0,
        }
    }

    /// Replays up to `mark` and answers with the offset to go on from.
    fn replay(&mut self, next: i64, mark: i64, fold: &mut Fold<'_>) -> Result<i64, LogError> {
        let Self { broker, in_log, .. } = self;
        let mut reached = next;
        broker.replay(next, mark, &mut |recorded| {
            *in_log = (*in_log).max(recorded.envelope.owner_epoch);
            reached = recorded.position.offset + 1;
            fold(recorded)
        })?;
        Ok(reached)
    }

    fn read_on(&mut self, next: i64, fold: &mut Fold<'_>) -> Result<i64, LogError> {
        let mark = self.broker.stable_end()?;
        // A commit is answered a moment before readers see it, so who has just written may be ahead of them.
        if next > mark {
            let end = self.broker.end()?;
            if next > end {
                return Err(LogError::BeyondEnd { next, end });
            }
        }
        self.replay(next, mark, fold)
    }

    /// Announces the ownership by the partition's own producer, so that an owner who was replaced cannot, and answers
    /// with the announcement's offset.
    fn announce(&self, producer: &mut B::Producer) -> Result<i64, LogError> {
        producer.begin(ANNOUNCE)?;
        let offset = producer.announce(&self.address)?;
        producer.commit()?;
        Ok(offset)
    }

    /// The ownership begins. Its epoch is higher than that of every announcement before and every event.
    fn begin(&mut self, producers: Vec<B::Producer>, announced: i64) {
        self.epoch = self.in_log.max(announced.unsigned_abs()) + 1;
        self.newest = self.epoch;
        self.next_announcement = announced + 1;
        self.producers = producers;
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<Vec<i64>, LogError> {
        self.turn = (self.turn + 1) % PRODUCERS;
        let producer = self.producers.get_mut(self.turn).ok_or(LogError::NotClaimed)?;
        producer.begin(self.commit_timeout)?;
        let offsets = producer.send_events(batch.events)?;
        let outcomes = (batch.outcomes)(&offsets);
        if !outcomes.is_empty() {
            producer.send_outcomes(&outcomes)?;
        }
        if let Some(next) = batch.next_command {
            producer.settle(next)?;
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
        // What can be read while the last owner still serves need not be read while nobody does.
        let next = self.read_on(next, fold)?;
        // Only when every producer is fenced is the end final: asking before is the classic mistake.
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
        // The end with uncommitted records: a commit is answered a moment before readers see it.
        let end = self.broker.owners_end()?;
        if end > self.next_announcement {
            if let Some(offset) = self.broker.last_announcement(self.next_announcement, end)? {
                self.newest = (offset.unsigned_abs() + 1).max(self.newest + 1);
            }
            self.next_announcement = end;
        }
        Ok(self.newest)
    }

    fn release(&mut self) {
        self.producers.clear();
    }
}
