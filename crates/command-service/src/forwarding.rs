//! Any instance accepts any command: one that another instance owns is forwarded there, in one hop, and the answer is
//! passed back.
//!
//! It must never forward a command twice over, let a repeated hop become another command, or report that nothing was
//! written after it has sent a command to an instance that did not answer.

mod buffered_request;
mod forward_context;
mod owner_routing;
mod peers;

pub(crate) use forward_context::{ForwardContext, NotOwner};

use std::{sync::Arc, time::Duration};

use aggregate::Aggregate;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use self::{buffered_request::BufferedRequest, owner_routing::OwnerRouting, peers::Peers};
use crate::{Startup, write_side::WriteSideCell};

/// How commands reach the owner of their shard.
#[derive(Debug, Clone)]
pub struct ForwardingSettings {
    /// The `host:port` at which other instances reach this one; `FOLDLINE_ADVERTISED_ADDRESS`, the HTTP address. It must
    /// be set where the service listens on all addresses.
    pub own_address: String,
    /// How long a command waits for its shard to have an owner; `FOLDLINE_FORWARD_WAIT`, 2s.
    pub owner_timeout: Duration,
    /// How many commands may be in flight to other instances; `FOLDLINE_FORWARD_MAX_IN_FLIGHT`, 256. More are refused at
    /// once: otherwise instances could wait for each other's connections for ever.
    pub max_in_flight: usize,
    /// How long a command may take; `FOLDLINE_COMMAND_TIMEOUT`, 8s. It is shorter than the limit of the request, so that
    /// the caller is told what is known.
    pub command_timeout: Duration,
}

/// Forwards requests to other instances. Cloning is cheap.
pub(crate) struct Forwarding<A: Aggregate> {
    write_side: WriteSideCell<A>,
    settings: Arc<ForwardingSettings>,
    peers: Peers,
}

impl<A: Aggregate> Clone for Forwarding<A> {
    fn clone(&self) -> Self {
        let Self { write_side, settings, peers } = self;
        Self { write_side: Arc::clone(write_side), settings: Arc::clone(settings), peers: peers.clone() }
    }
}

impl<A: Aggregate> Forwarding<A> {
    pub(crate) fn new(startup: &Startup<A>) -> Self {
        let settings = startup.settings().forwarding.clone();
        let peers = Peers::new(settings.max_in_flight);
        Self { write_side: startup.write_side(), settings: Arc::new(settings), peers }
    }
}

/// Layer: decides a command here if this instance owns its shard, and forwards it otherwise.
pub(crate) async fn forward<A: Aggregate>(
    State(forwarding): State<Forwarding<A>>,
    request: Request,
    next: Next,
) -> Response {
    let request = BufferedRequest::of(request, forwarding.settings.command_timeout).await;
    let response = next.clone().run(request.request()).await;
    let Some(&NotOwner { shard }) = response.extensions().get() else {
        return response;
    };
    if request.context.owner_epoch.is_some() {
        return forward_context::marked(response);
    }
    match forwarding.write_side.get() {
        Some(write_side) => OwnerRouting::new(&forwarding, &request, next, write_side, shard).answer().await,
        None => response,
    }
}
