//! Decides which instance should own which shard: the consumer group assigns shards, the owners topic announces owners,
//! and the shards of a dead owner are taken over at once.
//!
//! All of this is only a hint for speed. The fence of the claim keeps two owners apart, so a wrong hint costs time but
//! never an event.

mod deliveries;
mod membership;
mod takeover;

use std::{sync::Arc, time::Duration};

use aggregate::Aggregate;
use event_log::{
    ClientSettings, CommandReader, CommandRecord, LogError, Membership, Owners, Topics, follow_owners,
};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{CommandRequest, Engine, Ownership, Undecoded};
use deliveries::Deliveries;
use takeover::Takeover;

/// How long a leaving instance continues to serve while nobody takes its shards.
const HAND_OVER_TIMEOUT: Duration = Duration::from_secs(5);

/// The identity of this instance in the group.
#[derive(Debug, Clone)]
pub struct CoordinationSettings {
    /// How to connect to Kafka.
    pub client: ClientSettings,
    /// The context's topics.
    pub topics: Topics,
    /// Where the other instances reach this one: `host:port`.
    pub address: String,
    /// A name that outlives the process (static membership, KIP-345): an instance that returns under this name within
    /// the session timeout gets its shards again without a rebalance. It must be unique among running instances.
    pub instance_id: Option<String>,
}

/// This instance's part in the group.
pub struct Coordination<A: Aggregate> {
    engine: Arc<Engine<A>>,
    owners: watch::Receiver<Owners>,
    suspicion: Arc<Notify>,
    leaving: CancellationToken,
    others: watch::Receiver<Option<usize>>,
    /// Ends the threads on drop.
    _end: DropGuard,
}

impl<A: Aggregate> Coordination<A> {
    /// Joins the group. `decode` turns a record of the commands topic into a command, or returns why it is not one.
    pub fn start(
        engine: Arc<Engine<A>>,
        settings: &CoordinationSettings,
        decode: impl Fn(&CommandRecord) -> Result<CommandRequest<A::Command>, Undecoded> + Send + 'static,
    ) -> Result<Self, LogError> {
        let (client, topics) = (&settings.client, &settings.topics);
        let (end, leaving) = (CancellationToken::new(), CancellationToken::new());
        let owners = follow_owners(client, topics)?;
        let reader = CommandReader::new(client, topics)?;
        let member = Membership::join(client, topics, settings.instance_id.as_deref())?;
        let suspicion = Arc::new(Notify::new());
        Deliveries::new(Arc::clone(&engine), reader, decode).start(end.clone());
        let others = membership::start(Arc::clone(&engine), member, settings, leaving.clone(), end.clone());
        let takeover = Takeover::new(Arc::clone(&engine), owners.clone(), settings.address.clone());
        tokio::spawn(leaving.clone().run_until_cancelled_owned(takeover.watch(Arc::clone(&suspicion))));
        Ok(Self { engine, owners, suspicion, leaving, others, _end: end.drop_guard() })
    }

    /// The announced owners of the shards.
    pub fn owners(&self) -> watch::Receiver<Owners> {
        self.owners.clone()
    }

    /// Reports that an owner could not be reached, so that it is checked at once.
    pub fn suspect(&self) {
        self.suspicion.notify_one();
    }

    /// Leaves the group and hands the shards over. Returns when each has been taken, when there is nobody to take
    /// them, or after a timeout. Until then commands are served as before.
    pub async fn leave(&self) {
        self.leaving.cancel();
        let others = self.others.clone().wait_for(Option::is_some).await.map_or(Some(0), |others| *others);
        if others != Some(0) {
            drop(timeout(HAND_OVER_TIMEOUT, self.await_successors()).await);
        }
    }

    async fn await_successors(&self) {
        for shard in 0..self.engine.shards().count() {
            let mut ownership = self.engine.ownership(shard);
            // An error means that the shard's thread has ended and has nothing to hand over.
            drop(ownership.wait_for(|now| *now == Ownership::Elsewhere).await);
        }
    }
}
