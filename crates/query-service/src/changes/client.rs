use std::{convert::Infallible, num::NonZeroUsize, time::Duration};

use axum::response::{
    IntoResponse, Response,
    sse::{Event, Sse},
};
use futures_util::stream::poll_fn;
use tokio::{
    sync::mpsc::{OwnedPermit, Sender, channel},
    time::timeout,
};

use super::{end::End, metrics, page::IndexedChange};

/// How long a client with a full buffer may take to read one event while it catches up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// When a client should connect again after its stream has ended.
const RECONNECT: Duration = Duration::from_secs(1);

/// The sending half of a stream, with a bounded buffer.
pub(super) struct Client {
    events: Sender<Event>,
    /// A slot of the buffer, reserved for the last event.
    last: OwnedPermit<Event>,
}

impl Client {
    /// Returns the sending half, and the response that the client reads.
    pub(super) fn new(buffer: NonZeroUsize) -> (Self, Response) {
        let (events, mut sent) = channel(buffer.get() + 1);
        let last = events.clone().try_reserve_owned().expect("the buffer is empty");
        let body =
            poll_fn(move |context| sent.poll_recv(context).map(|event| event.map(Ok::<_, Infallible>)));
        (Self { events, last }, Sse::new(body).into_response())
    }

    /// Sends the id at which the stream begins, so that the client can resume even if it has received no event.
    pub(super) fn send_start(&self, id: String) -> Result<(), End> {
        self.try_send(Event::default().id(id).retry(RECONNECT))
    }

    /// Keeps the connection alive, and sends the stream's current id.
    pub(super) fn send_heartbeat(&self, id: String) {
        // If the buffer is full, the connection needs no heartbeat.
        let _ = self.try_send(Event::default().comment("heartbeat").id(id));
    }

    /// Sends a change that has just happened; fails if the buffer is full.
    pub(super) fn send_now(&self, change: &IndexedChange, id: String) -> Result<(), End> {
        self.try_send(event(change, id))?;
        metrics::sent();
        Ok(())
    }

    /// Sends a change that the client missed, and waits for room in the buffer; fails after [`WRITE_TIMEOUT`].
    pub(super) async fn send(&self, change: &IndexedChange, id: String) -> Result<(), End> {
        match timeout(WRITE_TIMEOUT, self.events.send(event(change, id))).await {
            Ok(Ok(())) => metrics::sent(),
            Ok(Err(_)) | Err(_) => return Err(End::TooSlow),
        }
        Ok(())
    }

    /// Waits until the client has disconnected.
    pub(super) fn closed(&self) -> impl Future<Output = ()> + use<> {
        let events = self.events.clone();
        async move { events.closed().await }
    }

    /// Sends the last event. It has no id, so the client resumes after the last change that was sent.
    pub(super) fn end(self, end: End) {
        self.last.send(Event::default().event("end").data(end.json()));
    }

    fn try_send(&self, event: Event) -> Result<(), End> {
        self.events.try_send(event).map_err(|_| End::TooSlow)
    }
}

fn event(change: &IndexedChange, id: String) -> Event {
    Event::default().id(id).event(&change.change.r#type).data(&change.json)
}
