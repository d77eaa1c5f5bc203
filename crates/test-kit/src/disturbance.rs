use std::fmt::{self, Debug, Display, Formatter};

/// A fault of a run: when it began and when it was healed, in microseconds since the run began.
#[derive(Debug, Clone)]
pub struct Disturbance<K> {
    /// What it was.
    pub kind: K,
    /// Which of those that are alike it was about, from 0.
    pub instance: usize,
    /// When it began.
    pub begin: u64,
    /// When it was healed.
    pub end: u64,
}

impl<K: Debug> Display for Disturbance<K> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { kind, instance, begin, end } = self;
        write!(f, "{} ms to {} ms: {kind:?} (instance {instance})", begin / 1000, end / 1000)
    }
}
