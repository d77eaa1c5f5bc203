//! Mistakes that have been made in such protocols before. The model must find each of them; none is in the protocol.

/// What is wrong with a planted variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The end of the log is asked for before every producer has taken its id over.
    ReadsBeforeInits,
    /// The second id is taken over only when it is first used.
    LeavesAnIdUnfenced,
    /// Commands are answered when their events are sent.
    AnswersBeforeCommit,
    /// A fenced commit counts as one that did not happen.
    TrustsFenced,
    /// What another owner wrote is taken over without its command ids.
    ForgetsKeys,
    /// Answers that write nothing are given without asking who owns the partition.
    NeverConfirms,
    /// The place in the commands is committed after the events, for itself.
    SettlesApart,
    /// Events are taken into the cache before they are committed.
    FoldsBeforeCommit,
}
