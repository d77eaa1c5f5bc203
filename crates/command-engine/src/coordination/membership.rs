//! The member of the consumer group whose assignment says what this instance should own.

#![expect(clippy::disallowed_methods, reason = "it has a thread of its own")]

use std::{sync::Arc, thread, time::Duration};

use aggregate::Aggregate;
use event_log::{GroupChange, Membership};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::CoordinationSettings;
use crate::Engine;

/// How long one poll for a change lasts, and so how soon a request to leave takes effect.
const POLL_TIMEOUT: Duration = Duration::from_millis(50);
/// The pause before joining again after an error.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Follows the group on a thread of its own until this instance leaves, then sends the number of other members.
pub(super) fn start<A: Aggregate>(
    engine: Arc<Engine<A>>,
    member: Membership,
    settings: &CoordinationSettings,
    leaving: CancellationToken,
    end: CancellationToken,
) -> watch::Receiver<Option<usize>> {
    let (sender, others) = watch::channel(None);
    let (settings, guard) = (settings.clone(), engine.panic_guard());
    thread::Builder::new()
        .name("membership".to_owned())
        .spawn(move || {
            let _guard = guard;
            let member = follow(&engine, member, &settings, &|| leaving.is_cancelled() || end.is_cancelled());
            let others = member.others().unwrap_or(1);
            info!(others, "leaving the consumer group");
            member.leave();
            if others > 0 {
                (0..engine.shards().count()).for_each(|shard| engine.hand_over(shard));
            }
            sender.send_replace(Some(others));
        })
        .expect("the system has a thread for the membership");
    others
}

/// Applies the group's changes to the engine until it is time to leave. After an error it joins the group again.
fn follow<A: Aggregate>(
    engine: &Engine<A>,
    mut member: Membership,
    settings: &CoordinationSettings,
    must_leave: &dyn Fn() -> bool,
) -> Membership {
    while !must_leave() {
        match member.next(POLL_TIMEOUT) {
            Ok(change) => change.into_iter().for_each(|change| apply(engine, change)),
            Err(error) => {
                warn!(%error, "excluded from the consumer group; joining again");
                (0..engine.shards().count()).for_each(|shard| engine.lose(shard));
                thread::sleep(RETRY_PAUSE);
                let id = settings.instance_id.as_deref();
                match Membership::join(&settings.client, &settings.topics, id) {
                    Ok(joined) => member = joined,
                    Err(error) => warn!(%error, "the consumer group cannot be joined"),
                }
            }
        }
    }
    member
}

fn apply<A: Aggregate>(engine: &Engine<A>, change: GroupChange) {
    match change {
        GroupChange::Assigned(shards) => {
            info!(?shards, "shards assigned");
            for shard in shards {
                engine.own(shard);
            }
        }
        GroupChange::Revoked(shards) => {
            info!(?shards, "shards revoked");
            for shard in shards {
                engine.hand_over(shard);
            }
        }
        GroupChange::Lost(shards) => {
            warn!(?shards, "shards lost: the session has expired");
            for shard in shards {
                engine.lose(shard);
            }
        }
    }
}
