//! Takes over the shards of a dead owner at once, instead of after the group's session timeout of six seconds.
//!
//! A claim is safe at any time, so a wrong guess only costs time. But two instances must not take a shard from each
//! other for ever. So an instance serves what it took over only until another claims it. And an owner that announces
//! itself again after a takeover is alive, even if its address cannot be reached; nothing is taken from it again until
//! it has been reached.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
    time::Duration,
};

use aggregate::Aggregate;
use event_log::{Owner, Owners};
use tokio::{
    net::TcpStream,
    sync::{Notify, watch},
    time::{sleep, timeout},
};
use tracing::info;

use crate::{Engine, Ownership};

/// How often the owners are checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(400);
/// A refused connection counts if it is refused again after this long.
const CONFIRM_PAUSE: Duration = Duration::from_millis(50);
/// How long an owner may take to accept a connection. A slow owner is left to the group.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(250);

/// Checks whether the other owners are alive.
pub(super) struct Takeover<A: Aggregate> {
    engine: Arc<Engine<A>>,
    owners: watch::Receiver<Owners>,
    /// Where the others reach this instance.
    address: String,
    /// For each shard, announcements under this instance's own address up to this epoch are those of a dead predecessor.
    predecessor_epochs: BTreeMap<i32, u64>,
    /// The owner that each shard was last taken from, and its epoch.
    taken_from: BTreeMap<i32, (String, u64)>,
    /// Owners that seemed to be dead and are not.
    unreachable: BTreeSet<String>,
}

impl<A: Aggregate> Takeover<A> {
    pub(super) fn new(engine: Arc<Engine<A>>, owners: watch::Receiver<Owners>, address: String) -> Self {
        Self {
            engine,
            owners,
            address,
            predecessor_epochs: BTreeMap::new(),
            taken_from: BTreeMap::new(),
            unreachable: BTreeSet::new(),
        }
    }

    /// Checks the owners regularly, and whenever one is suspected.
    pub(super) async fn watch(mut self, suspicion: Arc<Notify>) {
        // The table is empty at first. Its first content was announced before this process owned anything.
        drop(self.owners.wait_for(|owners| owners.iter().next().is_some()).await);
        self.predecessor_epochs =
            self.owners.borrow().iter().map(|(shard, owner)| (shard, owner.epoch)).collect();
        loop {
            let (dead, alive) = self.probe_owners(self.other_addresses()).await;
            for address in dead {
                self.take_over(&address, &alive);
            }
            drop(timeout(CHECK_INTERVAL, suspicion.notified()).await);
        }
    }

    /// The addresses of the other owners.
    fn other_addresses(&self) -> BTreeSet<String> {
        let owners = self.owners.borrow();
        owners
            .iter()
            .map(|(_, owner)| owner.address.clone())
            .filter(|address| *address != self.address)
            .collect()
    }

    /// The dead owners, including this instance's own predecessor, and the live ones, including this instance.
    async fn probe_owners(&mut self, addresses: BTreeSet<String>) -> (Vec<String>, Vec<String>) {
        let mut dead = vec![self.address.clone()];
        let mut alive = vec![self.address.clone()];
        for address in addresses {
            if is_dead(&address).await {
                dead.push(address);
            } else {
                self.unreachable.remove(&address);
                alive.push(address);
            }
        }
        alive.sort();
        (dead, alive)
    }

    /// Takes this instance's share of a dead owner's shards; the live instances divide them among themselves.
    fn take_over(&mut self, dead: &str, alive: &[String]) {
        let owners = self.owners.borrow().clone();
        for (shard, owner) in owners.iter().filter(|(_, owner)| owner.address == dead) {
            self.record_revival(shard, owner);
            let is_mine = if dead == self.address {
                self.predecessor_epochs.get(&shard).is_some_and(|last| owner.epoch <= *last)
            } else {
                alive[usize::try_from(shard).unwrap_or(0) % alive.len()] == self.address
            };
            let is_elsewhere = *self.engine.ownership(shard).borrow() == Ownership::Elsewhere;
            if is_mine && is_elsewhere && !self.unreachable.contains(dead) {
                info!(shard, owner = dead, epoch = owner.epoch, "taking over from a dead owner");
                self.taken_from.insert(shard, (dead.to_owned(), owner.epoch));
                self.engine.take_over(shard);
            }
        }
    }

    /// An owner that claims a shard again after a takeover is not dead.
    fn record_revival(&mut self, shard: i32, owner: &Owner) {
        let taken_from = self.taken_from.get(&shard);
        if taken_from.is_some_and(|(address, epoch)| *address == owner.address && owner.epoch > *epoch) {
            self.unreachable.insert(owner.address.clone());
        }
    }
}

/// Whether nothing listens at the address any more. A timeout does not count: the owner or the network may be slow.
async fn is_dead(address: &str) -> bool {
    if !is_refused(address).await {
        return false;
    }
    sleep(CONFIRM_PAUSE).await;
    is_refused(address).await
}

async fn is_refused(address: &str) -> bool {
    let connected = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
    matches!(connected, Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused)
}
