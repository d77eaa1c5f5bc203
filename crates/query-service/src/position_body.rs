use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A position in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Position)]
pub struct PositionBody {
    /// The topic's name.
    #[schema(example = "orders.events")]
    pub topic: String,
    /// The partition's number, from 0.
    #[schema(example = 2)]
    pub partition: i32,
    /// The record's offset in the partition.
    #[schema(example = 1042)]
    pub offset: i64,
}
