//! A proxy between a client and Kafka that injects network faults. It understands just enough of Kafka's protocol to
//! find the requests and responses of one API, and to replace the broker's address by its own in Kafka's responses.

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

/// A TCP proxy in front of one broker. Dropping it closes its port; open connections last until their clients close
/// them.
pub struct KafkaProxy {
    address: SocketAddr,
    faults: Arc<Faults>,
    accepting: JoinHandle<()>,
}

impl KafkaProxy {
    /// A proxy in front of the broker at this address, which must be on the loopback interface. At first it forwards
    /// everything.
    pub async fn in_front_of(broker: &str) -> Self {
        let broker = broker.parse().expect("a test's broker has an address of the form 127.0.0.1:port");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("the loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let faults = Arc::<Faults>::default();
        let accepting = tokio::spawn(accept(listener, broker, Arc::clone(&faults)));
        Self { address, faults, accepting }
    }

    /// The address for clients to connect to: `127.0.0.1:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Injects a fault into the next `times` requests of an API, or until [`heal`](Self::heal) with `usize::MAX`. A
    /// second fault for the same API replaces the first.
    pub fn inject(&self, api: Api, fault: Fault, times: usize) {
        self.faults.inject(api, fault, times);
    }

    /// Cuts the network: nothing passes in either direction, but connections stay open and new ones are accepted.
    /// Messages under way are delivered after [`heal`](Self::heal).
    pub fn cut(&self) {
        self.faults.cut(true);
    }

    /// Delays every message, in either direction.
    pub fn slow(&self, delay: Duration) {
        self.faults.slow(delay);
    }

    /// Forwards everything again. A fault that has already been assigned to a request still takes effect.
    pub fn heal(&self) {
        self.faults.heal();
    }

    /// How many requests a fault was injected into. A held or dropped response counts once the broker has sent it.
    pub fn injected(&self) -> usize {
        self.faults.injected()
    }

    /// Waits until faults have been injected into `times` requests, and panics if that takes longer than a minute.
    pub async fn until_injected(&self, times: usize) {
        eventually(format!("{times} faults are injected"), || async { self.injected() >= times }).await;
    }
}

impl Drop for KafkaProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Accepts connections. If the broker cannot be reached, the client's connection is closed.
async fn accept(listener: TcpListener, broker: SocketAddr, faults: Arc<Faults>) {
    let front = listener.local_addr().expect("a bound socket has an address").port();
    while let Ok((client, _)) = listener.accept().await {
        let faults = Arc::clone(&faults);
        tokio::spawn(async move {
            if let Ok(server) = TcpStream::connect(broker).await {
                let ports = frame::Ports { broker: broker.port(), proxy: front };
                connection::forward(client, server, ports, faults).await;
            }
        });
    }
}
