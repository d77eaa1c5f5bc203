//! From a request to the answer of a command: what every command route does.

use std::marker::PhantomData;

use aggregate::{Aggregate, AggregateId, Expected};
use axum::{
    Extension, RequestPartsExt,
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use command_engine::{Accepted, CommandError, CommandRequest};
use event_log::{Shards, partition_of};
use service_kit::{
    Problem, RequestContext,
    conditional::{Conditions, EntityTags},
    prefer::Prefer,
    problem::{kinds, validate},
};
use uuid::Uuid;

use crate::{
    CommandAggregate, CommandFailure, CommandResponse,
    context::Context,
    forwarding::ForwardContext,
    idempotency::{Identity, request_hash},
    problems,
    write_side::WriteSideCell,
};

/// The answer of a command route.
pub type CommandResult = Result<Response, CommandFailure>;

/// What the command routes of a service share; the state of its router.
pub struct CommandState<A: Aggregate> {
    pub(crate) write_side: WriteSideCell<A>,
    pub(crate) context: Context,
    /// The partitions of the context and their shards.
    pub(crate) shards: Shards,
}

impl<A: Aggregate> Clone for CommandState<A> {
    fn clone(&self) -> Self {
        Self { write_side: self.write_side.clone(), ..*self }
    }
}

/// Extracts from a request everything that a command needs besides its path and its body: who sends it, whether it
/// repeats another (`Idempotency-Key`), which version it expects (`If-Match`), and whether the answer may come later
/// (`Prefer: respond-async`).
///
/// `K` is the kind of aggregate that the command is for. It differs from `A` only in a context with several kinds, where
/// `A` is the sum of them all.
pub struct Dispatch<A: Aggregate, K = A> {
    pub(crate) state: CommandState<A>,
    pub(crate) forward: ForwardContext,
    pub(crate) request: RequestContext,
    pub(crate) identity: Identity,
    conditions: Conditions,
    prefer: Prefer,
    uri: Uri,
    kind: PhantomData<fn() -> K>,
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
        let location = format!("{}/{id}", self.uri.path().trim_end_matches('/'));
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
        let accepted = self.decide(id, command).await?;
        Ok(CommandResponse::new::<K>(id, accepted).into_response())
    }

    async fn decide(self, id: Uuid, command: A::Command) -> Result<Accepted, CommandFailure> {
        let request = CommandRequest {
            aggregate_id: AggregateId::from(id),
            request_hash: request_hash(&command),
            command,
            expected: self.expected()?,
            metadata: self.request.metadata(self.identity.command(id)),
            has_key: self.identity.is_key(),
            deadline: self.forward.deadline,
        };
        let shards = self.state.shards;
        let shard = shards.shard_of(partition_of(&request.aggregate_id, shards.partitions()));
        let write_side = self.state.write_side.get();
        let owner = write_side.filter(|write_side| write_side.is_meant_by(&self.forward, shard));
        match owner.ok_or(CommandFailure::NotOwner(shard))?.engine.submit(request).await {
            Ok(accepted) => Ok(accepted),
            Err(CommandError::Elsewhere | CommandError::NotReady) => Err(CommandFailure::NotOwner(shard)),
            Err(error) => Err(problems::problem(error, self.state.context.refusal_statuses).into()),
        }
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
        let forward = parts.extract::<Extension<ForwardContext>>().await;
        let Extension(forward) = forward.map_err(|error| Problem::internal(&error))?;
        let request = parts.extract::<RequestContext>().await?;
        Ok(Self {
            state: state.clone(),
            forward,
            identity: Identity::of(&parts.headers, &request, &forward)?,
            request,
            conditions: Conditions::of(&parts.headers)?,
            prefer: Prefer::of(&parts.headers),
            uri: parts.uri.clone(),
            kind: PhantomData,
        })
    }
}
