/// A projection, and the topic whose positions measure its progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The projection's name.
    pub projection: String,
    /// The topic that the projection reads.
    pub topic: String,
}
