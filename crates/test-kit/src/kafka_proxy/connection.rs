//! One connection through the proxy: requests go one way, responses the other.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::sleep,
};

use super::{
    faults::{Fault, Faults},
    frame::{Frame, Ports},
};

/// The requests without a response so far: their APIs, and the faults to inject.
#[derive(Default)]
struct OpenRequests(Mutex<HashMap<i32, (i16, Option<Fault>)>>);

/// Forwards messages until both directions have ended. They end independently: a held request is delivered even if its
/// client has gone, as in a real network.
pub(super) async fn forward(client: TcpStream, broker: TcpStream, ports: Ports, faults: Arc<Faults>) {
    for stream in [&client, &broker] {
        drop(stream.set_nodelay(true));
    }
    let open_requests = OpenRequests::default();
    let (from_client, to_client) = client.into_split();
    let (from_broker, to_broker) = broker.into_split();
    let requests = requests(from_client, to_broker, &open_requests, &faults);
    let responses = responses(from_broker, to_client, &open_requests, ports, &faults);
    drop(tokio::join!(requests, responses));
}

async fn requests(
    mut client: OwnedReadHalf,
    mut broker: OwnedWriteHalf,
    open_requests: &OpenRequests,
    faults: &Faults,
) -> io::Result<()> {
    loop {
        let request = Frame::read(&mut client).await?;
        let fault = faults.for_request(request.api());
        if let Some(id) = request.request_correlation_id() {
            open_requests.all().insert(id, (request.api(), fault));
        }
        match fault {
            Some(Fault::HoldRequest(time)) => hold(time, faults).await,
            Some(Fault::DropRequest) => {
                faults.count();
                return Ok(());
            }
            Some(Fault::HoldResponse(_) | Fault::DropResponse) | None => {}
        }
        faults.pass().await;
        broker.write_all(&request.0).await?;
    }
}

async fn responses(
    mut broker: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    open_requests: &OpenRequests,
    ports: Ports,
    faults: &Faults,
) -> io::Result<()> {
    loop {
        let mut response = Frame::read(&mut broker).await?;
        let request = response.response_correlation_id().and_then(|id| open_requests.all().remove(&id));
        if let Some((api, fault)) = request {
            response.redirect(api, ports);
            match fault {
                Some(Fault::HoldResponse(time)) => hold(time, faults).await,
                Some(Fault::DropResponse) => {
                    faults.count();
                    return Ok(());
                }
                Some(Fault::HoldRequest(_) | Fault::DropRequest) | None => {}
            }
        }
        faults.pass().await;
        client.write_all(&response.0).await?;
    }
}

async fn hold(time: Duration, faults: &Faults) {
    faults.count();
    sleep(time).await;
}

impl OpenRequests {
    fn all(&self) -> MutexGuard<'_, HashMap<i32, (i16, Option<Fault>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
