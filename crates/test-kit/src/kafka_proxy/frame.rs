//! Kafka's messages as they are on the wire: a length of four bytes, then a request (API, its version, a number that
//! its answer repeats) or an answer (that number).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest message; a length beyond it is no Kafka.
const MAX_LENGTH: usize = 100 * 1024 * 1024;
/// `Metadata` and `FindCoordinator`: the answers in which Kafka tells addresses.
const TELL_ADDRESSES: [i16; 2] = [3, 10];
/// The host of every broker of a test. In every version of those answers the port follows it, in four bytes.
const HOST: &[u8] = b"127.0.0.1";

/// One message, with its length before it.
pub(super) struct Frame(pub(super) Vec<u8>);

/// Which port stands for which.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) behind: u16,
    pub(super) before: u16,
}

impl Frame {
    /// The next message; an error is also the end of the connection.
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let length = from.read_u32().await?;
        let size = usize::try_from(length).expect("32 bits fit");
        if !(4..=MAX_LENGTH).contains(&size) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut bytes = vec![0; 4 + size];
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        from.read_exact(&mut bytes[4..]).await?;
        Ok(Self(bytes))
    }

    /// The API of a request.
    pub(super) fn api(&self) -> i16 {
        i16::from_be_bytes([self.0[4], self.0[5]])
    }

    /// The number of a request.
    pub(super) fn request_number(&self) -> Option<i32> {
        self.number_at(8)
    }

    /// The number of the request that this answers.
    pub(super) fn answered_number(&self) -> Option<i32> {
        self.number_at(4)
    }

    fn number_at(&self, start: usize) -> Option<i32> {
        self.0.get(start..start + 4)?.try_into().ok().map(i32::from_be_bytes)
    }

    /// Has the answer of an API that tells addresses lead to the proxy instead of the broker.
    pub(super) fn lead_back(&mut self, api: i16, ports: Ports) {
        if !TELL_ADDRESSES.contains(&api) {
            return;
        }
        let broker = [HOST, &u32::from(ports.behind).to_be_bytes()].concat();
        let proxy = [HOST, &u32::from(ports.before).to_be_bytes()].concat();
        let mut start = 0;
        while let Some(found) = self.0[start..].windows(broker.len()).position(|window| window == broker) {
            self.0[start + found..][..proxy.len()].copy_from_slice(&proxy);
            start += found + proxy.len();
        }
    }
}
