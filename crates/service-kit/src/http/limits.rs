use std::{
    io,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use tokio::net::TcpListener;

use crate::settings::Environment;

const ADDRESS: &str = "FOLDLINE_HTTP_ADDRESS";

/// Where a service listens, and what it puts up with.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// `FOLDLINE_HTTP_ADDRESS` (each service has its own default).
    pub address: SocketAddr,
    /// What a client may make large or slow.
    pub limits: Limits,
}

/// What a client may make large or slow, and how far.
#[derive(Debug, Clone)]
pub struct Limits {
    /// `FOLDLINE_HTTP_MAX_CONNECTIONS` (`1024`): open at the same time; further ones wait.
    pub max_connections: NonZeroU32,
    /// `FOLDLINE_HTTP_MAX_STREAMS` (`128`): requests at the same time on one HTTP/2 connection.
    pub max_streams: NonZeroU32,
    /// `FOLDLINE_HTTP_MAX_HEADER_BYTES` (`16384`): of one request, request line included; beyond is 431.
    pub max_header_bytes: NonZeroUsize,
    /// `FOLDLINE_HTTP_HEADER_TIMEOUT` (`5s`): for the headers of a request to arrive; also how long an idle
    /// connection is kept. Beyond, the connection is closed.
    pub header_timeout: Duration,
    /// `FOLDLINE_HTTP_MAX_BODY_BYTES` (`65536`): of one request; beyond is 413.
    pub max_body_bytes: NonZeroUsize,
    /// `FOLDLINE_HTTP_REQUEST_TIMEOUT` (`10s`): from the headers to the answer. Beyond is 408 where the body
    /// has not arrived, else 503.
    pub request_timeout: Duration,
    /// `FOLDLINE_HTTP_WRITE_TIMEOUT` (`30s`): how long a client may take nothing of an answer. Beyond, the connection
    /// is closed.
    pub write_timeout: Duration,
    /// `FOLDLINE_HTTP_DRAIN_TIMEOUT` (`8s`): for the requests in flight when the service ends.
    pub drain_timeout: Duration,
}

impl HttpSettings {
    /// Reads the settings.
    pub fn read(environment: &mut Environment, default_address: &str) -> Self {
        Self { address: environment.get(ADDRESS, default_address), limits: Limits::read(environment) }
    }

    /// Binds the address; the error names the variable.
    pub async fn listen(&self) -> io::Result<TcpListener> {
        super::listen(ADDRESS, self.address).await
    }
}

impl Limits {
    /// Reads the limits.
    pub fn read(environment: &mut Environment) -> Self {
        Self {
            max_connections: environment.get("FOLDLINE_HTTP_MAX_CONNECTIONS", "1024"),
            max_streams: environment.get("FOLDLINE_HTTP_MAX_STREAMS", "128"),
            max_header_bytes: environment.get("FOLDLINE_HTTP_MAX_HEADER_BYTES", "16384"),
            header_timeout: environment.duration("FOLDLINE_HTTP_HEADER_TIMEOUT", "5s"),
            max_body_bytes: environment.get("FOLDLINE_HTTP_MAX_BODY_BYTES", "65536"),
            request_timeout: environment.duration("FOLDLINE_HTTP_REQUEST_TIMEOUT", "10s"),
            write_timeout: environment.duration("FOLDLINE_HTTP_WRITE_TIMEOUT", "30s"),
            drain_timeout: environment.duration("FOLDLINE_HTTP_DRAIN_TIMEOUT", "8s"),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::read(&mut Environment::default())
    }
}
