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
struct Open(Mutex<HashMap<i32, (i16, Option<Fault>)>>);

/// Forwards messages until both directions have ended. They end independently: a held request is delivered even if its
/// client has gone, as in a real network.
pub(super) async fn carry(client: TcpStream, broker: TcpStream, ports: Ports, faults: Arc<Faults>) {
    for stream in [&client, &broker] {
        drop(stream.set_nodelay(true));
    }
    let open = Open::default();
    let (from_client, to_client) = client.into_split();
    let (from_broker, to_broker) = broker.into_split();
    let requests = requests(from_client, to_broker, &open, &faults);
    let answers = answers(from_broker, to_client, &open, ports, &faults);
    drop(tokio::join!(requests, answers));
}

async fn requests(
    mut client: OwnedReadHalf,
    mut broker: OwnedWriteHalf,
    open: &Open,
    faults: &Faults,
) -> io::Result<()> {
    loop {
        let request = Frame::read(&mut client).await?;
        let fault = faults.for_request(request.api());
        if let Some(number) = request.request_correlation_id() {
            open.all().insert(number, (request.api(), fault));
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

async fn answers(
    mut broker: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    open: &Open,
    ports: Ports,
    faults: &Faults,
) -> io::Result<()> {
    loop {
        let mut answer = Frame::read(&mut broker).await?;
        let request = answer.response_correlation_id().and_then(|number| open.all().remove(&number));
        if let Some((api, fault)) = request {
            answer.redirect(api, ports);
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
        client.write_all(&answer.0).await?;
    }
}

async fn hold(time: Duration, faults: &Faults) {
    faults.count();
    sleep(time).await;
}

impl Open {
    fn all(&self) -> MutexGuard<'_, HashMap<i32, (i16, Option<Fault>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
