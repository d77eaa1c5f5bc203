//! What every command route does with a request's headers: they say who asks, whether for the first time, which
//! version is expected, and whether the answer may wait.

use aggregate::{AggregateId, Expected};
use axum::{
    Extension,
    extract::{FromRequestParts, State},
    response::Response,
};
use command_engine::{Accepted, CommandError, CommandRequest};
use orders_domain::Command;
use service_kit::{
    Problem, RequestContext,
    conditional::{Conditions, EntityTags},
    prefer::Prefer,
    problem::{kinds, validate},
};
use uuid::Uuid;

use crate::{
    forwarding::ForwardContext,
    idempotency::{Identity, request_hash},
    opening::{Orders, WriteSide},
    problems::{self, CommandFailure},
};

/// What the routes share.
#[derive(Clone)]
pub(crate) struct CommandState {
    pub(crate) orders: Orders,
    /// How many partitions the orders are in.
    pub(crate) partitions: i32,
}

/// Everything a command takes from its request beside path and body.
#[derive(FromRequestParts)]
#[from_request(state(CommandState))]
pub(crate) struct Dispatch {
    #[from_request(via(State))]
    desk: CommandState,
    #[from_request(via(Extension))]
    pub(crate) trip: ForwardContext,
    pub(crate) context: RequestContext,
    pub(crate) identity: Identity,
    conditions: Conditions,
    prefer: Prefer,
}

/// What a request asks of an order.
pub(crate) struct CommandInput {
    pub(crate) order_id: Uuid,
    pub(crate) command: Command,
}

impl Dispatch {
    /// The id of a new order: the caller's own, or one that follows from the idempotency key, or a new one.
    pub(crate) fn new_order(&self, wished: Option<Uuid>) -> Uuid {
        wished.unwrap_or_else(|| self.identity.new_aggregate())
    }

    /// Has a command decided and answers with `done`, or takes it to be decided later if that is preferred.
    pub(crate) async fn submit(
        self,
        ask: CommandInput,
        done: fn(Uuid, Accepted) -> Response,
    ) -> Result<Response, CommandFailure> {
        if self.prefer.respond_async { self.send(ask).await } else { self.decide(ask, done).await }
    }

    async fn decide(
        self,
        ask: CommandInput,
        done: fn(Uuid, Accepted) -> Response,
    ) -> Result<Response, CommandFailure> {
        let order_id = ask.order_id;
        let request = CommandRequest {
            aggregate_id: AggregateId::from(order_id),
            request_hash: request_hash(&ask.command),
            command: validate(ask.command).map_err(Problem::from)?.into_inner(),
            expected: expected(self.conditions)?,
            metadata: self.context.metadata(self.identity.command(order_id)),
            deadline: self.trip.deadline,
        };
        let partition = event_log::partition_of(&request.aggregate_id, self.desk.partitions);
        let open = self.desk.orders.get().filter(|open| open.is_meant_by(&self.trip, partition));
        match open.ok_or(CommandFailure::NotOwner(partition))?.engine.submit(request).await {
            Ok(accepted) => Ok(done(order_id, accepted)),
            Err(CommandError::Elsewhere | CommandError::NotReady) => Err(CommandFailure::NotOwner(partition)),
            Err(error) => Err(problems::problem(error).into()),
        }
    }

    /// What is needed to send a command instead of having it decided here.
    pub(crate) fn desk(&self) -> Result<&WriteSide, Problem> {
        self.desk.orders.get().ok_or_else(problems::not_ready)
    }

    /// The version that the caller expects.
    pub(crate) fn expected(&self) -> Result<Expected, Problem> {
        expected(self.conditions.clone())
    }
}

fn expected(conditions: Conditions) -> Result<Expected, Problem> {
    match (conditions.if_match, conditions.if_none_match) {
        (None, None) => Ok(Expected::Any),
        (None, Some(EntityTags::Any)) => Ok(Expected::Absent),
        (Some(EntityTags::Any), None) => Ok(Expected::Present),
        (Some(EntityTags::Versions(versions)), None) => Ok(Expected::OneOf(versions)),
        (_, Some(_)) => Err(Problem::new(kinds::INVALID_HEADER)
            .detail("A command takes either If-Match, or If-None-Match with the value *.")),
    }
}
