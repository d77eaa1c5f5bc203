//! A network between a client and Kafka that can be told to misbehave. It knows of Kafka's protocol as much as it
//! needs to find the requests and answers of one API, and to lead clients back to itself wherever Kafka tells an
//! address.

mod connection;
mod faults;
mod frame;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::eventually;
use faults::Faults;
pub use faults::{Api, Fault};

/// A TCP proxy before one broker. Dropping it closes its port; connections that are open end with their clients.
pub struct KafkaProxy {
    address: SocketAddr,
    faults: Arc<Faults>,
    accepting: JoinHandle<()>,
}

impl KafkaProxy {
    /// A proxy that passes everything on, before the broker at this address, which must be one of the loopback.
    pub async fn before(broker: &str) -> Self {
        let broker = broker.parse().expect("a broker of a test has an address of the form 127.0.0.1:port");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("the loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let faults = Arc::<Faults>::default();
        let accepting = tokio::spawn(accept(listener, broker, Arc::clone(&faults)));
        Self { address, faults, accepting }
    }

    /// What a client takes for the broker: `127.0.0.1:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Lets the next `times` requests of an API meet a fault; `usize::MAX` lasts until it is healed. A second order
    /// for the same API replaces the first.
    pub fn order(&self, api: Api, fault: Fault, times: usize) {
        self.faults.order(api, fault, times);
    }

    /// Lets nothing more through, in either direction, while connections stay open and new ones are taken in: a network
    /// that is cut. What is on its way is delivered late, when it is healed.
    pub fn cut(&self) {
        self.faults.cut(true);
    }

    /// Delays every message by so much, in either direction.
    pub fn slow(&self, delay: Duration) {
        self.faults.slow(delay);
    }

    /// Passes everything on again. What a fault has been ordered for already still meets it.
    pub fn heal(&self) {
        self.faults.heal();
    }

    /// How many requests have met a fault that was ordered for their API: a held or dropped answer counts when the
    /// broker has given it.
    pub fn met(&self) -> usize {
        self.faults.met()
    }

    /// Waits until so many requests have met a fault, and panics if they do not in a minute.
    pub async fn until_met(&self, times: usize) {
        eventually(format!("{times} faults are met"), || async { self.met() >= times }).await;
    }
}

impl Drop for KafkaProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A broker that cannot be reached is a client that is hung up on.
async fn accept(listener: TcpListener, broker: SocketAddr, faults: Arc<Faults>) {
    let front = listener.local_addr().expect("a bound socket has an address").port();
    while let Ok((client, _)) = listener.accept().await {
        let faults = Arc::clone(&faults);
        tokio::spawn(async move {
            if let Ok(server) = TcpStream::connect(broker).await {
                let ports = frame::Ports { behind: broker.port(), before: front };
                connection::carry(client, server, ports, faults).await;
            }
        });
    }
}
