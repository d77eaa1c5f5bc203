use crate::Generation;

/// An instruction of the supervisor to a thread. It may also mean that an operator asked to retry parked events.
#[derive(Debug, Clone)]
pub(crate) struct Instruction {
    /// The generation when it was last read; a claim reads it again.
    pub(crate) generation: Generation,
    /// Incremented whenever the connection to Postgres was lost. Postgres may have been restored to an older state, in
    /// which even a partition without new events has to be claimed again.
    pub(crate) connection: u64,
}

impl Instruction {
    /// Whether a membership that was begun with the instruction `earlier` can continue.
    pub(crate) fn continues(&self, earlier: &Self) -> bool {
        self.connection == earlier.connection
            && self.generation.state == earlier.generation.state
            && !self.generation.paused
    }
}
