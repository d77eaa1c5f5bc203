use std::{sync::Arc, thread, time::Duration};

use aggregate::{Aggregate, AggregateId};
use event_log::{Codec, PartitionLog, Topics, partition_of};
use tokio::sync::watch;

use crate::{
    Accepted, AggregateCache, CacheSettings, CommandError, CommandRequest, Delivery, Ownership,
    SnapshotStore, mailbox::Mailbox, metrics, partition::Partition, writer::Writer,
};

/// The limits of an engine.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// How many commands may wait for one partition; more are refused at once. As many again may wait of those that
    /// come through Kafka.
    pub max_waiting: usize,
    /// How many of them may be for the same aggregate.
    pub max_waiting_each: usize,
    /// How long a command may have to wait, as groups go at the moment; if it is longer, more are refused at once.
    pub max_wait: Duration,
    /// How many commands are decided and committed together at the most.
    pub max_group: usize,
    /// How long an owner that was shut out waits for the announcement of the one who did it.
    pub announcement: Duration,
    /// How long an owner that was replaced rests before it claims again what is still wanted of it.
    pub rest: Duration,
    /// What is kept in memory of each partition.
    pub cache: CacheSettings,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            max_waiting: 1024,
            max_waiting_each: 256,
            max_wait: Duration::from_millis(500),
            max_group: 256,
            announcement: Duration::from_secs(2),
            rest: Duration::from_secs(3),
            cache: CacheSettings::default(),
        }
    }
}

/// Takes the commands of one kind of aggregate and hands each to the thread that writes its partition.
pub struct Engine<A: Aggregate> {
    desks: Vec<Arc<Mailbox<A>>>,
    ended: Vec<watch::Receiver<()>>,
}

impl<A: Aggregate> Engine<A> {
    /// Starts a thread for every partition; none is owned before [`own`](Self::own). `partitions` are those of the
    /// events topic, all of them, in order, each with the snapshots of its aggregates.
    pub fn start<L: PartitionLog, S: SnapshotStore<A>>(
        topics: &Topics,
        partitions: Vec<(L, S)>,
        codec: &Arc<Codec>,
        settings: &EngineSettings,
    ) -> Self {
        let mut engine = Self { desks: Vec::new(), ended: Vec::new() };
        for (number, (log, snapshots)) in (0..).zip(partitions) {
            let mailbox = Arc::new(Mailbox::new(number, settings.clone()));
            let (ended, receiver) = watch::channel(());
            engine.desks.push(Arc::clone(&mailbox));
            engine.ended.push(receiver);
            let cache = AggregateCache::new(Box::new(snapshots), settings.cache);
            let writer = Writer::new(number, topics, log, Arc::clone(codec), cache);
            let partition = Partition { number, writer, mailbox, settings: settings.clone(), _ended: ended };
            thread::Builder::new()
                .name(format!("partition-{number}"))
                .spawn(move || partition.run())
                .expect("the system has a thread for each partition");
        }
        engine
    }

    /// Takes a partition: warms up beside its present owner, claims it, and serves it until told otherwise or replaced.
    /// Who was replaced claims again after a rest, as long as nothing else is said; said anew after
    /// [`hand_over`](Self::hand_over) or [`lose`](Self::lose), it claims at once.
    pub fn own(&self, partition: i32) {
        self.mailbox(partition).own();
    }

    /// Takes a partition over from an owner that seems to be dead, and serves it until another claims it, unless
    /// [`own`](Self::own) says that it is to stay. Without effect where the partition is wanted already.
    pub fn take_over(&self, partition: i32) {
        self.mailbox(partition).take_over();
    }

    /// Gives a partition to its next owner: takes no more commands through Kafka, and serves callers until replaced.
    pub fn hand_over(&self, partition: i32) {
        self.mailbox(partition).hand_over();
    }

    /// Gives a partition up now: what waits is told [`CommandError::Elsewhere`], what is being committed is told what is
    /// true.
    pub fn lose(&self, partition: i32) {
        self.mailbox(partition).lose();
    }

    /// Decides a command and answers when its outcome is certain, or when its deadline has passed.
    ///
    /// A caller that drops the future gives the command up, if its turn has not come.
    pub async fn submit(
        &self,
        request: CommandRequest<A::Command>,
    ) -> Result<Accepted, CommandError<A::Refusal>> {
        let mailbox = self.mailbox(self.partition_of(&request.aggregate_id));
        let answer = match mailbox.hand_in(request) {
            Ok(pending_reply) => pending_reply.wait().await,
            Err(error) => Err(error),
        };
        metrics::answered(answer.as_ref().map_or_else(CommandError::label, |_| "accepted"));
        answer
    }

    /// Hands in a command that came through Kafka, to be decided exactly once; its outcome goes into the outcomes topic.
    /// Deliveries come in the order of their offsets, from the `next_command` of the ownership on. One that is not for
    /// the present ownership is dropped: the next one begins where it must.
    ///
    /// It is always taken; false means that enough are waiting now: pause until [`has_room`](Self::has_room).
    pub fn deliver(&self, partition: i32, delivery: Delivery<A>) -> bool {
        self.mailbox(partition).deliver(delivery)
    }

    /// Whether a partition takes more commands through Kafka.
    pub fn has_room(&self, partition: i32) -> bool {
        self.mailbox(partition).has_room()
    }

    /// Who has a partition, and a way to hear of changes.
    pub fn ownership(&self, partition: i32) -> watch::Receiver<Ownership> {
        self.mailbox(partition).ownership()
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> i32 {
        i32::try_from(self.desks.len()).expect("a topic has a handful of partitions")
    }

    /// The partition of an aggregate.
    pub fn partition_of(&self, id: &AggregateId) -> i32 {
        partition_of(id, self.partitions())
    }

    /// Takes no more commands, answers those that wait, and returns when every partition has been let go.
    pub async fn stop(&self) {
        self.desks.iter().for_each(|mailbox| mailbox.close());
        for ended in &self.ended {
            // It is never sent on: it changes when its thread has dropped it, the last of all it has.
            drop(ended.clone().changed().await);
        }
    }

    fn mailbox(&self, partition: i32) -> &Arc<Mailbox<A>> {
        let index = usize::try_from(partition).expect("a partition's number is not negative");
        &self.desks[index]
    }
}

impl<A: Aggregate> Drop for Engine<A> {
    fn drop(&mut self) {
        self.desks.iter().for_each(|mailbox| mailbox.close());
    }
}
