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
const LOOK: Duration = Duration::from_millis(50);
/// The pause before joining again after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// Follows the group on a thread of its own until this instance leaves, then sends the number of other members.
pub(super) fn start<A: Aggregate>(
    engine: Arc<Engine<A>>,
    member: Membership,
    settings: &CoordinationSettings,
    leaving: CancellationToken,
    end: CancellationToken,
) -> watch::Receiver<Option<usize>> {
    let (tell, others) = watch::channel(None);
    let settings = settings.clone();
    thread::Builder::new()
        .name("membership".to_owned())
        .spawn(move || {
            let member = follow(&engine, member, &settings, &|| leaving.is_cancelled() || end.is_cancelled());
            let others = member.others().unwrap_or(1);
            info!(others, "leaving the group");
            member.leave();
            if others > 0 {
                (0..engine.partitions()).for_each(|partition| engine.hand_over(partition));
            }
            tell.send_replace(Some(others));
        })
        .expect("the system has a thread for the membership");
    others
}

/// Applies the group's changes to the engine until it is time to leave. After an error it joins the group again.
fn follow<A: Aggregate>(
    engine: &Engine<A>,
    mut member: Membership,
    settings: &CoordinationSettings,
    is_over: &dyn Fn() -> bool,
) -> Membership {
    while !is_over() {
        match member.next(LOOK) {
            Ok(change) => change.into_iter().for_each(|change| pass_on(engine, change)),
            Err(error) => {
                warn!(%error, "the group has thrown this instance out; it joins again");
                (0..engine.partitions()).for_each(|partition| engine.lose(partition));
                thread::sleep(PAUSE);
                let id = settings.instance_id.as_deref();
                match Membership::join(&settings.client, &settings.topics, id) {
                    Ok(joined) => member = joined,
                    Err(error) => warn!(%error, "the group cannot be joined"),
                }
            }
        }
    }
    member
}

fn pass_on<A: Aggregate>(engine: &Engine<A>, change: GroupChange) {
    match change {
        GroupChange::Assigned(partitions) => {
            info!(?partitions, "partitions assigned");
            for partition in partitions {
                engine.own(partition);
            }
        }
        GroupChange::Revoked(partitions) => {
            info!(?partitions, "partitions given to others");
            for partition in partitions {
                engine.hand_over(partition);
            }
        }
        GroupChange::Lost(partitions) => {
            warn!(?partitions, "partitions lost: the group has not heard of this instance in time");
            for partition in partitions {
                engine.lose(partition);
            }
        }
    }
}
