use axum::Router;
use service_kit::{docs, json::id_field, problem::page};
use utoipa::openapi::{Object, OpenApi, RefOr, Schema, Type};
use utoipa_axum::router::OpenApiRouter;

use crate::problems;

/// The whole API: the queries of a context, their `OpenAPI` description, and the pages of problems whose code contains
/// the name of an aggregate. `aggregates` are the kinds of aggregates of the context (`order`). `refusals` is the
/// Markdown that the command API also serves, with a heading `### some-code` for each refusal.
pub fn router(queries: OpenApiRouter, aggregates: &[&str], refusals: &'static str) -> Router {
    let (router, mut description) = queries.split_for_parts();
    name_aggregate_ids(&mut description, aggregates);
    aggregates
        .iter()
        .fold(router.merge(docs::router(description)), |router, kind| router.merge(problems::pages(kind)))
        .merge(page::own(refusals))
}

/// Adds the aggregate's id to the schema of [`Change`](crate::Change): it is named after the aggregate, so it cannot be
/// derived. If there are several kinds, a change has one of these ids.
fn name_aggregate_ids(description: &mut OpenApi, aggregates: &[&str]) {
    let schemas = description.components.as_mut().map(|components| &mut components.schemas);
    if let Some(RefOr::T(Schema::Object(change))) = schemas.and_then(|schemas| schemas.get_mut("Change")) {
        for name in aggregates.iter().map(|kind| id_field(kind)) {
            let string = Object::with_type(Type::String);
            change.properties.insert(name.clone(), RefOr::T(Schema::Object(string)));
            if aggregates.len() == 1 {
                change.required.push(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use utoipa::OpenApi;

    use super::name_aggregate_ids;

    #[derive(OpenApi)]
    #[openapi(components(schemas(crate::Change)))]
    struct Description;

    #[test]
    fn the_schema_of_a_change_has_the_id_of_its_aggregate() {
        let change = change(&["lamp"]);
        assert_eq!(change["properties"]["lamp_id"]["type"], "string");
        assert!(change["required"].as_array().unwrap().contains(&"lamp_id".into()));
    }

    #[test]
    fn with_several_kinds_each_id_of_a_change_is_optional() {
        let change = change(&["lamp", "switch"]);
        for id in ["lamp_id", "switch_id"] {
            assert_eq!(change["properties"][id]["type"], "string");
            assert!(!change["required"].as_array().unwrap().contains(&id.into()));
        }
    }

    fn change(aggregates: &[&str]) -> serde_json::Value {
        let mut description = Description::openapi();
        name_aggregate_ids(&mut description, aggregates);
        serde_json::to_value(&description).unwrap()["components"]["schemas"]["Change"].take()
    }
}
