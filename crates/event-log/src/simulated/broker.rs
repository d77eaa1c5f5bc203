//! The simulated broker as one instance sees it: the schedule decides about every request.

use std::{sync::Arc, time::Duration};

use super::{
    Schedule, SimulatedKafka, Step, StepOutcome,
    cluster::{Announced, Cluster, Writer, transactional_id},
};
use crate::{Broker, Fold, Layout, LogError, NewOutcome, NewRecord, Offsets, Producer, Recorded};

/// The timeout reported to an instance whose request gets no answer. Nothing actually waits.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The simulated broker, as one instance sees it.
#[derive(Clone)]
pub struct SimulatedBroker {
    simulated: SimulatedKafka,
    instance: usize,
    schedule: Arc<dyn Schedule>,
    /// The number of shards that the instance is configured with.
    shards: i32,
}

/// A producer of the simulated broker.
pub struct SimulatedProducer {
    broker: SimulatedBroker,
    writer: Writer,
    /// Whether the broker has received a request of the transaction. If not, there is nothing to commit.
    has_sent: bool,
}

impl SimulatedBroker {
    pub(super) fn new(simulated: SimulatedKafka, instance: usize, schedule: Arc<dyn Schedule>) -> Self {
        Self { simulated, instance, schedule, shards: 1 }
    }

    /// The broker as an instance sees it that is configured with this many shards. They differ in their transactional
    /// ids only: every layout has one shard of all partitions here.
    #[must_use]
    pub fn with_shards(self, shards: i32) -> Self {
        Self { shards, ..self }
    }

    /// A producer with this transactional id.
    pub(super) fn producer(&self, id: usize) -> SimulatedProducer {
        SimulatedProducer {
            broker: self.clone(),
            writer: Writer { id, epoch: 0, number: 0 },
            has_sent: false,
        }
    }

    /// Performs a step with the outcome that the schedule chooses. The cluster is not locked while the schedule is
    /// asked.
    pub(super) fn step<R: 'static>(
        &self,
        step: Step,
        request: impl FnOnce(&mut Cluster) -> Result<R, LogError> + Send + 'static,
    ) -> Result<R, LogError> {
        let outcome = self.schedule.before(self.instance, step);
        let answer = self.perform(outcome, step, request);
        self.schedule.after(self.instance, step);
        answer
    }

    fn perform<R: 'static>(
        &self,
        outcome: StepOutcome,
        step: Step,
        request: impl FnOnce(&mut Cluster) -> Result<R, LogError> + Send + 'static,
    ) -> Result<R, LogError> {
        let mut cluster = self.simulated.lock();
        *cluster.counts.entry(step).or_default() += 1;
        cluster.shows_later = outcome == StepOutcome::ShowLater;
        match outcome {
            StepOutcome::Succeed | StepOutcome::ShowLater => return request(&mut cluster),
            StepOutcome::LoseAnswer => drop(request(&mut cluster)),
            StepOutcome::Delay => cluster.delayed.push(Box::new(|cluster| drop(request(cluster)))),
            StepOutcome::Fail => {}
        }
        Err(LogError::TimedOut(TIMEOUT))
    }

    fn next_event(&self, partition: i32, next: i64, mark: i64) -> Result<Option<Recorded>, LogError> {
        self.step(Step::Event, move |cluster| Ok(cluster.recorded(partition, next..mark).next()))
    }
}

impl Broker for SimulatedBroker {
    type Producer = SimulatedProducer;

    fn partitions(&self) -> Vec<i32> {
        self.simulated.lock().events.keys().copied().collect()
    }

    fn shards(&self) -> i32 {
        self.shards
    }

    fn layout(&mut self) -> Result<Layout, LogError> {
        self.step(Step::Layout, Cluster::layout)
    }

    fn connect(&mut self, count: usize) -> Result<Vec<SimulatedProducer>, LogError> {
        self.step(Step::Connect, |_| Ok(()))?;
        let first = transactional_id(self.shards, 0);
        Ok((first..first + count).map(|id| self.producer(id)).collect())
    }

    fn end(&mut self, partition: i32) -> Result<i64, LogError> {
        self.step(Step::End, move |cluster| Ok(cluster.events[&partition].end()))
    }

    fn stable_end(&mut self, partition: i32) -> Result<i64, LogError> {
        self.step(Step::StableEnd, move |cluster| Ok(cluster.events[&partition].stable_end()))
    }

    fn replay(&mut self, partition: i32, next: i64, mark: i64, fold: &mut Fold<'_>) -> Result<(), LogError> {
        self.step(Step::Replay, move |cluster| {
            cluster.show_commits();
            let stable = cluster.events[&partition].stable_end();
            if stable < mark { Err(stalled("simulated.events", partition, mark)) } else { Ok(()) }
        })?;
        let mut next = next;
        // Event by event, so that other instances can run in between.
        while let Some(recorded) = self.next_event(partition, next, mark)? {
            next = recorded.position.offset + 1;
            fold(recorded)?;
        }
        Ok(())
    }

    fn next_command(&mut self, partition: i32) -> Result<i64, LogError> {
        self.step(Step::NextCommand, move |cluster| {
            cluster.show_commits();
            Ok(cluster.next_commands().get(&partition).copied().unwrap_or(0))
        })
    }

    fn owners_end(&mut self) -> Result<i64, LogError> {
        self.step(Step::OwnersEnd, |cluster| Ok(cluster.owners.end()))
    }

    fn last_announcement(&mut self, from: i64, end: i64) -> Result<Option<u64>, LogError> {
        self.step(Step::LastAnnouncement, move |cluster| {
            cluster.show_commits();
            if cluster.owners.stable_end() < end {
                return Err(stalled("simulated.owners", 0, end));
            }
            let announced = cluster.owners.visible().filter(|(offset, _)| (from..end).contains(offset));
            Ok(announced.map(|(offset, owner)| owner.epoch_floor + offset.unsigned_abs() + 1).last())
        })
    }
}

/// An open transaction blocks the replay.
pub(super) fn stalled(topic: &str, partition: i32, mark: i64) -> LogError {
    LogError::ReplayStalled { topic: topic.to_owned(), partition, mark, waited: TIMEOUT }
}

impl SimulatedProducer {
    pub(super) fn send<R: 'static>(
        &mut self,
        step: Step,
        request: impl FnOnce(&mut Cluster, Writer) -> Result<R, LogError> + Send + 'static,
    ) -> Result<R, LogError> {
        self.has_sent = true;
        let writer = self.writer;
        self.broker.step(step, move |cluster| request(cluster, writer))
    }
}

impl Producer for SimulatedProducer {
    fn init(&mut self) -> Result<(), LogError> {
        let id = self.writer.id;
        self.writer.epoch = self.broker.step(Step::Init(id), move |cluster| Ok(cluster.init(id)))?;
        Ok(())
    }

    fn begin(&mut self, _timeout: Duration) -> Result<(), LogError> {
        self.writer.number += 1;
        self.has_sent = false;
        Ok(())
    }

    fn send_events(&mut self, events: &[NewRecord]) -> Result<Vec<i64>, LogError> {
        let events = events.to_vec();
        if events.is_empty() {
            return Ok(Vec::new());
        }
        self.send(Step::SendEvents, |cluster, writer| cluster.send_events(writer, events))
    }

    fn send_outcomes(&mut self, outcomes: &[NewOutcome]) -> Result<(), LogError> {
        let outcomes = outcomes.to_vec();
        self.send(Step::SendOutcomes, |cluster, writer| cluster.send_outcomes(writer, outcomes))
    }

    fn send_offsets(&mut self, next_commands: &Offsets) -> Result<(), LogError> {
        let next_commands = next_commands.clone();
        self.send(Step::SendOffsets, move |cluster, writer| cluster.send_offsets(writer, &next_commands))
    }

    fn announce(&mut self, address: &str, epoch_floor: u64) -> Result<i64, LogError> {
        let announced = Announced { address: address.to_owned(), epoch_floor };
        self.send(Step::Announce, |cluster, writer| cluster.announce(writer, announced))
    }

    fn commit(&mut self) -> Result<(), LogError> {
        if !self.has_sent {
            return Ok(());
        }
        self.send(Step::Commit, Cluster::commit)
    }
}
