use aggregate::Version;
use serde::{Serialize, de::DeserializeOwned};

/// What a query answers: read from JSON that Postgres makes of rows, and sent as JSON.
pub trait Document: Serialize + DeserializeOwned + Send {
    /// Grows with every change of the document; it is also the entity tag.
    fn version(&self) -> Version;
}
