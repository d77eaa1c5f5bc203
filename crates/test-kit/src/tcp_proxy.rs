//! A network between a client and a server of any protocol that can be told to misbehave.

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
/// The most that is taken at once.
const CHUNK: usize = 64 * 1024;

/// What can become of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing listens, and connections that are open end.
    Refused,
    /// Nothing is passed on, in either direction, while connections stay open and new ones are taken in. What is on its
    /// way is delivered late, when it is healed.
    Held,
    /// Somebody else answers with this, whatever is said, and ends the connection.
    Answered(&'static str),
}

/// A TCP proxy before one server. Dropping it ends its connections.
pub struct TcpProxy {
    server: SocketAddr,
    address: SocketAddr,
    gate: Arc<Gate>,
    accepting: JoinHandle<()>,
}

impl TcpProxy {
    /// A proxy that passes everything on, before the server of this URL, which must be one of the loopback.
    pub async fn before(url: &str) -> Self {
        let (_, rest) = url.split_once(LOOPBACK).expect("a server of a test has an address of the loopback");
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let server = format!("{LOOPBACK}{port}").parse().expect("a port follows");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, free_port())).await.expect("the port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let gate = Arc::<Gate>::default();
        let accepting = tokio::spawn(accept(listener, server, Arc::clone(&gate), None));
        Self { server, address, gate, accepting }
    }

    /// What a client takes for the server: `127.0.0.1:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// A URL of the server, so that it leads through here.
    pub fn lead(&self, url: &str) -> String {
        url.replace(&self.server.to_string(), &self.address())
    }

    /// Lets all connections meet some trouble, until it is healed.
    pub async fn order(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Refused => self.close().await,
            Trouble::Held => self.gate.hold(true),
            Trouble::Answered(answer) => self.open(Some(answer)).await,
        }
    }

    /// Passes everything on again.
    pub async fn heal(&mut self) {
        if self.gate.is_closed() {
            self.gate.hold(false);
        } else {
            self.open(None).await;
        }
    }

    /// How often a text is in what is held now.
    pub fn held(&self, text: &str) -> usize {
        let held = self.gate.held();
        held.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
    }

    /// Listens anew, on the same port, after everything before has ended.
    async fn open(&mut self, answer: Option<&'static str>) {
        self.close().await;
        let listener = TcpListener::bind(self.address).await.expect("nobody else takes the port");
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

/// What keeps messages, and those that it keeps.
#[derive(Default)]
struct Gate {
    closed: watch::Sender<bool>,
    held: Mutex<Vec<u8>>,
    /// Ends everything.
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

    /// Waits as long as the gate is closed.
    async fn through(&self, bytes: &[u8]) {
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

/// Takes connections in until it is to end, and ends them all then.
async fn accept(listener: TcpListener, server: SocketAddr, gate: Arc<Gate>, answer: Option<&'static str>) {
    let mut connections = JoinSet::new();
    loop {
        let client = tokio::select! {
            Ok((client, _)) = listener.accept() => client,
            () = gate.end.notified() => break,
        };
        match answer {
            Some(answer) => connections.spawn(say(client, answer)),
            None => connections.spawn(connect(client, server, Arc::clone(&gate))),
        };
    }
    drop(listener);
    connections.shutdown().await;
}

/// A server that cannot be reached is a client that is hung up on.
async fn connect(client: TcpStream, server: SocketAddr, gate: Arc<Gate>) {
    if let Ok(server) = TcpStream::connect(server).await {
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let there = carry(from_client, to_server, &gate);
        drop(tokio::join!(there, carry(from_server, to_client, &gate)));
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, gate: &Gate) -> io::Result<()> {
    let mut bytes = vec![0; CHUNK];
    loop {
        let length = from.read(&mut bytes).await?;
        if length == 0 {
            return Ok(());
        }
        gate.through(&bytes[..length]).await;
        to.write_all(&bytes[..length]).await?;
    }
}

async fn say(mut client: TcpStream, answer: &str) {
    let mut said = vec![0; CHUNK];
    // Who hangs up early wants no answer.
    drop(client.read(&mut said).await);
    drop(client.write_all(answer.as_bytes()).await);
}
