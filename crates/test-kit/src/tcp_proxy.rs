//! A proxy between a client and a server of any protocol that injects network faults.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Notify, watch},
    task::{JoinHandle, JoinSet},
};

use crate::free_port;

const LOOPBACK: &str = "127.0.0.1:";
/// The maximum number of bytes per read.
const CHUNK: usize = 64 * 1024;

/// A fault of all connections through a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionFault {
    /// Nothing listens, and open connections are closed.
    Refused,
    /// Nothing passes in either direction, but connections stay open and new ones are accepted. Bytes under way are
    /// delivered after [`TcpProxy::heal`].
    Held,
    /// Another server sends this response to whatever it receives, and closes the connection.
    Answered(&'static str),
}

/// A TCP proxy in front of one server. Dropping it closes its connections.
pub struct TcpProxy {
    server: SocketAddr,
    address: SocketAddr,
    gate: Arc<Gate>,
    accepting: JoinHandle<()>,
}

impl TcpProxy {
    /// A proxy in front of the server of this URL, which must be on the loopback interface. At first it forwards
    /// everything.
    pub async fn in_front_of(url: &str) -> Self {
        let (_, rest) = url.split_once(LOOPBACK).expect("a test's server is on the loopback interface");
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let server = format!("{LOOPBACK}{port}").parse().expect("a port follows");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, free_port())).await.expect("the port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let gate = Arc::<Gate>::default();
        let accepting = tokio::spawn(accept(listener, server, Arc::clone(&gate), None));
        Self { server, address, gate, accepting }
    }

    /// The address for clients to connect to: `127.0.0.1:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Rewrites a URL of the server so that it goes through this proxy.
    pub fn rewrite(&self, url: &str) -> String {
        url.replace(&self.server.to_string(), &self.address())
    }

    /// Injects a fault into all connections, until [`heal`](Self::heal).
    pub async fn inject(&mut self, fault: ConnectionFault) {
        match fault {
            ConnectionFault::Refused => self.close().await,
            ConnectionFault::Held => self.gate.hold(true),
            ConnectionFault::Answered(answer) => self.open(Some(answer)).await,
        }
    }

    /// Forwards everything again.
    pub async fn heal(&mut self) {
        if self.gate.is_closed() {
            self.gate.hold(false);
        } else {
            self.open(None).await;
        }
    }

    /// How often a text occurs in the bytes now held.
    pub fn held(&self, text: &str) -> usize {
        let held = self.gate.held();
        held.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
    }

    /// Listens again on the same port, once all earlier connections are closed.
    async fn open(&mut self, answer: Option<&'static str>) {
        self.close().await;
        let listener = TcpListener::bind(self.address).await.expect("no other process takes the port");
        self.accepting = tokio::spawn(accept(listener, self.server, Arc::clone(&self.gate), answer));
    }

    async fn close(&mut self) {
        if !self.accepting.is_finished() {
            self.gate.end.notify_one();
            (&mut self.accepting).await.expect("connections do not panic");
        }
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Holds messages back while it is closed.
#[derive(Default)]
struct Gate {
    closed: watch::Sender<bool>,
    held: Mutex<Vec<u8>>,
    /// Closes the listener and all connections.
    end: Notify,
}

impl Gate {
    fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    fn hold(&self, closed: bool) {
        self.held().clear();
        self.closed.send_replace(closed);
    }

    /// Waits while the gate is closed.
    async fn pass(&self, bytes: &[u8]) {
        let mut closed = self.closed.subscribe();
        if *closed.borrow() {
            self.held().extend_from_slice(bytes);
            drop(closed.wait_for(|closed| !closed).await);
        }
    }

    fn held(&self) -> MutexGuard<'_, Vec<u8>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections until `end` is notified, and then closes them all.
async fn accept(listener: TcpListener, server: SocketAddr, gate: Arc<Gate>, answer: Option<&'static str>) {
    let mut connections = JoinSet::new();
    loop {
        let client = tokio::select! {
            Ok((client, _)) = listener.accept() => client,
            () = gate.end.notified() => break,
        };
        match answer {
            Some(answer) => connections.spawn(respond(client, answer)),
            None => connections.spawn(connect(client, server, Arc::clone(&gate))),
        };
    }
    drop(listener);
    connections.shutdown().await;
}

/// Connects a client to the server. If the server cannot be reached, the client's connection is closed.
async fn connect(client: TcpStream, server: SocketAddr, gate: Arc<Gate>) {
    if let Ok(server) = TcpStream::connect(server).await {
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let requests = forward(from_client, to_server, &gate);
        drop(tokio::join!(requests, forward(from_server, to_client, &gate)));
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, gate: &Gate) -> io::Result<()> {
    let mut bytes = vec![0; CHUNK];
    loop {
        let length = from.read(&mut bytes).await?;
        if length == 0 {
            return Ok(());
        }
        gate.pass(&bytes[..length]).await;
        to.write_all(&bytes[..length]).await?;
    }
}

async fn respond(mut client: TcpStream, answer: &str) {
    let mut request = vec![0; CHUNK];
    // A client that has already closed the connection needs no response.
    drop(client.read(&mut request).await);
    drop(client.write_all(answer.as_bytes()).await);
}
