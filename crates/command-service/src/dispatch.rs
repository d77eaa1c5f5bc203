//! From a request to the answer of a command: what every command route does.

use std::marker::PhantomData;

use aggregate::{Aggregate, AggregateId, Expected};
use axum::{
    RequestPartsExt,
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use command_engine::{Accepted, CommandRequest};
use service_kit::{
    Problem, RequestContext,
    conditional::{Conditions, EntityTags},
    prefer::Prefer,
    problem::{kinds, validate},
};
use uuid::Uuid;

use crate::{
    CommandAggregate, CommandResponse, CommandState,
    forwarding::{OwnerRouting, ReceivedRequest, not_here},
    idempotency::{Identity, request_hash},
    problems,
};

/// The answer of a command route.
pub type CommandResult = Result<Response, Problem>;

/// Extracts from a request everything that a command needs besides its path and its body: who sends it, whether it
/// repeats another (`Idempotency-Key`), which version it expects (`If-Match`), and whether the answer may come later
/// (`Prefer: respond-async`).
///
/// `K` is the kind of aggregate that the command is for. It differs from `A` only in a context with several kinds, where
/// `A` is the sum of them all.
pub struct Dispatch<A: Aggregate, K = A> {
    pub(crate) state: CommandState<A>,
    pub(crate) received: ReceivedRequest,
    pub(crate) request: RequestContext,
    pub(crate) identity: Identity,
    conditions: Conditions,
    prefer: Prefer,
    kind: PhantomData<fn() -> K>,
}

/// Where a command was decided.
pub(crate) enum Decided {
    /// By this instance.
    Here(Result<Accepted, Problem>),
    /// By the owner of its shard, whose response this is.
    Elsewhere(Response),
}

impl<A: CommandAggregate, K: Aggregate> Dispatch<A, K>
where
    A::Command: From<K::Command>,
{
    /// Executes a command that creates an aggregate: 201, with its `Location` below the path of the request.
    ///
    /// Without an `id`, one is derived from the idempotency key, or made up where there is no key.
    pub async fn create(self, id: Option<Uuid>, command: K::Command) -> CommandResult {
        let id = id.unwrap_or_else(|| self.identity.new_aggregate());
        let location = format!("{}/{id}", self.received.uri.path().trim_end_matches('/'));
        let response = self.change(id, command).await?;
        if response.status() != StatusCode::OK {
            return Ok(response);
        }
        let location = HeaderValue::try_from(location).expect("a path and a UUID fit in a header");
        Ok((StatusCode::CREATED, [(header::LOCATION, location)], response).into_response())
    }

    /// Executes a command on the aggregate with this id: 200, or 202 where the caller prefers not to wait.
    pub async fn change(self, id: Uuid, command: K::Command) -> CommandResult {
        let command = validate(A::Command::from(command))?.into_inner();
        if self.prefer.respond_async {
            return Ok(self.send(id, command).await?.into_response());
        }
        match self.decide(id, command).await? {
            Decided::Here(accepted) => Ok(CommandResponse::new::<K>(id, accepted?).into_response()),
            Decided::Elsewhere(response) => Ok(response),
        }
    }

    /// Decides a command here if this instance owns its shard, and otherwise has the owner decide it.
    async fn decide(&self, id: Uuid, command: A::Command) -> Result<Decided, Problem> {
        let command = self.command(id, command)?;
        if let Some(result) = self.state.decide_here(&self.received.context, &command).await {
            return Ok(Decided::Here(result));
        }
        if self.received.context.owner_epoch.is_some() {
            return Err(not_here());
        }
        let write_side = self.state.write_side.get().ok_or_else(problems::not_ready)?;
        let routing = OwnerRouting::new(&self.state, write_side, &self.received, &command);
        // Boxed, because it is large and seldom needed.
        Ok(Box::pin(routing.decide()).await)
    }

    fn command(&self, id: Uuid, command: A::Command) -> Result<CommandRequest<A::Command>, Problem> {
        Ok(CommandRequest {
            aggregate_id: AggregateId::from(id),
            request_hash: request_hash(&command),
            command,
            expected: self.expected()?,
            metadata: self.request.metadata(self.identity.command(id)),
            has_key: self.identity.is_key(),
            deadline: self.received.context.deadline,
        })
    }

    /// The version that the caller expects.
    pub(crate) fn expected(&self) -> Result<Expected, Problem> {
        match (&self.conditions.if_match, &self.conditions.if_none_match) {
            (None, None) => Ok(Expected::Any),
            (None, Some(EntityTags::Any)) => Ok(Expected::Absent),
            (Some(EntityTags::Any), None) => Ok(Expected::Present),
            (Some(EntityTags::Versions(versions)), None) => Ok(Expected::OneOf(versions.clone())),
            (_, Some(_)) => Err(Problem::new(kinds::INVALID_HEADER)
                .detail("A command takes either If-Match, or If-None-Match with the value *.")),
        }
    }
}

impl<A: Aggregate, K> FromRequestParts<CommandState<A>> for Dispatch<A, K> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &CommandState<A>) -> Result<Self, Problem> {
        let timeout = state.forwarding.settings.command_timeout;
        let received = ReceivedRequest::of(parts, timeout).await?;
        let request = parts.extract::<RequestContext>().await?;
        Ok(Self {
            state: state.clone(),
            identity: Identity::of(&parts.headers, &request, &received.context)?,
            request,
            conditions: Conditions::of(&parts.headers)?,
            prefer: Prefer::of(&parts.headers),
            received,
            kind: PhantomData,
        })
    }
}
