/// Names the checkpoints of a projection in its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The projection's name.
    pub projection: String,
    /// The topic that it reads.
    pub topic: String,
}
