//! What every command route does with a request's headers: they say who asks, whether for the first time, and which
//! version is expected.

use std::time::{Duration, Instant};

use aggregate::AggregateId;
use axum::extract::FromRequestParts;
use command_engine::{Accepted, CommandRequest, Expected};
use orders_domain::{Command, Refusal};
use serde::Serialize;
use service_kit::{
    Problem, RequestContext,
    conditional::{Conditions, EntityTags},
    problem::kinds,
};
use uuid::Uuid;

use crate::{
    idempotency::{IdempotencyKey, request_hash},
    opening::Orders,
    problems,
};

/// What the routes share.
#[derive(Clone)]
pub(crate) struct CommandDesk {
    pub(crate) orders: Orders,
    /// How long a command may take.
    pub(crate) timeout: Duration,
}

/// Everything a command takes from its request beside path and body.
#[derive(FromRequestParts)]
#[from_request(state(CommandDesk))]
pub(crate) struct Submission {
    #[from_request(via(axum::extract::State))]
    desk: CommandDesk,
    context: RequestContext,
    key: IdempotencyKey,
    conditions: Conditions,
}

impl Submission {
    /// The id of a new order: the caller's own, or one that follows from the idempotency key, or a new one.
    pub(crate) fn new_order(&self, wished: Option<Uuid>) -> Uuid {
        wished.unwrap_or_else(|| self.key.new_aggregate())
    }

    /// Has a command decided. `name` and `body` are what a repeated request has in common with the first.
    pub(crate) async fn submit(
        self,
        order_id: Uuid,
        name: &str,
        body: &impl Serialize,
        command: Result<Command, Refusal>,
    ) -> Result<Accepted, Problem> {
        let request = CommandRequest {
            aggregate_id: AggregateId::from(order_id),
            command: command.map_err(|refusal| problems::refused(&refusal))?,
            expected: expected(self.conditions)?,
            request_hash: request_hash(name, body),
            metadata: self.context.metadata(self.key.command(order_id)),
            deadline: Instant::now() + self.desk.timeout,
        };
        let engine = self.desk.orders.get().ok_or_else(problems::not_ready)?;
        engine.submit(request).await.map_err(problems::problem)
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
