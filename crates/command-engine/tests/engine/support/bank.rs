//! An engine over a log with gates, through which tests submit commands deterministically.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use aggregate::{AggregateId, Expected, Metadata};
use command_engine::{Engine, EngineSettings, NoSnapshots, Ownership};
use event_log::{MemoryLog, Offsets, Shards, Topics};
use tokio::{sync::watch::Receiver, time::timeout};
use uuid::Uuid;

use super::{Account, Answer, CODEC, Command, CommandRequest, Gate, LIMIT, gate::GatedLog};

/// An engine for the accounts of one shard, which has one partition unless its log has more.
pub(crate) struct Bank {
    pub(crate) engine: Engine<Account>,
    pub(crate) log: MemoryLog,
    pub(crate) commits: Gate,
    pub(crate) claims: Gate,
}

/// A submitted command whose caller waits.
pub(crate) struct Queued<'a>(Pin<Box<dyn Future<Output = Answer> + 'a>>);

impl Bank {
    /// A bank with an empty log that owns the shard.
    pub(crate) async fn open() -> Self {
        Self::over(&MemoryLog::default()).await
    }

    /// A new instance over a log that others have written to, or still write to.
    pub(crate) async fn over(log: &MemoryLog) -> Self {
        let bank = Self::start(log, Gate::default(), &settings());
        bank.ready().await;
        bank
    }

    /// An instance that may not own the shard yet.
    pub(crate) fn start(log: &MemoryLog, claims: Gate, settings: &EngineSettings) -> Self {
        let bank = Self::idle(log, claims, settings);
        bank.engine.own(0);
        bank
    }

    /// An instance that owns nothing.
    pub(crate) fn idle(log: &MemoryLog, claims: Gate, settings: &EngineSettings) -> Self {
        Self::with(log, claims, None, settings)
    }

    /// A bank with an empty log that owns the shard. It sends a group while the commit of the one before it is held, and
    /// `sent` counts the groups sent.
    pub(crate) async fn overlapping(sent: &Gate) -> Self {
        let bank = Self::with(&MemoryLog::default(), Gate::default(), Some(sent), &settings());
        bank.engine.own(0);
        bank.ready().await;
        bank
    }

    fn with(log: &MemoryLog, claims: Gate, sent: Option<&Gate>, settings: &EngineSettings) -> Self {
        let commits = Gate::default();
        let gated_log = |_| GatedLog {
            log: log.clone(),
            commits: commits.clone(),
            claims: claims.clone(),
            sent: sent.cloned(),
        };
        let partitions = log.next_commands().len();
        let shards = Shards::new(i32::try_from(partitions).unwrap(), 1).unwrap();
        Self {
            engine: Engine::start(&topics(), shards, gated_log, |_| NoSnapshots, &CODEC, settings),
            log: log.clone(),
            commits,
            claims,
        }
    }

    pub(crate) async fn ready(&self) {
        self.wait_for(is_owned).await;
    }

    pub(crate) async fn wait_for(&self, state: fn(&Ownership) -> bool) -> Ownership {
        wait_for_ownership(self.engine.ownership(0), state).await
    }

    /// Claims the shard again, whichever instance owns it now.
    pub(crate) async fn reclaim(&self) {
        self.engine.lose(0);
        self.engine.own(0);
        self.ready().await;
    }

    /// The epoch of the ownership, and the offsets from which it reads commands.
    #[track_caller]
    pub(crate) fn owned(&self) -> (u64, Offsets) {
        match *self.engine.ownership(0).borrow() {
            Ownership::Owned { epoch, ref next_commands } => (epoch, next_commands.clone()),
            ref other => panic!("not owned, but {other:?}"),
        }
    }

    pub(crate) async fn submit(&self, request: &CommandRequest) -> Answer {
        within_limit(self.engine.submit(request.clone())).await
    }

    /// Submits a command. It is in the queue, or answered, when this returns.
    pub(crate) fn queue(&self, request: &CommandRequest) -> Queued<'_> {
        let mut queued = Queued(Box::pin(self.engine.submit(request.clone())));
        assert!(queued.is_waiting(), "answered at once");
        queued
    }

    /// Deposits to the account `held` and holds the commit: commands queued from now on are decided as one group.
    pub(crate) fn hold_commit(&self) -> Queued<'_> {
        self.commits.close();
        let held = self.queue(&request("held", Command::Deposit(vec![1])));
        self.commits.wait_until_held();
        held
    }

    /// Submits commands that are decided as one group, and injects a fault into its append.
    pub(crate) async fn together(&self, requests: &[CommandRequest], fault: fn(&MemoryLog)) -> Vec<Answer> {
        let held = self.hold_commit();
        let queued: Vec<_> = requests.iter().map(|request| self.queue(request)).collect();
        fault(&self.log);
        self.commits.open();
        held.answer().await.unwrap();
        answers_to(queued).await
    }

    pub(crate) async fn stop(&self) {
        timeout(LIMIT, self.engine.stop()).await.expect("the engine did not stop");
    }

    /// A new instance over the same log, after this one has stopped.
    pub(crate) async fn restarted(self) -> Self {
        self.stop().await;
        Self::over(&self.log).await
    }
}

impl Queued<'_> {
    /// Whether there is no answer yet. Must not be called after there is one.
    pub(crate) fn is_waiting(&mut self) -> bool {
        let poll = self.0.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        matches!(poll, Poll::Pending)
    }

    pub(crate) async fn answer(self) -> Answer {
        within_limit(self.0).await
    }
}

async fn within_limit(answer: impl Future<Output = Answer>) -> Answer {
    timeout(LIMIT, answer).await.expect("no answer in time")
}

/// Waits until a shard is in a state, and returns it.
pub(crate) async fn wait_for_ownership(
    mut shard: Receiver<Ownership>,
    state: fn(&Ownership) -> bool,
) -> Ownership {
    let reached = timeout(LIMIT, shard.wait_for(state)).await;
    reached.expect("the state was not reached").unwrap().clone()
}

pub(crate) fn is_owned(ownership: &Ownership) -> bool {
    matches!(ownership, Ownership::Owned { .. })
}

/// Limits that no test reaches by accident.
pub(crate) fn settings() -> EngineSettings {
    EngineSettings {
        max_waiting_each: 1024,
        max_wait: Duration::from_hours(1),
        announcement_timeout: Duration::from_millis(200),
        reclaim_pause: Duration::from_hours(1),
        ..EngineSettings::default()
    }
}

pub(crate) fn topics() -> Topics {
    Topics::new("", "bank")
}

/// A command with a deadline in a day.
pub(crate) fn request(account: &str, command: Command) -> CommandRequest {
    CommandRequest {
        aggregate_id: AggregateId::try_from(account).unwrap(),
        command,
        expected: Expected::Any,
        request_hash: 1,
        metadata: Metadata {
            command_id: Uuid::new_v4(),
            correlation_id: "a conversation".into(),
            causation_id: "a request".into(),
            actor: "a customer".into(),
            traceparent: "".into(),
        },
        has_key: true,
        deadline: Instant::now() + Duration::from_hours(24),
    }
}

/// The answers to commands, in the order in which they were queued.
pub(crate) async fn answers_to(queued: Vec<Queued<'_>>) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(queued.len());
    for command in queued {
        answers.push(command.answer().await);
    }
    answers
}
