//! Mistakes that have been made in protocols like this one. The model must find each of them; the protocol has none.

/// What is wrong with a planted variant of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlantedBug {
    /// The end of the log is read before every producer is initialised.
    ReadsBeforeInits,
    /// After the producers are initialised, one partition of the shard is not read to its end.
    ForgetsAPartition,
    /// The second transactional id is initialised only when it is first used.
    LeavesAnIdUnfenced,
    /// Commands are answered once their events are sent.
    AnswersBeforeCommit,
    /// A fenced commit is taken for one that did not happen.
    TrustsFenced,
    /// Events that another owner wrote are folded without their command ids.
    ForgetsKeys,
    /// Answers that write nothing are given without checking who owns the shard.
    NeverConfirms,
    /// The offset of the commands topic is committed after the events, in a transaction of its own.
    CommitsOffsetsApart,
    /// Events are folded into the cache before they are committed.
    FoldsBeforeCommit,
    /// A group is committed while the commit of the group before it is still under way.
    CommitsOutOfTurn,
    /// A group is committed although the commit of the group before it has failed.
    KeepsAfterFailure,
}
