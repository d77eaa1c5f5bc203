use axum::{
    extract::{FromRequestParts, State},
    http::request::Parts,
    response::Response,
};
use service_kit::{Problem, Query, problem::kinds};
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Change, Changes, ChangesFilter, ChangesRequest};
use crate::openapi::{ReadResponses, StreamHeaders};

/// Which changes to stream, and where to begin. The parameter of the id is named after the aggregate: `order_id`.
#[derive(Debug, Default, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Parameters {
    /// Only changes of this aggregate.
    aggregate_id: Option<Uuid>,
    /// Only events of this type.
    #[param(rename = "type")]
    event_type: Option<String>,
    /// Where to begin without a `Last-Event-ID`: `now`, which is the default, at the `beginning`, or after the
    /// positions of a consistency token.
    #[param(example = "beginning")]
    from: Option<String>,
}

/// Streams new events as server-sent events (HTML standard).
///
/// Events of one aggregate are sent in the order of their versions; events of different aggregates are in no particular
/// order. `Last-Event-ID` resumes a stream after that event. If the service ends a stream, the last event is `end`,
/// with the reason.
#[utoipa::path(
    get,
    path = "",
    params(Parameters, StreamHeaders),
    responses(
        (status = 200, description = "A stream without an end. Each event has an `id` to resume from, its type as `event`, and this as `data`.", body = Change, content_type = "text/event-stream"),
        ReadResponses,
    )
)]
pub(super) async fn changes(
    State(changes): State<Changes>,
    parameters: Parameters,
    request: ChangesRequest,
) -> Result<Response, Problem> {
    let filter = ChangesFilter {
        aggregate_id: parameters.aggregate_id.map(|id| id.to_string()),
        first_event: None,
        event_type: parameters.event_type,
    };
    changes.stream(request.from(parameters.from), filter).await
}

impl FromRequestParts<Changes> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, changes: &Changes) -> Result<Self, Problem> {
        let Query(pairs) = Query::from_request_parts(parts, changes).await?;
        Self::read(pairs, changes.journal.read_model().aggregate_id_field())
    }
}

impl Parameters {
    /// Not derived, because the name of the id parameter is known only at run time.
    fn read(pairs: Vec<(String, String)>, id_field: &str) -> Result<Self, Problem> {
        let mut parameters = Self::default();
        for (name, value) in pairs {
            let is_repeated = if name == id_field {
                let id = Uuid::try_parse(&value).map_err(|_| invalid(&name, "expected a UUID"))?;
                parameters.aggregate_id.replace(id).is_some()
            } else if name == "type" {
                parameters.event_type.replace(value).is_some()
            } else if name == "from" {
                parameters.from.replace(value).is_some()
            } else {
                let reason = format!("unknown field, expected one of `{id_field}`, `type`, `from`");
                return Err(invalid(&name, &reason));
            };
            if is_repeated {
                return Err(invalid(&name, "given more than once"));
            }
        }
        Ok(parameters)
    }
}

/// An unknown name comes from the caller, so it is truncated.
fn invalid(name: &str, reason: &str) -> Problem {
    Problem::new(kinds::INVALID_QUERY_PARAMETER).detail(format!("{name:.128}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::{Parameters, Problem, Uuid};

    fn read(pairs: &[(&str, &str)]) -> Result<Parameters, Problem> {
        Parameters::read(
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            "lamp_id",
        )
    }

    #[test]
    fn the_id_parameter_is_named_after_the_aggregate() {
        let id = "01a1fc65-7735-701a-b609-546528c4018e";
        let parameters = read(&[("lamp_id", id), ("type", "LampSwitchedOn"), ("from", "now")]).unwrap();
        assert_eq!(parameters.aggregate_id, Some(Uuid::try_parse(id).unwrap()));
        assert_eq!(
            (parameters.event_type.as_deref(), parameters.from.as_deref()),
            (Some("LampSwitchedOn"), Some("now"))
        );
        assert_eq!(read(&[]).unwrap(), Parameters::default());
    }

    #[test]
    fn unknown_repeated_and_malformed_parameters_are_refused() {
        for pairs in [
            &[("aggregate_id", "01a1fc65-7735-701a-b609-546528c4018e")][..],
            &[("page", "2")],
            &[("lamp_id", "desk")],
            &[("lamp_id", "")],
            &[("from", "now"), ("from", "beginning")],
        ] {
            assert_eq!(read(pairs).unwrap_err().code(), "invalid-query-parameter", "{pairs:?}");
        }
    }
}
