use axum::Router;
use service_kit::{docs, json::id_field, problem::page};
use utoipa::openapi::{Object, OpenApi, RefOr, Schema, Type};
use utoipa_axum::router::OpenApiRouter;

use crate::problems;

/// The whole API: the queries of a context with one kind of aggregate (`order`), their `OpenAPI` description, and the pages
/// of the problems that carry the name of the aggregate. `refusals` is the Markdown that the command API answers from,
/// with a heading `### some-code` for each refusal.
pub fn router(queries: OpenApiRouter, aggregate: &str, refusals: &'static str) -> Router {
    let (router, mut description) = queries.split_for_parts();
    name_aggregate_id(&mut description, aggregate);
    router.merge(docs::router(description)).merge(problems::pages(aggregate)).merge(page::own(refusals))
}

/// In a [`Change`](crate::Change), the aggregate's id is called after the aggregate, which its schema cannot know.
fn name_aggregate_id(description: &mut OpenApi, aggregate: &str) {
    let schemas = description.components.as_mut().map(|components| &mut components.schemas);
    if let Some(RefOr::T(Schema::Object(change))) = schemas.and_then(|schemas| schemas.get_mut("Change")) {
        let (name, text) = (id_field(aggregate), Object::with_type(Type::String));
        change.properties.insert(name.clone(), RefOr::T(Schema::Object(text)));
        change.required.push(name);
    }
}

#[cfg(test)]
mod tests {
    use utoipa::OpenApi;

    use super::name_aggregate_id;

    #[derive(OpenApi)]
    #[openapi(components(schemas(crate::Change)))]
    struct Description;

    #[test]
    fn the_description_of_a_change_has_the_id_of_its_aggregate() {
        let mut description = Description::openapi();
        name_aggregate_id(&mut description, "lamp");
        let change = &serde_json::to_value(&description).unwrap()["components"]["schemas"]["Change"];
        assert_eq!(change["properties"]["lamp_id"]["type"], "string");
        assert!(change["required"].as_array().unwrap().contains(&"lamp_id".into()));
    }
}
