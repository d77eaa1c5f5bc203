//! One hop: sends a request to another instance and reads the answer.

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
    ReceivedRequest,
    forward_context::{FORWARDED, NOT_HERE, OWNER_EPOCH, TIMEOUT_MS},
};

/// How long it may take to connect: the instances are near each other, or one of them is gone.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// How long an idle connection is kept. The other side keeps it longer, so that it does not close it under a request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// The other instance answers by the deadline; this is how long its answer may take to arrive.
const TRANSIT: Duration = Duration::from_millis(200);

/// Headers that are not forwarded: they belong to one connection (RFC 9110, section 7.6.1), or the client writes them
/// itself.
const HOP_BY_HOP: [HeaderName; 9] = [
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

/// A client of the other instances. Cloning is cheap.
#[derive(Clone)]
pub(super) struct Peers {
    client: Client,
    slots: Arc<Semaphore>,
}

/// The result of one hop.
pub(super) enum ForwardResult {
    /// The instance has answered, whatever the answer is.
    Answered(Response),
    /// Nothing was sent: the connection was not accepted.
    Unreachable,
    /// The instance does not own the shard at the moment: nothing was written, and nothing will be.
    NotOwner,
    /// The request was sent and there is no answer: the command may be done or not.
    Lost,
    /// Too many commands are in flight; this one was not sent.
    Full,
}

impl Peers {
    pub(super) fn new(max_in_flight: usize) -> Self {
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(max_in_flight)
            .build()
            .expect("a client without TLS can be built");
        Self { client, slots: Arc::new(Semaphore::new(max_in_flight)) }
    }

    /// Has an owner answer a request.
    pub(super) async fn ask(&self, owner: &Owner, request: &ReceivedRequest) -> ForwardResult {
        let Ok(_slot) = self.slots.try_acquire() else {
            return counted(ForwardResult::Full);
        };
        let answer = async { relayed(self.request(owner, request).send().await?).await };
        counted(match answer.await {
            Ok(response) if response.headers().contains_key(NOT_HERE) => ForwardResult::NotOwner,
            Ok(response) => ForwardResult::Answered(response),
            Err(error) if error.is_connect() || error.is_builder() => ForwardResult::Unreachable,
            Err(error) => {
                tracing::debug!(%error, owner.address, "the answer of another instance was lost");
                ForwardResult::Lost
            }
        })
    }

    fn request(&self, owner: &Owner, request: &ReceivedRequest) -> reqwest::RequestBuilder {
        let ReceivedRequest { context, uri, method, headers, body } = request;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let left = context.deadline.saturating_duration_since(Instant::now());
        self.client
            .request(method.clone(), format!("http://{}{path}", owner.address))
            .headers(from_caller(headers))
            .headers(context_headers())
            .header(FORWARDED, context.identity.to_string())
            .header(OWNER_EPOCH, owner.epoch)
            .header(TIMEOUT_MS, u64::try_from(left.as_millis()).unwrap_or(u64::MAX))
            .timeout(left + TRANSIT)
            .body(body.clone())
    }
}

/// The headers of the caller, except those that instances send to each other: a second one beside ours would be read
/// first.
fn from_caller(headers: &HeaderMap) -> HeaderMap {
    let mut from_caller = end_to_end(headers);
    for name in [FORWARDED, OWNER_EPOCH, TIMEOUT_MS] {
        from_caller.remove(name);
    }
    from_caller
}

/// The answer, unchanged.
async fn relayed(answer: reqwest::Response) -> reqwest::Result<Response> {
    let (status, headers) = (answer.status(), end_to_end(answer.headers()));
    let mut response = Response::new(Body::from(answer.bytes().await?));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// The headers without those that belong to one connection, including those that `Connection` names.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut end_to_end = headers.clone();
    let named = headers.get_all(header::CONNECTION).iter().filter_map(|line| line.to_str().ok());
    for name in named.flat_map(|line| line.split(',')) {
        end_to_end.remove(name.trim());
    }
    for name in &HOP_BY_HOP {
        end_to_end.remove(name);
    }
    for name in ["keep-alive", "proxy-connection"] {
        end_to_end.remove(name);
    }
    end_to_end
}

/// The ids of the request, whether the caller sent them or this instance made them up: both instances log the same ones.
fn context_headers() -> HeaderMap {
    let Some(context) = RequestContext::current() else {
        return HeaderMap::new();
    };
    let headers = [
        (request::X_REQUEST_ID, context.request_id),
        (request::X_CORRELATION_ID, context.correlation_id),
        (request::TRACEPARENT, context.traceparent),
    ];
    headers.into_iter().filter_map(|(name, text)| Some((name, HeaderValue::from_str(&text).ok()?))).collect()
}

fn counted(result: ForwardResult) -> ForwardResult {
    let outcome = match result {
        ForwardResult::Answered(_) => "answered",
        ForwardResult::Unreachable => "unreachable",
        ForwardResult::NotOwner => "not_there",
        ForwardResult::Lost => "lost",
        ForwardResult::Full => "full",
    };
    metrics::counter!("forward_hops_total", "outcome" => outcome).increment(1);
    result
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::{FORWARDED, OWNER_EPOCH, TIMEOUT_MS, from_caller};

    #[test]
    fn a_caller_cannot_send_what_instances_send_to_each_other() {
        let value = HeaderValue::from_static("7");
        let names = [FORWARDED, OWNER_EPOCH, TIMEOUT_MS, "idempotency-key".parse().unwrap()];
        let headers: HeaderMap = names.into_iter().map(|name| (name, value.clone())).collect();
        let left = from_caller(&headers);
        assert_eq!(left.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["idempotency-key"]);
    }
}
