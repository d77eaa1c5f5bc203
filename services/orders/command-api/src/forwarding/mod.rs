//! Any instance takes any command: what another instance owns goes there, in one hop, and its answer comes back.
//!
//! What it must never do: pass a command on twice, let a repeated hop mean another command than the first, or call a
//! command undone after it was sent to somebody who did not answer.

mod hop;
mod journey;
mod original;
mod trip;

pub(crate) use trip::{ForwardContext, NotOwner};

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use self::{hop::Peers, journey::OwnerRouting, original::BufferedRequest};
use crate::opening::Orders;

/// What is needed to pass commands on.
#[derive(Debug, Clone)]
pub(crate) struct ForwardingSettings {
    /// Where other instances reach this one, as host:port; `FOLDLINE_ADVERTISED_ADDRESS`, the HTTP address. It must be
    /// set where the service listens on all addresses.
    pub(crate) own_address: String,
    /// How long a command waits for an owner to be there; `FOLDLINE_FORWARD_WAIT`, 2s.
    pub(crate) patience: Duration,
    /// How many commands may be on their way to other instances; `FOLDLINE_FORWARD_MAX_IN_FLIGHT`, 256. More are
    /// refused at once: instances that wait for each other's connections would wait for ever.
    pub(crate) max_in_flight: usize,
    /// How long a command may take; `FOLDLINE_COMMAND_TIMEOUT`, 8s. It is shorter than the request's own limit, so
    /// that the caller hears what is known.
    pub(crate) command_timeout: Duration,
}

/// The way to the other instances. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Forwarding {
    orders: Orders,
    settings: Arc<ForwardingSettings>,
    peers: Peers,
}

impl Forwarding {
    pub(crate) fn new(orders: Orders, settings: ForwardingSettings) -> Self {
        let peers = Peers::new(settings.max_in_flight);
        Self { orders, settings: Arc::new(settings), peers }
    }
}

/// Layer: has a command decided here if this is the place, and passes it on otherwise.
pub(crate) async fn forward(State(forwarding): State<Forwarding>, request: Request, next: Next) -> Response {
    let original = BufferedRequest::of(request, forwarding.settings.command_timeout).await;
    let response = next.clone().run(original.request()).await;
    let Some(&NotOwner { partition }) = response.extensions().get() else {
        return response;
    };
    if original.trip.forwarded_to.is_some() {
        return trip::marked(response);
    }
    match forwarding.orders.get() {
        Some(open) => OwnerRouting::begin(&forwarding, &original, next, open, partition).end().await,
        None => response,
    }
}
