//! Adapts the OpenAPI description of a shared route to a context. A shared route is described for an `aggregate` with
//! an `aggregate_id`; a context mounts it at its own path, with the name of its own aggregate.

use utoipa::openapi::{RefOr, path::Operation};
use utoipa_axum::router::UtoipaMethodRouter;

/// The parameter of the id in the description of a shared route.
const AGGREGATE_ID: &str = "aggregate_id";

/// Mounts a shared `GET` route at a path. Its parameter for the aggregate's id is named `id` (`order_id`).
pub(crate) fn mounted_at<S>(
    path: &str,
    id: &str,
    (schemas, mut paths, router): UtoipaMethodRouter<S>,
) -> UtoipaMethodRouter<S> {
    let (_, mut item) = paths.paths.pop_first().expect("a route has a path");
    name_aggregate(item.get.as_mut().expect("a shared route has the method GET"), id);
    paths.paths.insert(path.to_owned(), item);
    (schemas, paths, router)
}

/// Replaces the aggregate and its id by those of the context throughout the description.
fn name_aggregate(operation: &mut Operation, id: &str) {
    let aggregate = id.trim_end_matches("_id").replace('_', " ");
    let name = |text: &mut Option<String>| {
        *text = text.take().map(|text| text.replace("aggregate", &aggregate));
    };
    name(&mut operation.summary);
    name(&mut operation.description);
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.name == AGGREGATE_ID
        {
            id.clone_into(&mut parameter.name);
            name(&mut parameter.description);
        }
    }
}
