//! Kafka's messages on the wire: a length of four bytes, then a request (API key, API version, correlation id) or a
//! response (correlation id).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest message. A greater length means that the peer does not speak Kafka's protocol.
const MAX_LENGTH: usize = 100 * 1024 * 1024;
/// `Metadata` and `FindCoordinator`, whose responses contain addresses.
const WITH_ADDRESSES: [i16; 2] = [3, 10];
/// The host of every broker in tests. In every version of these responses, four bytes with the port follow it.
const HOST: &[u8] = b"127.0.0.1";

/// One message, prefixed with its length.
pub(super) struct Frame(pub(super) Vec<u8>);

/// The ports of the broker and of the proxy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) broker: u16,
    pub(super) proxy: u16,
}

impl Frame {
    /// Reads the next message. The end of the connection is an error too.
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

    /// The correlation id of a request.
    pub(super) fn request_correlation_id(&self) -> Option<i32> {
        self.correlation_id_at(8)
    }

    /// The correlation id of a response.
    pub(super) fn response_correlation_id(&self) -> Option<i32> {
        self.correlation_id_at(4)
    }

    fn correlation_id_at(&self, start: usize) -> Option<i32> {
        self.0.get(start..start + 4)?.try_into().ok().map(i32::from_be_bytes)
    }

    /// Replaces the broker's address by the proxy's in the responses that contain addresses.
    pub(super) fn redirect(&mut self, api: i16, ports: Ports) {
        if !WITH_ADDRESSES.contains(&api) {
            return;
        }
        let broker = [HOST, &u32::from(ports.broker).to_be_bytes()].concat();
        let proxy = [HOST, &u32::from(ports.proxy).to_be_bytes()].concat();
        let mut start = 0;
        while let Some(found) = self.0[start..].windows(broker.len()).position(|window| window == broker) {
            self.0[start + found..][..proxy.len()].copy_from_slice(&proxy);
            start += found + proxy.len();
        }
    }
}
