//! The parts of the `OpenAPI` description that every command has.

use std::{collections::BTreeMap, marker::PhantomData};

use aggregate::Aggregate;
use axum::http::StatusCode;
use service_kit::{json::id_field, problem::ProblemDocument};
use utoipa::{
    IntoParams, IntoResponses, PartialSchema, ToSchema,
    openapi::{Content, OpenApi, Ref, RefOr, Response, ResponseBuilder, Schema},
};

use crate::{AcceptedResponse, CommandResponse, EventRef, PositionBody};

/// The headers of a command that creates an aggregate.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes headers that are read elsewhere")]
pub struct CreateHeaders {
    /// Makes the request safe to repeat.
    #[param(rename = "Idempotency-Key")]
    idempotency_key: Option<String>,
    /// `*`: only if the aggregate does not exist yet.
    #[param(rename = "If-None-Match")]
    if_none_match: Option<String>,
    /// `respond-async`: answer 202 as soon as the command is safe in Kafka.
    #[param(rename = "Prefer")]
    prefer: Option<String>,
}

/// The headers of a command that changes an aggregate.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes headers that are read elsewhere")]
pub struct ChangeHeaders {
    /// Makes the request safe to repeat.
    #[param(rename = "Idempotency-Key")]
    idempotency_key: Option<String>,
    /// The version that the caller knows, such as `"1"`.
    #[param(rename = "If-Match")]
    if_match: Option<String>,
    /// `respond-async`: answer 202 as soon as the command is safe in Kafka.
    #[param(rename = "Prefer")]
    prefer: Option<String>,
}

/// The responses of a command that creates an aggregate of kind `K`.
#[derive(Debug)]
pub struct CreateResponses<K>(PhantomData<K>);

/// The responses of a command that changes an aggregate of kind `K`.
#[derive(Debug)]
pub struct ChangeResponses<K>(PhantomData<K>);

impl<K: Aggregate> IntoResponses for CreateResponses<K> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses::<K>(StatusCode::CREATED, "It is created.")
    }
}

impl<K: Aggregate> IntoResponses for ChangeResponses<K> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses::<K>(StatusCode::OK, "It is done.")
    }
}

fn responses<K: Aggregate>(done: StatusCode, description: &str) -> BTreeMap<String, RefOr<Response>> {
    let accepted = "The command is safe and will be decided later.";
    let problem = Ref::from_schema_name(ProblemDocument::name());
    let problem = |description| response(description, "application/problem+json", problem.clone());
    [
        (done.as_str(), json_response::<K, CommandResponse>(description)),
        (StatusCode::ACCEPTED.as_str(), json_response::<K, AcceptedResponse>(accepted)),
        ("4XX", problem("Nothing was written.")),
        ("5XX", problem("The problem's type says what is known.")),
    ]
    .map(|(status, response)| (status.to_owned(), response.into()))
    .into()
}

fn json_response<K: Aggregate, B: PartialSchema>(description: &str) -> Response {
    let mut body = B::schema();
    name_id(K::NAME, &mut body);
    response(description, "application/json", body)
}

fn response(description: &str, content_type: &str, body: impl Into<RefOr<Schema>>) -> Response {
    let content = Content::new(Some(body.into()));
    ResponseBuilder::new().description(description).content(content_type, content).build()
}

/// Writes the aggregate's id under its own name, such as `order_id`, into the schema of an answer.
pub(crate) fn name_id(aggregate: &str, schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            if let Some(id) = object.properties.remove("aggregate_id") {
                object.properties.insert(id_field(aggregate), id);
                let required = object.required.iter_mut().filter(|name| *name == "aggregate_id");
                required.for_each(|name| *name = id_field(aggregate));
            }
        }
        RefOr::T(Schema::OneOf(one_of)) => one_of.items.iter_mut().for_each(|item| name_id(aggregate, item)),
        _ => {}
    }
}

/// Adds the schemas that the responses refer to.
pub(crate) fn complete<A: Aggregate>(description: &mut OpenApi) {
    let schemas = &mut description.components.get_or_insert_default().schemas;
    schemas.extend([
        (ProblemDocument::name().into_owned(), ProblemDocument::schema()),
        (EventRef::name().into_owned(), EventRef::schema()),
        (PositionBody::name().into_owned(), PositionBody::schema()),
    ]);
    for schema in schemas.values_mut() {
        name_id(A::NAME, schema);
    }
}
