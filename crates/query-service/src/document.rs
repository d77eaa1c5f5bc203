use aggregate::Version;
use serde::{Serialize, de::DeserializeOwned};

/// The body of a response to a query. Postgres builds it from rows as JSON, and it is sent as JSON.
pub trait Document: Serialize + DeserializeOwned + Send {
    /// Increases with every change of the document; it is also the entity tag.
    fn version(&self) -> Version;
}
