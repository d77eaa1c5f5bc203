//! Taking the partitions of a dead owner at once, instead of when the group has noticed (six seconds).
//!
//! A claim is safe at any time, so guessing wrong costs a moment. It must not be repeated for ever, though: who takes a
//! partition over serves it only until somebody else claims it, and an owner that announces itself after it was taken
//! for dead is alive, whatever its address says: nothing is taken from it again before it could be reached.

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

/// How long one look at the owners is apart from the next.
const BETWEEN_LOOKS: Duration = Duration::from_millis(400);
/// A refusal counts if it is repeated after this long.
const SECOND_LOOK: Duration = Duration::from_millis(50);
/// How long an owner may take to accept a connection. One that only is slow is left to the group.
const CONNECT: Duration = Duration::from_millis(250);

/// Watches whether the other owners are alive.
pub(super) struct Takeover<A: Aggregate> {
    engine: Arc<Engine<A>>,
    owners: watch::Receiver<Owners>,
    /// Where the others reach this instance.
    address: String,
    /// The epochs up to which announcements under this instance's own address are a dead predecessor's.
    predecessors: u64,
    /// Whom each partition was last taken from, and the epoch of that ownership.
    taken_from: BTreeMap<i32, (String, u64)>,
    /// Owners that were taken for dead and are not.
    unreachable: BTreeSet<String>,
}

impl<A: Aggregate> Takeover<A> {
    pub(super) fn new(engine: Arc<Engine<A>>, owners: watch::Receiver<Owners>, address: String) -> Self {
        Self {
            engine,
            owners,
            address,
            predecessors: 0,
            taken_from: BTreeMap::new(),
            unreachable: BTreeSet::new(),
        }
    }

    /// Looks at the owners now and then, and when somebody suspects one.
    pub(super) async fn watch(mut self, suspicion: Arc<Notify>) {
        // The table begins empty; what it says first was said before this process began to own anything.
        drop(self.owners.wait_for(|owners| owners.iter().next().is_some()).await);
        self.predecessors = self.owners.borrow().iter().map(|(_, owner)| owner.epoch).max().unwrap_or(0);
        loop {
            let (dead, alive) = self.tell_apart(self.addresses()).await;
            for address in dead {
                self.take_over(&address, &alive);
            }
            drop(timeout(BETWEEN_LOOKS, suspicion.notified()).await);
        }
    }

    /// The owners beside this instance.
    fn addresses(&self) -> BTreeSet<String> {
        let owners = self.owners.borrow();
        owners
            .iter()
            .map(|(_, owner)| owner.address.clone())
            .filter(|address| *address != self.address)
            .collect()
    }

    /// Who is dead, this instance's own predecessor included, and who is alive, this instance included.
    async fn tell_apart(&mut self, addresses: BTreeSet<String>) -> (Vec<String>, Vec<String>) {
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

    /// Takes this instance's share of what a dead owner had: the living divide it among themselves.
    fn take_over(&mut self, dead: &str, alive: &[String]) {
        let owners = self.owners.borrow().clone();
        for (partition, owner) in owners.iter().filter(|(_, owner)| owner.address == dead) {
            self.note_revival(partition, owner);
            let is_mine = if dead == self.address {
                owner.epoch <= self.predecessors
            } else {
                alive[usize::try_from(partition).unwrap_or(0) % alive.len()] == self.address
            };
            let is_elsewhere = *self.engine.ownership(partition).borrow() == Ownership::Elsewhere;
            if is_mine && is_elsewhere && !self.unreachable.contains(dead) {
                info!(partition, owner = dead, epoch = owner.epoch, "taking over from a dead owner");
                self.taken_from.insert(partition, (dead.to_owned(), owner.epoch));
                self.engine.take_over(partition);
            }
        }
    }

    /// An owner that has claimed a partition again after it was taken from it cannot be dead.
    fn note_revival(&mut self, partition: i32, owner: &Owner) {
        let taken_from = self.taken_from.get(&partition);
        if taken_from.is_some_and(|(address, epoch)| *address == owner.address && owner.epoch > *epoch) {
            self.unreachable.insert(owner.address.clone());
        }
    }
}

/// Whether nothing listens there any more. A time-out does not say so: the owner may be slow, or the way to it.
async fn is_dead(address: &str) -> bool {
    if !is_refused(address).await {
        return false;
    }
    sleep(SECOND_LOOK).await;
    is_refused(address).await
}

async fn is_refused(address: &str) -> bool {
    let connected = timeout(CONNECT, TcpStream::connect(address)).await;
    matches!(connected, Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused)
}
