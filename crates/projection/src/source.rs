/// What a query asks: a projection, and the topic by whose positions it is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The projection's name.
    pub projection: String,
    /// The topic that it reads.
    pub topic: String,
}
