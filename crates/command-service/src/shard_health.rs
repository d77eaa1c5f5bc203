//! The health of each shard: whether commands for it that arrive at this instance can be decided.

use std::{sync::Arc, time::Duration};

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
            ownership: engine.ownership(number),
            owners: owners.clone(),
            own_address: own_address.to_owned(),
        };
        tokio::spawn(shard.report(component));
    }
}

struct Shard {
    number: i32,
    ownership: watch::Receiver<Ownership>,
    owners: watch::Receiver<Owners>,
    own_address: String,
}

impl Shard {
    async fn report(mut self, component: Component) {
        loop {
            match self.check().await {
                Ok(()) => component.ready(),
                Err(reason) => component.not_ready(reason),
            }
            tokio::select! {
                changed = self.ownership.changed() => if changed.is_err() {
                    return component.not_ready("its thread has ended");
                },
                Ok(()) = self.owners.changed() => {}
                () = sleep(CHECK_INTERVAL) => {}
            }
        }
    }

    /// Fails with the reason unless the shard is owned here, or by another instance that can be reached.
    async fn check(&mut self) -> Result<(), String> {
        let here = self.ownership.borrow_and_update().clone();
        let owner = self.owners.borrow_and_update().get(self.number).map(|owner| owner.address.clone());
        match (here, owner) {
            (Ownership::Owned { .. }, _) => Ok(()),
            (_, Some(owner)) if owner != self.own_address && accepts_connections(&owner).await => Ok(()),
            (Ownership::Claiming(reason), _) => Err(reason),
            (Ownership::Elsewhere, Some(owner)) => Err(format!("its owner {owner} does not answer")),
            (Ownership::Elsewhere, None) => Err("nobody owns it".to_owned()),
        }
    }
}

async fn accepts_connections(address: &str) -> bool {
    matches!(timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await, Ok(Ok(_)))
}
