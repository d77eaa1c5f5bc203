use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::{self, Thread},
};

use aggregate::{Aggregate, AggregateId};
use event_log::{Codec, PartitionLog, Topics, partition_of};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    watch,
};

use crate::{
    Accepted, CommandError, CommandRequest, Readiness,
    image::Image,
    measures,
    partition::Partition,
    ticket::{Pending, Ticket, issue},
};

/// The limits of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineSettings {
    /// How many commands may wait for one partition; more are refused at once.
    pub max_waiting: usize,
    /// How many commands are decided and committed together at the most.
    pub max_group: usize,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self { max_waiting: 1024, max_group: 256 }
    }
}

/// Takes the commands of one kind of aggregate and hands each to the thread that writes its partition.
pub struct Engine<A: Aggregate> {
    desks: Vec<Desk<A>>,
}

/// Where commands for one partition are handed in.
struct Desk<A: Aggregate> {
    queue: Mutex<Option<mpsc::Sender<Pending<A>>>>,
    readiness: watch::Receiver<Readiness>,
    thread: Thread,
}

impl<A: Aggregate> Engine<A> {
    /// Starts a thread for every partition; each claims its own before it takes commands. `logs` are the partitions of
    /// the events topic, all of them, in order.
    pub fn start<L: PartitionLog>(
        topics: &Topics,
        logs: Vec<L>,
        codec: &Arc<Codec>,
        settings: EngineSettings,
    ) -> Self {
        let desk = |(number, log)| Desk::open(number, log, topics, Arc::clone(codec), settings);
        Self { desks: (0..).zip(logs).map(desk).collect() }
    }

    /// Decides a command and answers when its outcome is certain, or when its deadline has passed.
    ///
    /// A caller that drops the future gives the command up, if its turn has not come.
    pub async fn submit(
        &self,
        request: CommandRequest<A::Command>,
    ) -> Result<Accepted, CommandError<A::Refusal>> {
        let answer = match self.desk(&request.aggregate_id).hand_in(request) {
            Ok(ticket) => ticket.wait().await,
            Err(error) => Err(error),
        };
        measures::answered(answer.as_ref().map_or_else(CommandError::label, |_| "accepted"));
        answer
    }

    /// Whether each partition takes commands, and a way to hear of changes.
    pub fn readiness(&self) -> impl Iterator<Item = watch::Receiver<Readiness>> + '_ {
        self.desks.iter().map(|desk| desk.readiness.clone())
    }

    /// Takes no more commands, answers those that wait, and returns when every partition has been let go.
    pub async fn stop(&self) {
        self.desks.iter().for_each(Desk::close);
        for desk in &self.desks {
            desk.closed().await;
        }
    }

    fn desk(&self, id: &AggregateId) -> &Desk<A> {
        let partitions = i32::try_from(self.desks.len()).expect("a topic has a handful of partitions");
        let partition = partition_of(id, partitions);
        &self.desks[usize::try_from(partition).expect("a partition's number is not negative")]
    }
}

impl<A: Aggregate> Desk<A> {
    fn open<L: PartitionLog>(
        number: i32,
        log: L,
        topics: &Topics,
        codec: Arc<Codec>,
        settings: EngineSettings,
    ) -> Self {
        let (sender, queue) = mpsc::channel(settings.max_waiting);
        let (readiness, receiver) = watch::channel(Readiness::NotReady("being claimed".to_owned()));
        let partition = Partition::<A, L> {
            number,
            topic: topics.events(),
            source: format!("/{}", topics.context()),
            log,
            codec,
            queue,
            readiness,
            max_group: settings.max_group,
            image: Image::new(),
            epoch: 0,
        };
        let thread = thread::Builder::new()
            .name(format!("partition-{number}"))
            .spawn(move || partition.run())
            .expect("the system has a thread for each partition");
        Self { queue: Mutex::new(Some(sender)), readiness: receiver, thread: thread.thread().clone() }
    }

    fn hand_in(&self, request: CommandRequest<A::Command>) -> Result<Ticket<A>, CommandError<A::Refusal>> {
        // A thread that has ended without a word does not take commands either.
        if *self.readiness.borrow() != Readiness::Ready || self.readiness.has_changed().is_err() {
            return Err(CommandError::NotReady);
        }
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.as_ref().ok_or(CommandError::NotReady)?;
        let (pending, ticket) = issue(request);
        match queue.try_send(pending) {
            Ok(()) => Ok(ticket),
            Err(TrySendError::Full(_)) => Err(CommandError::Overloaded),
            Err(TrySendError::Closed(_)) => Err(CommandError::NotReady),
        }
    }

    fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        // It may be pausing between two claims.
        self.thread.unpark();
    }

    /// Waits until the thread has dropped its end of `readiness`, the last of all it has.
    async fn closed(&self) {
        let mut readiness = self.readiness.clone();
        while readiness.changed().await.is_ok() {}
    }
}
