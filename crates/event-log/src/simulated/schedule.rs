/// A step of an instance on its way through the protocol: a request to the broker, or an event that comes from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Producers are made; nobody else notices.
    Connect,
    /// The transactional id with this number is taken over.
    Init(usize),
    /// The end of the partition is asked for.
    End,
    /// The end of what is committed is asked for.
    StableEnd,
    /// A stretch of the partition begins to be read.
    Replay,
    /// The next event of a replay is fetched, or there is none any more.
    Event,
    /// It is asked where the deciders go on in the commands.
    NextCommand,
    /// The end of the owners is asked for.
    OwnersEnd,
    /// The last announcement is looked for.
    LastAnnouncement,
    /// Events are written.
    SendEvents,
    /// Outcomes are written.
    SendOutcomes,
    /// The place in the commands becomes part of the transaction.
    Settle,
    /// The owner announces itself.
    Announce,
    /// The transaction is committed.
    Commit,
}

/// What becomes of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// It happens and is answered.
    #[default]
    Go,
    /// It never happens, and no answer comes.
    Fail,
    /// It happens, but its answer is lost.
    LoseAnswer,
    /// It is held back: no answer comes, and it happens when [`SimulatedKafka::deliver`](super::Twin::deliver) says so.
    Hold,
    /// As [`Go`](Self::Go), but what a commit makes visible is seen only when somebody waits for it, or
    /// [`SimulatedKafka::show_commits`](super::Twin::show_commits) is called: Kafka answers a commit before readers see it.
    ShowLater,
}

/// Orders what happens in a twin. Its methods may let other instances take their steps: the twin is not locked
/// meanwhile.
pub trait Schedule: Send + Sync {
    /// Called before every step of an instance; says what becomes of it.
    fn before(&self, _instance: usize, _step: Step) -> Order {
        Order::Go
    }

    /// Called after every step of an instance, before the instance knows of its end.
    fn after(&self, _instance: usize, _step: Step) {}
}

/// Everything happens as it is called.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsCalled;

impl Schedule for AsCalled {}
