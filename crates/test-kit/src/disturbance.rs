use std::fmt::{self, Debug, Display, Formatter};

/// A fault that was injected during a run. Times are in microseconds since the run began.
#[derive(Debug, Clone)]
pub struct Disturbance<K> {
    /// What kind of fault it was.
    pub kind: K,
    /// Which instance it affected, counted from 0.
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
