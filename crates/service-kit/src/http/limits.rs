use std::{
    io,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use tokio::net::TcpListener;

use crate::settings::Environment;

const ADDRESS: &str = "FOLDLINE_HTTP_ADDRESS";

/// The address of a service, and its limits.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// `FOLDLINE_HTTP_ADDRESS` (each service has its own default).
    pub address: SocketAddr,
    /// The limits on what a client may use.
    pub limits: Limits,
}

/// The limits on the connections, time and memory that a client may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// `FOLDLINE_HTTP_MAX_CONNECTIONS` (`1024`): concurrent connections; further ones wait.
    pub max_connections: NonZeroU32,
    /// `FOLDLINE_HTTP_MAX_STREAMS` (`128`): concurrent requests on one HTTP/2 connection.
    pub max_streams: NonZeroU32,
    /// `FOLDLINE_HTTP_MAX_HEADER_BYTES` (`16384`): size of the headers of one request, including the request line;
    /// above it, 431.
    pub max_header_bytes: NonZeroUsize,
    /// `FOLDLINE_HTTP_HEADER_TIMEOUT` (`5s`): how long the headers of a request may take to arrive, and how long an
    /// idle connection is kept; then the connection is closed.
    pub header_timeout: Duration,
    /// `FOLDLINE_HTTP_MAX_BODY_BYTES` (`65536`): size of the body of one request; above it, 413.
    pub max_body_bytes: NonZeroUsize,
    /// `FOLDLINE_HTTP_REQUEST_TIMEOUT` (`10s`): from the headers to the response; then 408 if the body has not
    /// arrived, else 503.
    pub request_timeout: Duration,
    /// `FOLDLINE_HTTP_WRITE_TIMEOUT` (`30s`): how long a client may stop reading a response; then the connection is
    /// closed.
    pub write_timeout: Duration,
    /// `FOLDLINE_HTTP_DRAIN_TIMEOUT` (`8s`): how long the requests in flight may take at shutdown.
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
