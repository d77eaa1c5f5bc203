/// A projection, and the topic whose positions it is measured by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The projection's name.
    pub projection: String,
    /// The topic it reads.
    pub topic: String,
}
