use projection::PartitionOffsets;
use uuid::Uuid;

use crate::document::ChangeDocument;

/// An event of the journal as clients get it, and what they choose by.
#[derive(Debug)]
pub(crate) struct Change {
    pub(super) partition: i32,
    pub(super) offset: i64,
    order_id: Uuid,
    customer_id: Option<String>,
    pub(super) event_type: String,
    /// The document as JSON: written once for all clients.
    pub(super) json: String,
}

/// What happened in all partitions between two places, none of it left out but other orders than one that was asked for.
#[derive(Debug, Default)]
pub(crate) struct ChangePage {
    pub(crate) from: PartitionOffsets,
    pub(crate) to: PartitionOffsets,
    /// Those of a partition in the order of the log.
    pub(crate) changes: Vec<Change>,
    /// Whether there was more to be read.
    pub(crate) has_more: bool,
}

/// Which changes a client wants to have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) order_id: Option<Uuid>,
    pub(crate) customer_id: Option<String>,
    pub(crate) event_type: Option<String>,
}

impl Change {
    pub(crate) fn new(document: ChangeDocument, customer_id: Option<String>) -> Self {
        Self {
            partition: document.position.partition,
            offset: document.position.offset,
            order_id: document.order_id,
            customer_id,
            json: serde_json::to_string(&document).expect("a document is plain JSON"),
            event_type: document.event_type,
        }
    }
}

impl Filter {
    pub(super) fn wants(&self, change: &Change) -> bool {
        self.order_id.is_none_or(|order_id| order_id == change.order_id)
            && self.event_type.as_ref().is_none_or(|event_type| *event_type == change.event_type)
            && (self.customer_id.is_none() || self.customer_id == change.customer_id)
    }
}
