//! Safe retries: a command's id follows from its `Idempotency-Key` (IETF draft `idempotency-key-header`), so that a
//! repeated request is the same command.

use std::sync::Arc;

use aggregate::Message;
use axum::http::HeaderMap;
use service_kit::{Problem, RequestContext, problem::kinds};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::forwarding::ForwardContext;

/// The longest key, in characters.
const MAX_LENGTH: usize = 255;
/// The root of every id that is derived from a key.
const NAMESPACE: Uuid = Uuid::from_u128(0x9a6d_2f61_54c0_4f6e_9d6b_51c7_6b1f_0e0d);

/// What two requests that are the same command have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The `Idempotency-Key` of this caller. Another caller may use the same key for a request of its own.
    Key { caller: Arc<str>, key: String },
    /// There is no key: every request is a new command, which keeps its id when it is forwarded.
    Once(Uuid),
}

impl Identity {
    /// Reads the identity of a request from its headers.
    pub(crate) fn of(
        headers: &HeaderMap,
        request: &RequestContext,
        forward: &ForwardContext,
    ) -> Result<Self, Problem> {
        let Some(value) = headers.get("idempotency-key") else {
            return Ok(Self::Once(forward.identity));
        };
        // The draft writes the key as a quoted string; most clients send it bare.
        let text = value.to_str().unwrap_or_default().trim();
        let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        if (1..=MAX_LENGTH).contains(&key.len()) {
            Ok(Self::Key { caller: Arc::clone(&request.actor), key: key.to_owned() })
        } else {
            let detail = format!("Idempotency-Key has 1 to {MAX_LENGTH} visible ASCII characters.");
            Err(Problem::new(kinds::INVALID_HEADER).detail(detail))
        }
    }

    /// Whether the caller may repeat the request later.
    pub(crate) const fn is_key(&self) -> bool {
        matches!(self, Self::Key { .. })
    }

    /// The id of a new aggregate for which the caller gave none: the same for the same key.
    pub(crate) fn new_aggregate(&self) -> Uuid {
        match self {
            Self::Key { caller, key } => derived(NAMESPACE, caller, key),
            Self::Once(id) => *id,
        }
    }

    /// The id of a command for an aggregate: the same for the same key.
    pub(crate) fn command(&self, aggregate: Uuid) -> Uuid {
        match self {
            Self::Key { caller, key } => derived(aggregate, caller, key),
            // A caller may have made the id up. Like a key, it counts within its aggregate only.
            Self::Once(id) => Uuid::new_v5(&aggregate, id.as_bytes()),
        }
    }
}

/// The lengths keep caller and key apart: `ab` with `c` is not `a` with `bc`.
fn derived(namespace: Uuid, caller: &str, key: &str) -> Uuid {
    let name = format!("{}:{caller},{}:{key}", caller.len(), key.len());
    Uuid::new_v5(&namespace, name.as_bytes())
}

/// A fingerprint of a command's name and values, independent of how the JSON was written.
pub(crate) fn request_hash(command: &impl Message) -> u64 {
    let values = serde_json::to_vec(command).expect("a command that was read as JSON can be written as JSON");
    let name = command.message_type();
    let digest = Sha256::new().chain_update(name).chain_update([0]).chain_update(values).finalize();
    u64::from_be_bytes(digest[..8].try_into().expect("a SHA-256 has 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(caller: &str, key: &str) -> Identity {
        Identity::Key { caller: caller.into(), key: key.to_owned() }
    }

    #[test]
    fn a_key_means_the_same_for_the_same_caller() {
        let aggregate = Uuid::from_u128(7);
        assert_eq!(key("ada", "k").new_aggregate(), key("ada", "k").new_aggregate());
        assert_eq!(key("ada", "k").command(aggregate), key("ada", "k").command(aggregate));
    }

    #[test]
    fn callers_who_use_the_same_key_do_not_collide() {
        let aggregate = Uuid::from_u128(7);
        for (one, other) in [(key("ada", "k"), key("bob", "k")), (key("a", "bk"), key("ab", "k"))] {
            assert_ne!(one.new_aggregate(), other.new_aggregate());
            assert_ne!(one.command(aggregate), other.command(aggregate));
        }
    }
}
