//! The servers of a run, and the faults of their brokers.

use std::{sync::Arc, time::Duration};

use test_kit::{KafkaCluster, OwnServers, Servers};
use tokio::{task::spawn_blocking, time::sleep};

/// The servers of a run.
#[derive(Clone)]
pub(crate) enum RunServers {
    /// Those of all tests, which faults must leave alone.
    Shared,
    /// Servers of its own, with one broker.
    Own(Arc<OwnServers>),
    /// Servers of its own, with three brokers.
    Cluster(Arc<KafkaCluster>),
}

impl RunServers {
    /// Starts servers with one broker.
    pub(crate) async fn own() -> Self {
        Self::Own(Arc::new(spawn_blocking(OwnServers::start).await.unwrap()))
    }

    /// Starts servers with three brokers.
    pub(crate) async fn cluster() -> Self {
        Self::Cluster(Arc::new(spawn_blocking(KafkaCluster::start).await.unwrap()))
    }

    pub(crate) fn addresses(&self) -> Servers {
        match self {
            Self::Shared => Servers::shared(),
            Self::Own(own) => own.servers.clone(),
            Self::Cluster(cluster) => cluster.servers(),
        }
    }

    /// How many brokers faults may affect.
    pub(crate) fn brokers(&self) -> usize {
        match self {
            Self::Shared => 0,
            Self::Own(_) => 1,
            Self::Cluster(cluster) => cluster.size(),
        }
    }

    /// Kills a broker, and restarts it after `pause`. It is ready when this returns.
    pub(crate) async fn kill_broker(&self, broker: usize, pause: Duration) {
        let change = |change: fn(&Self, usize)| {
            let servers = self.clone();
            spawn_blocking(move || change(&servers, broker))
        };
        change(Self::kill).await.unwrap();
        sleep(pause).await;
        change(Self::restart).await.unwrap();
    }

    /// Stops a broker for this long with SIGSTOP.
    pub(crate) async fn freeze_broker(&self, broker: usize, time: Duration) {
        self.signal(broker, "STOP");
        sleep(time).await;
        self.signal(broker, "CONT");
    }

    fn kill(&self, broker: usize) {
        match self {
            Self::Shared => panic!("the shared broker is not disturbed"),
            Self::Own(own) => own.kill("kafka"),
            Self::Cluster(cluster) => cluster.kill(broker),
        }
    }

    fn restart(&self, broker: usize) {
        match self {
            Self::Shared => panic!("the shared broker is not disturbed"),
            Self::Own(own) => own.start_server("kafka"),
            Self::Cluster(cluster) => cluster.restart(broker),
        }
    }

    fn signal(&self, broker: usize, signal: &str) {
        match self {
            Self::Shared => panic!("the shared broker is not disturbed"),
            Self::Own(own) => own.signal("kafka", signal),
            Self::Cluster(cluster) => cluster.signal(broker, signal),
        }
    }
}
