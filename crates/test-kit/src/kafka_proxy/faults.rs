//! The faults that a proxy injects, and how often it has done so.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::sleep};

/// A request of Kafka's protocol that a fault can be injected into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Api {
    /// Writes records.
    Produce = 0,
    /// Registers a producer for a transactional id, and fences the one before it.
    InitProducerId = 22,
    /// Adds a partition to a transaction.
    AddPartitionsToTxn = 24,
    /// Adds a consumer group's offsets to a transaction.
    AddOffsetsToTxn = 25,
    /// Commits or aborts a transaction.
    EndTxn = 26,
    /// Commits offsets as part of a transaction.
    TxnOffsetCommit = 28,
}

/// A fault of a request or its response. A held message also holds everything after it on the same connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The broker processes the request, and its response arrives late.
    HoldResponse(Duration),
    /// The broker processes the request, and the connection ends before the response.
    DropResponse,
    /// The broker receives the request late, even if the client has gone in the meantime.
    HoldRequest(Duration),
    /// The broker never receives the request, and the connection ends.
    DropRequest,
}

/// The faults to inject, and the state of the network.
#[derive(Default)]
pub(super) struct Faults {
    planned: Mutex<BTreeMap<i16, (Fault, usize)>>,
    network: watch::Sender<Network>,
    injected: AtomicUsize,
}

/// The state of the network, which affects every message.
#[derive(Debug, Clone, Copy, Default)]
struct Network {
    cut: bool,
    delay: Duration,
}

impl Faults {
    pub(super) fn inject(&self, api: Api, fault: Fault, times: usize) {
        self.planned().insert(api as i16, (fault, times));
    }

    pub(super) fn cut(&self, cut: bool) {
        self.network.send_modify(|network| network.cut = cut);
    }

    pub(super) fn slow(&self, delay: Duration) {
        self.network.send_modify(|network| network.delay = delay);
    }

    pub(super) fn heal(&self) {
        self.planned().clear();
        self.network.send_replace(Network::default());
    }

    pub(super) fn injected(&self) -> usize {
        self.injected.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self) {
        self.injected.fetch_add(1, Ordering::Relaxed);
    }

    /// The fault for the next request of this API, if one is left. It uses up one of the `times`.
    pub(super) fn for_request(&self, api: i16) -> Option<Fault> {
        let mut planned = self.planned();
        let (fault, times) = planned.get_mut(&api).filter(|(_, times)| *times > 0)?;
        *times -= 1;
        Some(*fault)
    }

    /// Waits until the network lets a message through.
    pub(super) async fn pass(&self) {
        let mut network = self.network.subscribe();
        let delay = network.borrow().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        drop(network.wait_for(|network| !network.cut).await);
    }

    fn planned(&self) -> MutexGuard<'_, BTreeMap<i16, (Fault, usize)>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
