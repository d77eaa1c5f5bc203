//! Any instance accepts any command: one that another instance owns is forwarded there, in one hop, and the answer is
//! passed back.
//!
//! It must never forward a command twice over, let a repeated hop become another command, or report that nothing was
//! written after it has sent a command to an instance that did not answer.

mod forward_context;
mod owner_routing;
mod peers;
mod received_request;

pub(crate) use forward_context::{ForwardContext, not_here};
pub(crate) use owner_routing::OwnerRouting;
pub(crate) use received_request::ReceivedRequest;

use std::time::Duration;

use self::peers::Peers;

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

/// Forwards requests to other instances.
pub(crate) struct Forwarding {
    pub(crate) settings: ForwardingSettings,
    peers: Peers,
}

impl Forwarding {
    pub(crate) fn new(settings: ForwardingSettings) -> Self {
        Self { peers: Peers::new(settings.max_in_flight), settings }
    }
}
