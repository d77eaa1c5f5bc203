//! The twin as one instance meets it: every request goes through the schedule.

use std::{sync::Arc, time::Duration};

use super::{
    Order, Schedule, SimulatedKafka, Step,
    cluster::{Cluster, Writer},
};
use crate::{Broker, Fold, LogError, NewOutcome, NewRecord, Producer, Recorded};

/// What an instance is told that waits for an answer in vain; nobody really waits.
const PATIENCE: Duration = Duration::from_secs(1);

/// The twin, as one instance sees it.
#[derive(Clone)]
pub struct SimulatedBroker {
    simulated: SimulatedKafka,
    instance: usize,
    schedule: Arc<dyn Schedule>,
}

/// One of an instance's producers in the twin.
pub struct SimulatedProducer {
    broker: SimulatedBroker,
    writer: Writer,
    /// Whether the broker may know of the transaction. If not, a commit is none of its business.
    has_sent: bool,
}

impl SimulatedBroker {
    pub(super) fn new(simulated: SimulatedKafka, instance: usize, schedule: Arc<dyn Schedule>) -> Self {
        Self { simulated, instance, schedule }
    }

    /// Takes a step as the schedule orders it. The twin is not locked while the schedule has the word.
    fn take<R: 'static>(
        &self,
        step: Step,
        request: impl FnOnce(&mut Cluster) -> Result<R, LogError> + Send + 'static,
    ) -> Result<R, LogError> {
        let order = self.schedule.before(self.instance, step);
        let answer = self.obey(order, step, request);
        self.schedule.after(self.instance, step);
        answer
    }

    fn obey<R: 'static>(
        &self,
        order: Order,
        step: Step,
        request: impl FnOnce(&mut Cluster) -> Result<R, LogError> + Send + 'static,
    ) -> Result<R, LogError> {
        let mut cluster = self.simulated.lock();
        *cluster.counts.entry(step).or_default() += 1;
        cluster.shows_later = order == Order::ShowLater;
        match order {
            Order::Go | Order::ShowLater => return request(&mut cluster),
            Order::LoseAnswer => drop(request(&mut cluster)),
            Order::Hold => cluster.held.push(Box::new(|cluster| drop(request(cluster)))),
            Order::Fail => {}
        }
        Err(LogError::TimedOut(PATIENCE))
    }

    fn next_event(&self, next: i64, mark: i64) -> Result<Option<Recorded>, LogError> {
        self.take(Step::Event, move |cluster| Ok(cluster.recorded(next..mark).next()))
    }
}

impl Broker for SimulatedBroker {
    type Producer = SimulatedProducer;

    fn connect(&mut self, count: usize) -> Result<Vec<SimulatedProducer>, LogError> {
        self.take(Step::Connect, |_| Ok(()))?;
        let writers = (0..count).map(|id| Writer { id, epoch: 0, number: 0 });
        Ok(writers
            .map(|writer| SimulatedProducer { broker: self.clone(), writer, has_sent: false })
            .collect())
    }

    fn end(&mut self) -> Result<i64, LogError> {
        self.take(Step::End, |cluster| Ok(cluster.events.end()))
    }

    fn stable_end(&mut self) -> Result<i64, LogError> {
        self.take(Step::StableEnd, |cluster| Ok(cluster.events.stable_end()))
    }

    fn replay(&mut self, next: i64, mark: i64, fold: &mut Fold<'_>) -> Result<(), LogError> {
        self.take(Step::Replay, move |cluster| {
            cluster.show_commits();
            let stable = cluster.events.stable_end();
            if stable < mark { Err(stalled("twin.events", mark)) } else { Ok(()) }
        })?;
        let mut next = next;
        // One by one, for others may go on meanwhile.
        while let Some(recorded) = self.next_event(next, mark)? {
            next = recorded.position.offset + 1;
            fold(recorded)?;
        }
        Ok(())
    }

    fn next_command(&mut self) -> Result<i64, LogError> {
        self.take(Step::NextCommand, |cluster| {
            cluster.show_commits();
            Ok(cluster.next_command().unwrap_or(0))
        })
    }

    fn owners_end(&mut self) -> Result<i64, LogError> {
        self.take(Step::OwnersEnd, |cluster| Ok(cluster.owners.end()))
    }

    fn last_announcement(&mut self, from: i64, end: i64) -> Result<Option<i64>, LogError> {
        self.take(Step::LastAnnouncement, move |cluster| {
            cluster.show_commits();
            if cluster.owners.stable_end() < end {
                return Err(stalled("twin.owners", end));
            }
            let announced = cluster.owners.visible().map(|(offset, _)| offset);
            Ok(announced.filter(|offset| (from..end).contains(offset)).last())
        })
    }
}

/// An open transaction is in the way.
fn stalled(topic: &str, mark: i64) -> LogError {
    LogError::ReplayStalled { topic: topic.to_owned(), partition: 0, mark, waited: PATIENCE }
}

impl SimulatedProducer {
    fn send<R: 'static>(
        &mut self,
        step: Step,
        request: impl FnOnce(&mut Cluster, Writer) -> Result<R, LogError> + Send + 'static,
    ) -> Result<R, LogError> {
        self.has_sent = true;
        let writer = self.writer;
        self.broker.take(step, move |cluster| request(cluster, writer))
    }
}

impl Producer for SimulatedProducer {
    fn init(&mut self) -> Result<(), LogError> {
        let id = self.writer.id;
        self.writer.epoch = self.broker.take(Step::Init(id), move |cluster| Ok(cluster.init(id)))?;
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

    fn settle(&mut self, next_command: i64) -> Result<(), LogError> {
        self.send(Step::Settle, move |cluster, writer| cluster.settle(writer, next_command))
    }

    fn announce(&mut self, address: &str) -> Result<i64, LogError> {
        let address = address.to_owned();
        self.send(Step::Announce, |cluster, writer| cluster.announce(writer, address))
    }

    fn commit(&mut self) -> Result<(), LogError> {
        if !self.has_sent {
            return Ok(());
        }
        self.send(Step::Commit, Cluster::commit)
    }
}
