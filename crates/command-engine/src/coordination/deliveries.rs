//! Reads commands that come through Kafka and passes them to the threads that decide them.

#![expect(clippy::disallowed_methods, reason = "it has a thread of its own")]

use std::{collections::BTreeSet, sync::Arc, thread, time::Duration};

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

/// Reads the commands of the shards that this instance owns, each partition from the offset that the last commit left.
pub(super) struct Deliveries<A: Aggregate, D> {
    engine: Arc<Engine<A>>,
    reader: CommandReader,
    decode: D,
    shards: Vec<ShardReading>,
    /// Partitions whose shard has a full queue.
    paused: BTreeSet<i32>,
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

    /// Stops reading for the last ownership, and starts to read for the present one. After an error it can be called
    /// again.
    fn follow(&mut self, reader: &CommandReader, paused: &mut BTreeSet<i32>) -> Result<(), LogError> {
        let now = self.ownership.borrow_and_update().clone();
        self.epoch = None;
        while let Some(partition) = self.partitions.last() {
            reader.stop(*partition)?;
            paused.remove(partition);
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
        Self { engine, reader, decode, shards, paused: BTreeSet::new() }
    }

    /// Delivers commands on a thread of its own until `end` is cancelled.
    pub(super) fn start(mut self, end: CancellationToken) {
        let guard = self.engine.panic_guard();
        let run = move || {
            let _guard = guard;
            while !end.is_cancelled() {
                if let Err(error) = self.poll(&end) {
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

    fn poll(&mut self, end: &CancellationToken) -> Result<(), LogError> {
        self.follow_ownership()?;
        self.resume()?;
        match self.reader.next(POLL_TIMEOUT)? {
            Some(record) => self.deliver(&record, end),
            None => Ok(()),
        }
    }

    /// Starts reading shards that are now owned here, and stops reading the others.
    fn follow_ownership(&mut self) -> Result<(), LogError> {
        for reading in &mut self.shards {
            if reading.ownership.has_changed().unwrap_or(false) {
                let followed = reading.follow(&self.reader, &mut self.paused);
                // If Kafka does not answer, try again in the next turn.
                followed.inspect_err(|_| reading.ownership.mark_changed())?;
            }
        }
        Ok(())
    }

    fn deliver(&mut self, record: &CommandRecord, end: &CancellationToken) -> Result<(), LogError> {
        let partition = record.position.partition;
        let shard = usize::try_from(self.engine.shards().shard_of(partition)).ok();
        let Some(epoch) = shard.and_then(|shard| self.shards.get(shard)?.epoch) else {
            return Ok(());
        };
        let Some(command) = self.decode(record, end) else { return Ok(()) };
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

    /// Decodes a record, with as many attempts as it takes. Returns `None` when `end` is cancelled.
    fn decode(
        &self,
        record: &CommandRecord,
        end: &CancellationToken,
    ) -> Option<Result<CommandRequest<A::Command>, Rejection>> {
        while !end.is_cancelled() {
            match (self.decode)(record) {
                Ok(request) => return Some(Ok(request)),
                Err(Undecoded::Rejected(rejection)) => return Some(Err(rejection)),
                Err(Undecoded::NotNow(error)) => {
                    warn!(position = %record.position, %error, "command cannot be decoded; retrying");
                    thread::sleep(RETRY_PAUSE);
                }
            }
        }
        None
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
