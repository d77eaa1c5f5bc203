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

use super::{Change, end::End, measures};

/// How long a client with a full buffer may take for one event while it reads what it has missed.
const PATIENCE: Duration = Duration::from_secs(10);
/// When a client should come again after a stream has ended.
const RECONNECT: Duration = Duration::from_secs(1);

/// The way to a client, with a bounded buffer.
pub(super) struct Client {
    events: Sender<Event>,
    /// A place in the buffer that no other event can take.
    last: OwnedPermit<Event>,
}

impl Client {
    /// The way to a client, and what the client reads.
    pub(super) fn new(buffer: NonZeroUsize) -> (Self, Response) {
        let (events, mut sent) = channel(buffer.get() + 1);
        let last = events.clone().try_reserve_owned().expect("the buffer is empty");
        let body =
            poll_fn(move |context| sent.poll_recv(context).map(|event| event.map(Ok::<_, Infallible>)));
        (Self { events, last }, Sse::new(body).into_response())
    }

    /// Tells where the stream begins, so that it can be resumed before anything has happened.
    pub(super) fn greet(&self, id: String) -> Result<(), End> {
        self.offer(Event::default().id(id).retry(RECONNECT))
    }

    /// Shows that the connection lives, and how far the stream has come.
    pub(super) fn beat(&self, id: String) {
        // With a full buffer there is enough to read.
        let _ = self.offer(Event::default().comment("heartbeat").id(id));
    }

    /// Sends a change that happens now.
    pub(super) fn tell(&self, change: &Change, id: String) -> Result<(), End> {
        self.offer(event(change, id))?;
        measures::sent();
        Ok(())
    }

    /// Sends a change of the past: as fast as the client takes it.
    pub(super) async fn retell(&self, change: &Change, id: String) -> Result<(), End> {
        match timeout(PATIENCE, self.events.send(event(change, id))).await {
            Ok(Ok(())) => measures::sent(),
            Ok(Err(_)) | Err(_) => return Err(End::TooSlow),
        }
        Ok(())
    }

    /// Waits until the client is gone.
    pub(super) fn gone(&self) -> impl Future<Output = ()> + use<> {
        let events = self.events.clone();
        async move { events.closed().await }
    }

    /// Sends the last event. It has no id: the one of the last change that was sent is the place to go on at.
    pub(super) fn end(self, end: End) {
        self.last.send(Event::default().event("end").data(end.json()));
    }

    fn offer(&self, event: Event) -> Result<(), End> {
        self.events.try_send(event).map_err(|_| End::TooSlow)
    }
}

fn event(change: &Change, id: String) -> Event {
    Event::default().id(id).event(&change.event_type).data(&change.json)
}
