//! Bugs that protocols like this one have had. The model test must find each of them.

/// A bug planted in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlantedBug {
    /// The end of the log is read before every producer is initialised.
    ReadsBeforeInits,
    /// After the producers are initialised, one partition of the shard is not read to its end.
    ForgetsAPartition,
    /// The second transactional id is initialised only when it is first used.
    LeavesAnIdUnfenced,
    /// A claim does not look at the layout.
    IgnoresTheLayout,
    /// A change of the layout leaves one id of the old layout unfenced.
    LeavesALayoutUnfenced,
    /// A change of the layout records the new layout before the old one is fenced.
    RecordsTheLayoutEarly,
    /// Commands are answered once their events are sent.
    AnswersBeforeCommit,
    /// A fenced commit is assumed not to have happened.
    TrustsFenced,
    /// Events that another owner wrote are folded without their command ids.
    ForgetsKeys,
    /// Commands that write nothing are answered without confirming the ownership of the shard.
    NeverConfirms,
    /// The offset of the commands topic is committed after the events, in a transaction of its own.
    CommitsOffsetsApart,
    /// Events are folded into the cache before they are committed.
    FoldsBeforeCommit,
    /// A group is committed while the commit of the group before it is still under way.
    CommitsOutOfTurn,
    /// A group is committed although the commit of the group before it has failed.
    KeepsAfterFailure,
    /// Commands that aggregates have evicted are dropped before they are saved.
    DropsEvictedCommands,
}

impl PlantedBug {
    /// Whether it can be found only while the layout of the shards is changed.
    pub(crate) const fn needs_a_layout_change(self) -> bool {
        matches!(self, Self::IgnoresTheLayout | Self::LeavesALayoutUnfenced | Self::RecordsTheLayoutEarly)
    }
}
