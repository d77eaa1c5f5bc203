use projection::{ProjectionError, RecordedEvent};
use uuid::Uuid;

/// Which order an event is of.
pub(crate) fn order_id<E>(happened: &RecordedEvent<E>) -> Result<Uuid, ProjectionError> {
    let id = happened.envelope.aggregate_id.as_str().parse();
    id.map_err(|_| happened.unfit("the id of an order is a UUID"))
}
