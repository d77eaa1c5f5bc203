use crate::Generation;

/// What a supervisor wants of the thread that follows a generation. Each one that is sent is also a hint to look
/// whether something is to be done besides.
#[derive(Debug, Clone)]
pub(crate) struct Instruction {
    /// As it was last seen; what counts is what a claim finds.
    pub(crate) generation: Generation,
    /// Grows whenever Postgres was lost: it may have come back in an older state, where even a partition without
    /// any new event has to be claimed anew.
    pub(crate) connection: u64,
}

impl Instruction {
    /// Whether a stay in the group that was begun under `earlier` can go on.
    pub(crate) fn continues(&self, earlier: &Self) -> bool {
        self.connection == earlier.connection
            && self.generation.state == earlier.generation.state
            && !self.generation.paused
    }
}
