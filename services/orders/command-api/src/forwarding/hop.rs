//! One hop: the request to another instance, and its answer back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};
use event_log::Owner;
use reqwest::{Client, redirect};
use service_kit::{RequestContext, request};
use tokio::sync::Semaphore;

use super::{
    original::BufferedRequest,
    trip::{FORWARDED, NOT_HERE, OWNER_EPOCH, TIMEOUT_MS},
};

/// How long a connection may take: the instances are near each other, or one of them is gone.
const CONNECT: Duration = Duration::from_millis(500);
/// How long an idle connection is kept: less than the other side keeps it, so that it is not closed under a request.
const IDLE: Duration = Duration::from_secs(4);
/// The other instance answers by the deadline; this is how long its answer may be on the way.
const WAY_BACK: Duration = Duration::from_millis(200);

/// These belong to one connection and are not passed on (RFC 9110, section 7.6.1), or say what the client writes itself.
const OF_ONE_CONNECTION: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The other instances.
#[derive(Clone)]
pub(super) struct Peers {
    client: Client,
    slots: Arc<Semaphore>,
}

/// How a hop has ended.
pub(super) enum ForwardResult {
    /// The owner has answered, whatever it says.
    Answered(Response),
    /// Nothing was sent: nobody took the connection.
    Unreachable,
    /// Nothing was written, and nothing will be: it is not the owner at the moment.
    NotOwnerThere,
    /// It was sent, and there is no answer: the command may be done or not.
    Lost,
    /// Too many commands are on their way; this one was not sent.
    Full,
}

impl Peers {
    pub(super) fn new(max_in_flight: usize) -> Self {
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(max_in_flight)
            .build()
            .expect("a client without TLS can be built");
        Self { client, slots: Arc::new(Semaphore::new(max_in_flight)) }
    }

    /// Asks an owner.
    pub(super) async fn ask(&self, owner: &Owner, original: &BufferedRequest) -> ForwardResult {
        let Ok(_slot) = self.slots.try_acquire() else {
            return counted(ForwardResult::Full);
        };
        let answer = async { relayed(self.request(owner, original).send().await?).await };
        counted(match answer.await {
            Ok(response) if response.headers().contains_key(NOT_HERE) => ForwardResult::NotOwnerThere,
            Ok(response) => ForwardResult::Answered(response),
            Err(error) if error.is_connect() || error.is_builder() => ForwardResult::Unreachable,
            Err(error) => {
                tracing::debug!(%error, owner.address, "an answer from another instance was lost");
                ForwardResult::Lost
            }
        })
    }

    fn request(&self, owner: &Owner, original: &BufferedRequest) -> reqwest::RequestBuilder {
        let BufferedRequest { trip, parts, body } = original;
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let left = trip.deadline.saturating_duration_since(Instant::now());
        self.client
            .request(parts.method.clone(), format!("http://{}{path}", owner.address))
            .headers(passed_on(&parts.headers))
            .headers(of_the_request())
            .header(FORWARDED, trip.identity.to_string())
            .header(OWNER_EPOCH, owner.epoch)
            .header(TIMEOUT_MS, u64::try_from(left.as_millis()).unwrap_or(u64::MAX))
            .timeout(left + WAY_BACK)
            .body(body.clone())
    }
}

/// The answer as it is.
async fn relayed(answer: reqwest::Response) -> reqwest::Result<Response> {
    let (status, headers) = (answer.status(), passed_on(answer.headers()));
    let mut response = Response::new(Body::from(answer.bytes().await?));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// The headers without those of one connection, and without those that `Connection` names.
fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let mut passed_on = headers.clone();
    let named = headers.get_all(header::CONNECTION).iter().filter_map(|line| line.to_str().ok());
    for name in named.flat_map(|line| line.split(',')) {
        passed_on.remove(name.trim());
    }
    for name in &OF_ONE_CONNECTION {
        passed_on.remove(name);
    }
    for name in ["keep-alive", "proxy-connection"] {
        passed_on.remove(name);
    }
    passed_on
}

/// What this instance knows of the request, its caller's own or begun here: both instances tell of the same.
fn of_the_request() -> HeaderMap {
    let Some(context) = RequestContext::current() else {
        return HeaderMap::new();
    };
    let headers = [
        (request::X_REQUEST_ID, context.request_id),
        (request::X_CORRELATION_ID, context.correlation_id),
        (request::TRACEPARENT, context.traceparent),
    ];
    headers.into_iter().filter_map(|(name, text)| Some((name, HeaderValue::try_from(text).ok()?))).collect()
}

fn counted(hop: ForwardResult) -> ForwardResult {
    let outcome = match hop {
        ForwardResult::Answered(_) => "answered",
        ForwardResult::Unreachable => "unreachable",
        ForwardResult::NotOwnerThere => "not_there",
        ForwardResult::Lost => "lost",
        ForwardResult::Full => "full",
    };
    metrics::counter!("forward_hops_total", "outcome" => outcome).increment(1);
    hop
}
