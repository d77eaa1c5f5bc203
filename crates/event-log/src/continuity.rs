use crate::{Position, Recorded};

/// Watches a partition's history as it is read: sequence numbers without a gap, epochs that never go down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Continuity {
    /// The sequence number of the last event seen, 0 before the first.
    pub sequence: u64,
    /// The highest owner epoch seen, 0 before the first.
    pub epoch: u64,
}

/// A history that cannot be: somebody wrote past the fence, or records were lost or repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Discontinuity {
    /// A record is missing or repeated.
    #[error("history broken at {position}: sequence {found} where {expected} must follow")]
    Sequence {
        /// Where the wrong record stands.
        position: Position,
        /// The number that had to follow.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// A record of an owner that had been replaced already.
    #[error("history broken at {position}: epoch {found} after epoch {newest}")]
    Epoch {
        /// Where the wrong record stands.
        position: Position,
        /// The newest epoch before it.
        newest: u64,
        /// The epoch that came.
        found: u64,
    },
    /// An aggregate's version does not follow the one before it.
    #[error("history broken at {position}: version {found} of {aggregate} where {expected} must follow")]
    Version {
        /// Where the wrong record stands.
        position: Position,
        /// Which aggregate.
        aggregate: String,
        /// The version that had to follow.
        expected: u64,
        /// The version that came.
        found: u64,
    },
}

impl Continuity {
    /// Takes in the next event of the partition, or says how it breaks the history.
    pub fn follow(&mut self, next: &Recorded) -> Result<(), Discontinuity> {
        let (sequence, epoch) = (next.envelope.partition_sequence, next.envelope.owner_epoch);
        if sequence != self.sequence + 1 {
            return Err(Discontinuity::Sequence {
                position: next.position.clone(),
                expected: self.sequence + 1,
                found: sequence,
            });
        }
        if epoch < self.epoch {
            return Err(Discontinuity::Epoch {
                position: next.position.clone(),
                newest: self.epoch,
                found: epoch,
            });
        }
        *self = Self { sequence, epoch };
        Ok(())
    }
}
