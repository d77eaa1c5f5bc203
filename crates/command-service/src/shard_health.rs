//! The health of each shard: whether commands for it that arrive at this instance can be decided.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use aggregate::Aggregate;
use command_engine::{Engine, Ownership};
use event_log::Owners;
use service_kit::health::Component;
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{sleep, timeout},
};

/// How often the owner on another instance is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How long a commit may take before the shard is degraded. A commit takes milliseconds.
const SLOW_COMMIT: Duration = Duration::from_secs(1);
/// How long another owner may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// Keeps the health component of each shard up to date, in tasks of its own.
pub(crate) fn watch<A: Aggregate>(
    components: Vec<Component>,
    engine: &Arc<Engine<A>>,
    owners: &watch::Receiver<Owners>,
    own_address: &str,
) {
    for (number, component) in (0..).zip(components) {
        let shard = Shard {
            number,
            engine: Arc::downgrade(engine),
            ownership: engine.ownership(number),
            owners: owners.clone(),
            own_address: own_address.to_owned(),
        };
        tokio::spawn(shard.report(component));
    }
}

struct Shard<A: Aggregate> {
    number: i32,
    engine: Weak<Engine<A>>,
    ownership: watch::Receiver<Ownership>,
    owners: watch::Receiver<Owners>,
    own_address: String,
}

impl<A: Aggregate> Shard<A> {
    async fn report(mut self, component: Component) {
        loop {
            match self.check().await {
                Ok(()) => match self.slow_commit() {
                    None => component.ready(),
                    Some(reason) => component.degraded(reason),
                },
                Err(reason) => component.not_ready(reason),
            }
            tokio::select! {
                changed = self.ownership.changed() => if changed.is_err() {
                    return component.not_ready("its thread has ended");
                },
                changed = self.owners.changed() => if changed.is_err() {
                    return component.not_ready("the owners of shards are no longer followed");
                },
                () = sleep(CHECK_INTERVAL) => {}
            }
        }
    }

    /// The shard is still owned, but Kafka takes long.
    fn slow_commit(&self) -> Option<String> {
        let elapsed = self.engine.upgrade()?.group_elapsed(self.number);
        (elapsed > SLOW_COMMIT).then(|| format!("a commit has taken {elapsed:.1?} so far"))
    }

    /// Fails with the reason unless the shard is owned here, or by another instance that can be reached and that this
    /// instance is not about to replace: a rolling deployment must not end that one before this one can take over.
    async fn check(&mut self) -> Result<(), String> {
        let here = self.ownership.borrow_and_update().clone();
        let owner = self.owners.borrow_and_update().get(self.number).map(|owner| owner.address.clone());
        match (here, owner) {
            (Ownership::Owned { .. }, _) => Ok(()),
            (Ownership::Claiming(reason), _) => Err(reason),
            (_, Some(owner)) if owner != self.own_address && accepts_connections(&owner).await => Ok(()),
            (Ownership::Elsewhere, Some(owner)) => Err(format!("its owner {owner} does not answer")),
            (Ownership::Elsewhere, None) => Err("nobody owns it".to_owned()),
        }
    }
}

async fn accepts_connections(address: &str) -> bool {
    matches!(timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await, Ok(Ok(_)))
}
