//! What a proxy has been told to do, and how often it has done it.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::sleep};

/// A request of Kafka's protocol that a fault can be ordered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Api {
    /// Records on their way into the log.
    Produce = 0,
    /// A producer takes over its transactional id, and fences the one before it.
    InitProducerId = 22,
    /// A partition becomes part of a transaction.
    AddPartitionsToTxn = 24,
    /// A consumer group's offsets become part of a transaction.
    AddOffsetsToTxn = 25,
    /// A transaction is committed or aborted.
    EndTxn = 26,
    /// Offsets on their way into a transaction.
    TxnOffsetCommit = 28,
}

/// What can become of a request or of its answer. Both kinds of holding keep what follows on the connection waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The broker does the work, and its answer comes late.
    HoldAnswer(Duration),
    /// The broker does the work, and the connection ends before its answer.
    DropAnswer,
    /// The broker gets the request late, even if the client has gone meanwhile.
    HoldRequest(Duration),
    /// The broker never gets the request, and the connection ends.
    DropRequest,
}

/// The orders that are in force.
#[derive(Default)]
pub(super) struct Faults {
    orders: Mutex<BTreeMap<i16, (Fault, usize)>>,
    network: watch::Sender<Network>,
    met: AtomicUsize,
}

/// What every message meets.
#[derive(Debug, Clone, Copy, Default)]
struct Network {
    cut: bool,
    delay: Duration,
}

impl Faults {
    pub(super) fn order(&self, api: Api, fault: Fault, times: usize) {
        self.orders().insert(api as i16, (fault, times));
    }

    pub(super) fn cut(&self, cut: bool) {
        self.network.send_modify(|network| network.cut = cut);
    }

    pub(super) fn slow(&self, delay: Duration) {
        self.network.send_modify(|network| network.delay = delay);
    }

    pub(super) fn heal(&self) {
        self.orders().clear();
        self.network.send_replace(Network::default());
    }

    pub(super) fn met(&self) -> usize {
        self.met.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self) {
        self.met.fetch_add(1, Ordering::Relaxed);
    }

    /// The fault that the next request of this API meets, which is one order less.
    pub(super) fn for_request(&self, api: i16) -> Option<Fault> {
        let mut orders = self.orders();
        let (fault, times) = orders.get_mut(&api).filter(|(_, times)| *times > 0)?;
        *times -= 1;
        Some(*fault)
    }

    /// Waits as long as the network lets a message wait.
    pub(super) async fn pass(&self) {
        let mut network = self.network.subscribe();
        let delay = network.borrow().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        drop(network.wait_for(|network| !network.cut).await);
    }

    fn orders(&self) -> MutexGuard<'_, BTreeMap<i16, (Fault, usize)>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
