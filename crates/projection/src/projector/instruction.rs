use crate::Generation;

/// What the supervisor wants a thread to do. Each instruction is also a hint that parked events may have to be
/// retried.
#[derive(Debug, Clone)]
pub(crate) struct Instruction {
    /// The generation as it was last read; a claim reads it again.
    pub(crate) generation: Generation,
    /// Incremented whenever the connection to Postgres was lost: it may have come back in an older state, in which
    /// even a partition without new events has to be claimed again.
    pub(crate) connection: u64,
}

impl Instruction {
    /// Whether a membership that was begun under `earlier` can continue.
    pub(crate) fn continues(&self, earlier: &Self) -> bool {
        self.connection == earlier.connection
            && self.generation.state == earlier.generation.state
            && !self.generation.paused
    }
}
