//! Reads commands that come through Kafka and passes them to the threads that decide them.

#![expect(clippy::disallowed_methods, reason = "it has a thread of its own")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use aggregate::Aggregate;
use event_log::{CommandReader, CommandRecord, LogError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{CommandRequest, Delivery, Engine, Ownership, Rejection, Undecoded};

/// How long one poll for the next command lasts, and so how soon a newly owned shard is read.
const POLL_TIMEOUT: Duration = Duration::from_millis(50);
/// The pause after an error of the reader.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// The first pause before a command that cannot be decoded yet is tried again; it doubles with each further attempt.
const FIRST_HOLD: Duration = Duration::from_millis(20);
/// The longest such pause. It is shorter than the codec remembers that the registry does not know a schema.
const LONGEST_HOLD: Duration = Duration::from_millis(500);

/// Reads the commands of the shards that this instance owns, each partition from the offset that the last commit left.
pub(super) struct Deliveries<A: Aggregate, D> {
    engine: Arc<Engine<A>>,
    reader: CommandReader,
    decode: D,
    shards: Vec<ShardReading>,
    /// Partitions whose shard has a full queue.
    paused: BTreeSet<i32>,
    /// The next command of each partition where it cannot be decoded yet. The other partitions go on.
    held: BTreeMap<i32, HeldCommand>,
}

/// A command that cannot be decoded before the registry answers.
struct HeldCommand {
    record: CommandRecord,
    retry_at: Instant,
    pause: Duration,
}

/// The reading of one shard.
struct ShardReading {
    ownership: watch::Receiver<Ownership>,
    /// The ownership it is read for, if it is.
    epoch: Option<u64>,
    /// The partitions that are being read.
    partitions: Vec<i32>,
}

impl ShardReading {
    fn new(mut ownership: watch::Receiver<Ownership>) -> Self {
        // The present ownership counts as a change.
        ownership.mark_changed();
        Self { ownership, epoch: None, partitions: Vec::new() }
    }

    /// Stops reading for the last ownership, and starts to read for the present one. `stopped` is called with each
    /// partition that is no longer read. After an error it can be called again.
    fn follow(&mut self, reader: &CommandReader, mut stopped: impl FnMut(i32)) -> Result<(), LogError> {
        let now = self.ownership.borrow_and_update().clone();
        self.epoch = None;
        while let Some(partition) = self.partitions.last() {
            reader.stop(*partition)?;
            stopped(*partition);
            self.partitions.pop();
        }
        if let Ownership::Owned { epoch, next_commands } = now {
            for (partition, next) in next_commands {
                reader.start(partition, next)?;
                self.partitions.push(partition);
            }
            self.epoch = Some(epoch);
        }
        Ok(())
    }
}

impl<A, D> Deliveries<A, D>
where
    A: Aggregate,
    D: Fn(&CommandRecord) -> Result<CommandRequest<A::Command>, Undecoded> + Send + 'static,
{
    pub(super) fn new(engine: Arc<Engine<A>>, reader: CommandReader, decode: D) -> Self {
        let reading = |shard| ShardReading::new(engine.ownership(shard));
        let shards = (0..engine.shards().count()).map(reading).collect();
        Self { engine, reader, decode, shards, paused: BTreeSet::new(), held: BTreeMap::new() }
    }

    /// Delivers commands on a thread of its own until `end` is cancelled.
    pub(super) fn start(mut self, end: CancellationToken) {
        let guard = self.engine.panic_guard();
        let run = move || {
            let _guard = guard;
            while !end.is_cancelled() {
                if let Err(error) = self.poll() {
                    warn!(%error, "commands cannot be read from kafka; retrying");
                    thread::sleep(RETRY_PAUSE);
                }
            }
        };
        thread::Builder::new()
            .name("deliveries".to_owned())
            .spawn(run)
            .expect("the system has a thread for the deliveries");
    }

    fn poll(&mut self) -> Result<(), LogError> {
        self.follow_ownership()?;
        self.resume()?;
        self.retry_held()?;
        match self.reader.next(POLL_TIMEOUT)? {
            Some(record) => self.deliver_or_hold(record, FIRST_HOLD),
            None => Ok(()),
        }
    }

    /// Starts reading shards that are now owned here, and stops reading the others.
    fn follow_ownership(&mut self) -> Result<(), LogError> {
        let Self { reader, paused, held, .. } = self;
        for reading in &mut self.shards {
            if reading.ownership.has_changed().unwrap_or(false) {
                let followed = reading.follow(reader, |partition| {
                    paused.remove(&partition);
                    held.remove(&partition);
                });
                // If Kafka does not answer, try again in the next turn.
                followed.inspect_err(|_| reading.ownership.mark_changed())?;
            }
        }
        Ok(())
    }

    /// Delivers a command of an owned shard. If it cannot be decoded yet, its partition is not read on before it is.
    fn deliver_or_hold(&mut self, record: CommandRecord, pause: Duration) -> Result<(), LogError> {
        let Some(epoch) = self.reading(record.position.partition).and_then(|reading| reading.epoch) else {
            return Ok(());
        };
        let command = match (self.decode)(&record) {
            Ok(request) => Ok(request),
            Err(Undecoded::Rejected(rejection)) => Err(rejection),
            Err(Undecoded::NotNow(error)) => {
                warn!(position = %record.position, %error, "a command cannot be decoded yet");
                return self.hold(record, pause);
            }
        };
        self.deliver(epoch, &record, command)
    }

    fn deliver(
        &mut self,
        epoch: u64,
        record: &CommandRecord,
        command: Result<CommandRequest<A::Command>, Rejection>,
    ) -> Result<(), LogError> {
        let partition = record.position.partition;
        let delivery = Delivery {
            epoch,
            position: record.position.clone(),
            key: record.command_id.map_or_else(|| record.position.to_string(), |id| id.to_string()),
            command,
        };
        if !self.engine.deliver(delivery) {
            self.reader.pause(partition)?;
            self.paused.insert(partition);
        }
        Ok(())
    }

    fn hold(&mut self, record: CommandRecord, pause: Duration) -> Result<(), LogError> {
        let partition = record.position.partition;
        let paused = self.reader.pause(partition);
        self.or_read_again(partition, paused)?;
        self.held.insert(partition, HeldCommand { record, retry_at: Instant::now() + pause, pause });
        Ok(())
    }

    fn retry_held(&mut self) -> Result<(), LogError> {
        let now = Instant::now();
        while let Some((partition, held)) = self.held.extract_if(.., |_, held| held.retry_at <= now).next() {
            self.deliver_or_hold(held.record, (held.pause * 2).min(LONGEST_HOLD))?;
            if !self.held.contains_key(&partition) && !self.paused.contains(&partition) {
                let resumed = self.reader.resume(partition);
                self.or_read_again(partition, resumed)?;
            }
        }
        Ok(())
    }

    /// After an error, has the shard of a partition read again from where its ownership began: a command must not overtake
    /// one that is held, and a partition must not stay paused. The engine drops what it has received before.
    fn or_read_again(&mut self, partition: i32, done: Result<(), LogError>) -> Result<(), LogError> {
        if let (Err(_), Some(reading)) = (&done, self.reading(partition)) {
            reading.ownership.mark_changed();
        }
        done
    }

    /// The reading of the shard that a partition belongs to.
    fn reading(&mut self, partition: i32) -> Option<&mut ShardReading> {
        let shard = self.engine.shards().shard_of(partition);
        self.shards.get_mut(usize::try_from(shard).ok()?)
    }

    fn resume(&mut self) -> Result<(), LogError> {
        let (engine, reader) = (&self.engine, &self.reader);
        let has_room = |partition: &i32| engine.has_room(engine.shards().shard_of(*partition));
        let ready: Vec<_> = self.paused.iter().copied().filter(has_room).collect();
        for partition in ready {
            reader.resume(partition)?;
            self.paused.remove(&partition);
        }
        Ok(())
    }
}
