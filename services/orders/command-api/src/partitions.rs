//! The health of each partition: whether its commands are followed if they are sent here.

use std::{sync::Arc, time::Duration};

use command_engine::{Engine, Ownership};
use event_log::Owners;
use orders_domain::Order;
use service_kit::health::Component;
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{sleep, timeout},
};

/// How often another owner is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long another owner may take to take a connection.
const CONNECT: Duration = Duration::from_millis(500);

/// Keeps each part of the health report as its partition is.
pub(crate) fn watch(
    parts: Vec<Component>,
    engine: &Arc<Engine<Order>>,
    owners: &watch::Receiver<Owners>,
    own_address: &str,
) {
    for (number, part) in (0..).zip(parts) {
        let partition = Partition {
            number,
            ownership: engine.ownership(number),
            owners: owners.clone(),
            own_address: own_address.to_owned(),
        };
        tokio::spawn(partition.tell(part));
    }
}

struct Partition {
    number: i32,
    ownership: watch::Receiver<Ownership>,
    owners: watch::Receiver<Owners>,
    own_address: String,
}

impl Partition {
    async fn tell(mut self, part: Component) {
        loop {
            match self.state().await {
                Ok(()) => part.ready(),
                Err(reason) => part.not_ready(reason),
            }
            tokio::select! {
                changed = self.ownership.changed() => if changed.is_err() {
                    return part.not_ready("its thread has ended");
                },
                Ok(()) = self.owners.changed() => {}
                () = sleep(LOOK_INTERVAL) => {}
            }
        }
    }

    /// It is owned here, or by another who can be reached; otherwise the reason.
    async fn state(&mut self) -> Result<(), String> {
        let here = self.ownership.borrow_and_update().clone();
        let owner = self.owners.borrow_and_update().get(self.number).map(|owner| owner.address.clone());
        match (here, owner) {
            (Ownership::Owned { .. }, _) => Ok(()),
            (_, Some(owner)) if owner != self.own_address && takes_connections(&owner).await => Ok(()),
            (Ownership::Claiming(reason), _) => Err(reason),
            (Ownership::Elsewhere, Some(owner)) => Err(format!("its owner {owner} does not answer")),
            (Ownership::Elsewhere, None) => Err("nobody owns it".to_owned()),
        }
    }
}

async fn takes_connections(address: &str) -> bool {
    matches!(timeout(CONNECT, TcpStream::connect(address)).await, Ok(Ok(_)))
}
