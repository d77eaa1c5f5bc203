use std::thread;

use crate::{OwnServers, Servers};

/// How many brokers there are.
const BROKERS: usize = 3;
/// The heap of each broker.
const HEAP: &str = "256m";

/// A Kafka cluster as in production: three brokers, three replicas, of which two must have a record before it is
/// acknowledged. A registry and a Postgres belong to it. Dropping it stops them all and deletes their data.
pub struct KafkaCluster {
    brokers: Vec<OwnServers>,
    others: OwnServers,
}

impl KafkaCluster {
    /// Starts it on free ports. It takes about half a minute.
    pub fn start() -> Self {
        let mut brokers: Vec<_> = (0..BROKERS).map(|_| OwnServers::not_started()).collect();
        let voters = voters(&brokers);
        for (id, broker) in (1..).zip(&mut brokers) {
            broker.settings = vec![
                ("FOLDLINE_STACK_KAFKA_NODE", format!("{id}")),
                ("FOLDLINE_STACK_KAFKA_VOTERS", voters.clone()),
                ("FOLDLINE_STACK_KAFKA_HEAP", HEAP.to_owned()),
            ];
        }
        // None of them is ready before the others have joined.
        thread::scope(|scope| {
            for broker in &brokers {
                scope.spawn(|| broker.start_server("kafka"));
            }
        });
        let addresses: Vec<_> = brokers.iter().map(|broker| broker.servers.brokers.as_str()).collect();
        let others = OwnServers::with_brokers(addresses.join(","));
        Self { brokers, others }
    }

    /// The addresses of all servers.
    pub fn servers(&self) -> Servers {
        self.others.servers.clone()
    }

    /// How many brokers there are.
    pub fn size(&self) -> usize {
        self.brokers.len()
    }

    /// Kills a broker with SIGKILL, and waits until its port is free.
    pub fn kill(&self, broker: usize) {
        self.brokers[broker].kill("kafka");
    }

    /// Starts a broker that was killed, and waits until it has joined the others.
    pub fn restart(&self, broker: usize) {
        self.brokers[broker].start_server("kafka");
    }

    /// Sends a broker a signal by name, such as `STOP` or `CONT`.
    pub fn signal(&self, broker: usize, signal: &str) {
        self.brokers[broker].signal("kafka", signal);
    }
}

/// The controllers of all brokers, as Kafka's setting `controller.quorum.voters` names them.
fn voters(brokers: &[OwnServers]) -> String {
    let voter =
        |(id, broker): (u16, &OwnServers)| format!("{id}@127.0.0.1:{}", broker.port("KAFKA_CONTROLLER"));
    (1..).zip(brokers).map(voter).collect::<Vec<_>>().join(",")
}
