/// A step of an instance in the protocol: a request to the broker, or the arrival of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Producers are created.
    Connect,
    /// The transactional id with this number is initialised.
    Init(usize),
    /// The end of a partition is queried.
    End,
    /// The last stable offset of a partition is queried.
    StableEnd,
    /// The replay of a partition begins.
    Replay,
    /// A replay fetches the next event, or finds that there is none.
    Event,
    /// The committed offset of a partition of the commands topic is queried.
    NextCommand,
    /// The recorded layout is queried.
    Layout,
    /// A layout is recorded.
    RecordLayout,
    /// The highest epoch of all owners is queried.
    HighestEpoch,
    /// The owners topic is replaced.
    DivideOwners,
    /// The end of the owners topic is queried.
    OwnersEnd,
    /// The last announcement is queried.
    LastAnnouncement,
    /// Events are written.
    SendEvents,
    /// Outcomes are written.
    SendOutcomes,
    /// Offsets of the commands topic are added to the transaction.
    SendOffsets,
    /// The owner announces itself.
    Announce,
    /// The transaction is committed.
    Commit,
}

/// The outcome of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StepOutcome {
    /// The request is processed and answered.
    #[default]
    Succeed,
    /// The request is lost.
    Fail,
    /// The request is processed, but its answer is lost.
    LoseAnswer,
    /// There is no answer, and the request is processed only when
    /// [`SimulatedKafka::deliver`](super::SimulatedKafka::deliver) is called.
    Delay,
    /// As [`Succeed`](Self::Succeed), but readers see a commit only when one of them waits for it, or when
    /// [`SimulatedKafka::show_commits`](super::SimulatedKafka::show_commits) is called: Kafka acknowledges a commit
    /// before readers see it.
    ShowLater,
}

/// Decides what happens in the simulated broker. Its methods may let other instances run: the cluster is not locked
/// meanwhile.
pub trait Schedule: Send + Sync {
    /// Called before every step of an instance. Returns the outcome of the step.
    fn before(&self, _instance: usize, _step: Step) -> StepOutcome {
        StepOutcome::Succeed
    }

    /// Called after every step of an instance, before the instance receives the answer.
    fn after(&self, _instance: usize, _step: Step) {}
}

/// Every step succeeds at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsCalled;

impl Schedule for AsCalled {}
