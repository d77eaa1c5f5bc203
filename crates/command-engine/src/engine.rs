use std::{sync::Arc, thread, time::Duration};

use aggregate::{Aggregate, AggregateId};
use event_log::{Codec, ShardLog, Shards, Topics, partition_of};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    Accepted, AggregateCache, CacheSettings, CommandError, CommandRequest, Delivery, Ownership, ShardCache,
    SnapshotStore, clock::SystemClock, commits::Commits, mailbox::Mailbox, metrics, panic_guard::PanicGuard,
    shard::Shard, writer::Writer,
};

/// The limits of an engine.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The maximum number of commands that wait for one shard; more are refused at once. As many again may wait of
    /// those that come through Kafka.
    pub max_waiting: usize,
    /// The maximum number of waiting commands for one aggregate.
    pub max_waiting_each: usize,
    /// The longest expected wait, judged by the recent duration of groups. If it would be longer, commands are refused
    /// at once.
    pub max_wait: Duration,
    /// The maximum number of commands that are decided and committed together.
    pub max_group: usize,
    /// How long a fenced owner waits for the announcement of the owner that fenced it.
    pub announcement_timeout: Duration,
    /// How long a replaced owner waits before it claims a shard again that is still assigned to it.
    pub reclaim_pause: Duration,
    /// How often an owner commits the next command of every partition again (a day). Kafka deletes a committed offset some
    /// days after it was last committed (`offsets.retention.minutes`), which must be longer than this.
    pub recommit_interval: Duration,
    /// The limits of each partition's cache.
    pub cache: CacheSettings,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            max_waiting: 4096,
            max_waiting_each: 256,
            max_wait: Duration::from_millis(500),
            max_group: 512,
            announcement_timeout: Duration::from_secs(2),
            reclaim_pause: Duration::from_secs(3),
            recommit_interval: Duration::from_hours(24),
            cache: CacheSettings::default(),
        }
    }
}

/// Routes the commands of one kind of aggregate to the threads that write their shards.
pub struct Engine<A: Aggregate> {
    shards: Shards,
    mailboxes: Vec<Arc<Mailbox<A>>>,
    commits: Vec<Arc<Commits<A>>>,
    ended: Vec<watch::Receiver<()>>,
    panicked: CancellationToken,
}

impl<A: Aggregate> Engine<A> {
    /// Starts the threads of every shard; none is owned before [`own`](Self::own). `log` is the log of a shard, `snapshots`
    /// the store of a partition.
    pub fn start<L: ShardLog, S: SnapshotStore<A>>(
        topics: &Topics,
        shards: Shards,
        log: impl Fn(i32) -> L,
        snapshots: impl Fn(i32) -> S,
        codec: &Arc<Codec>,
        settings: &EngineSettings,
    ) -> Self {
        let panicked = CancellationToken::new();
        let mut engine =
            Self { shards, mailboxes: Vec::new(), commits: Vec::new(), ended: Vec::new(), panicked };
        let cache = |partition| AggregateCache::new(Box::new(snapshots(partition)), settings.cache);
        for number in 0..shards.count() {
            let mailbox = Arc::new(Mailbox::new(number, settings.clone(), Arc::new(SystemClock::default())));
            let caches = shards.partitions_of(number).map(|partition| (partition, cache(partition)));
            let cache = ShardCache::new(shards, caches);
            let commits = Arc::new(Commits::new(Arc::clone(&mailbox), Arc::new(SystemClock::default())));
            let writer =
                Writer::new(number, topics, log(number), Arc::clone(codec), cache, Arc::clone(&commits));
            let shard = Shard::new(number, writer, Arc::clone(&mailbox));
            engine.mailboxes.push(mailbox);
            engine.commits.push(Arc::clone(&commits));
            engine.ended.push(shard.ended());
            engine.spawn(format!("shard-{number}"), move || shard.run());
            engine.spawn(format!("commit-{number}"), move || commits.run());
        }
        engine
    }

    /// Claims a shard, after a warm-up while its present owner still serves, and serves it until told otherwise or
    /// replaced. If it is replaced, it claims the shard again after [`reclaim_pause`](EngineSettings::reclaim_pause). A
    /// new call after [`hand_over`](Self::hand_over) or [`lose`](Self::lose) makes it claim at once.
    pub fn own(&self, shard: i32) {
        self.mailbox(shard).own();
    }

    /// Takes a shard over from an owner that seems to be dead, and serves it until another instance claims it, unless
    /// [`own`](Self::own) is called meanwhile. Does nothing if this instance already owns or claims it.
    pub fn take_over(&self, shard: i32) {
        self.mailbox(shard).take_over();
    }

    /// Hands a shard over to its next owner: stops deciding commands from Kafka, and continues to serve callers until
    /// replaced.
    pub fn hand_over(&self, shard: i32) {
        self.mailbox(shard).hand_over();
    }

    /// Gives a shard up now. Waiting commands get [`CommandError::Elsewhere`]; those being committed get their actual
    /// outcome.
    pub fn lose(&self, shard: i32) {
        self.mailbox(shard).lose();
    }

    /// Decides a command. Returns when its outcome is certain, or when its deadline has passed.
    ///
    /// Dropping the future withdraws the command if it has not been taken from the queue yet.
    pub async fn submit(
        &self,
        request: CommandRequest<A::Command>,
    ) -> Result<Accepted, CommandError<A::Refusal>> {
        let mailbox = self.mailbox(self.shard_of(&request.aggregate_id));
        let answer = match mailbox.enqueue(request) {
            Ok(pending_reply) => pending_reply.wait().await,
            Err(error) => Err(error),
        };
        metrics::answered(answer.as_ref().map_or_else(CommandError::label, |_| "accepted"));
        answer
    }

    /// Enqueues a command that came through Kafka. It is decided exactly once, and its outcome goes to the outcomes
    /// topic. Deliveries of a partition must be in the order of their offsets, starting with the next command of the
    /// ownership. A delivery for another ownership is dropped, because the next owner reads it again.
    ///
    /// The command is always enqueued. If this returns false, the queue of its shard is full: pause until
    /// [`has_room`](Self::has_room).
    pub fn deliver(&self, delivery: Delivery<A>) -> bool {
        self.mailbox(self.shards.shard_of(delivery.position.partition)).deliver(delivery)
    }

    /// Whether the shard's queue for commands from Kafka has room.
    pub fn has_room(&self, shard: i32) -> bool {
        self.mailbox(shard).has_room()
    }

    /// The ownership of a shard, and a way to watch it.
    pub fn ownership(&self, shard: i32) -> watch::Receiver<Ownership> {
        self.mailbox(shard).ownership()
    }

    /// How long the oldest group of a shard that is not committed has taken so far; zero if there is none.
    pub fn group_elapsed(&self, shard: i32) -> Duration {
        self.mailbox(shard).group_elapsed().max(self.commits[index(shard)].elapsed())
    }

    /// The partitions and their shards.
    pub fn shards(&self) -> Shards {
        self.shards
    }

    /// The partition of an aggregate.
    pub fn partition_of(&self, id: &AggregateId) -> i32 {
        partition_of(id, self.shards.partitions())
    }

    /// The shard of an aggregate.
    pub fn shard_of(&self, id: &AggregateId) -> i32 {
        self.shards.shard_of(self.partition_of(id))
    }

    /// Accepts no more commands, answers those that wait, and returns when every shard is released.
    pub async fn stop(&self) {
        self.mailboxes.iter().for_each(|mailbox| mailbox.close());
        for ended in &self.ended {
            // Nothing is ever sent: it changes when the thread drops the sender, after everything else.
            drop(ended.clone().changed().await);
        }
    }

    /// Returns when a thread of the write side has panicked, such as that of a shard whose history its aggregate cannot
    /// evolve. Its shard is released, but the engine can no longer serve it: the process must end.
    pub async fn panicked(&self) {
        self.panicked.cancelled().await;
    }

    /// To be owned by each thread of the write side.
    pub fn panic_guard(&self) -> PanicGuard {
        PanicGuard(self.panicked.clone())
    }

    fn spawn(&self, name: String, run: impl FnOnce() + Send + 'static) {
        let guard = self.panic_guard();
        let guarded = move || {
            let _guard = guard;
            run();
        };
        thread::Builder::new().name(name).spawn(guarded).expect("the system has two threads for each shard");
    }

    fn mailbox(&self, shard: i32) -> &Arc<Mailbox<A>> {
        &self.mailboxes[index(shard)]
    }
}

fn index(shard: i32) -> usize {
    usize::try_from(shard).expect("a shard's number is not negative")
}

impl<A: Aggregate> Drop for Engine<A> {
    fn drop(&mut self) {
        self.mailboxes.iter().for_each(|mailbox| mailbox.close());
    }
}
