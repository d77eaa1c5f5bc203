//! A load generator that places orders over HTTP on many connections, with one request at a time on each.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes, client::conn::http1::SendRequest, header};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{Instant as TokioInstant, sleep_until},
};
use uuid::Uuid;

/// The result of a measurement.
pub(crate) struct Report {
    pub(crate) took: Duration,
    /// Milliseconds from the intended start to the response, sorted; accepted commands only.
    pub(crate) accepted: Vec<f64>,
    pub(crate) refused: usize,
}

/// Sends commands over a number of connections for some time, either at a fixed rate or as fast as they are answered.
pub(crate) async fn run(
    addresses: &[String],
    connections: usize,
    rate: Option<f64>,
    duration: Duration,
) -> Report {
    let mut clients = JoinSet::new();
    let started = Instant::now();
    let interval = rate.map(|rate| Duration::from_secs_f64(connections as f64 / rate));
    for number in 0..connections {
        let address = Arc::<str>::from(addresses[number % addresses.len()].as_str());
        let offset =
            interval.map_or(Duration::ZERO, |interval| interval.mul_f64(number as f64 / connections as f64));
        clients.spawn(client(address, started + offset, interval, started + duration));
    }
    let mut report = Report { took: duration, accepted: Vec::new(), refused: 0 };
    while let Some(result) = clients.join_next().await {
        let (accepted, refused) = result.expect("a client does not panic");
        report.accepted.extend(accepted);
        report.refused += refused;
    }
    report.took = started.elapsed();
    report.accepted.sort_by(f64::total_cmp);
    report
}

/// One connection: sends each command when the previous one is answered, but not before its intended start.
async fn client(
    address: Arc<str>,
    first: Instant,
    interval: Option<Duration>,
    end: Instant,
) -> (Vec<f64>, usize) {
    let mut sender = connect(&address).await;
    let (mut accepted, mut refused, mut intended) = (Vec::new(), 0, first);
    while Instant::now() < end && intended < end {
        match interval {
            Some(_) => sleep_until(TokioInstant::from_std(intended)).await,
            None => intended = Instant::now(),
        }
        match place(&mut sender, &address).await {
            201 => accepted.push(intended.elapsed().as_secs_f64() * 1e3),
            503 => refused += 1,
            status => panic!("unexpected status: {status}"),
        }
        intended += interval.unwrap_or_default();
    }
    (accepted, refused)
}

async fn connect(address: &str) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("the service listens");
    stream.set_nodelay(true).expect("the option can be set");
    let (sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("the service speaks HTTP");
    tokio::spawn(connection);
    sender
}

async fn place(sender: &mut SendRequest<Full<Bytes>>, host: &str) -> u16 {
    let order = format!(
        r#"{{"order_id":"{}","customer_id":"c-1001","currency":"EUR","lines":[{{"sku":"tea-500g","quantity":2,"unit_price_minor":1290}}],"delivery_address":{{"name":"Ada Lovelace","street":"12 Example Street","postal_code":"10115","city":"Berlin","country":"DE"}}}}"#,
        Uuid::now_v7()
    );
    let request = Request::post("/orders")
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(order)))
        .expect("the request is valid");
    sender.ready().await.expect("the connection stays open");
    let response = sender.send_request(request).await.expect("the service responds");
    let status = response.status().as_u16();
    response.into_body().collect().await.expect("the response is complete");
    status
}

impl Report {
    /// Accepted commands per second.
    pub(crate) fn rate(&self) -> f64 {
        self.accepted.len() as f64 / self.took.as_secs_f64()
    }

    /// A quantile of the latencies of accepted commands, in milliseconds.
    pub(crate) fn quantile(&self, quantile: f64) -> f64 {
        let rank = quantile * (self.accepted.len() - 1) as f64;
        let index = (0..self.accepted.len()).find(|index| *index as f64 >= rank).unwrap_or(0);
        self.accepted[index]
    }

    pub(crate) fn print(&self, what: &str) {
        println!(
            "{what:<44} {:>8.0}/s   p50 {:>7.2}   p99 {:>7.2}   p99.9 {:>7.2} ms   {} answered 503",
            self.rate(),
            self.quantile(0.5),
            self.quantile(0.99),
            self.quantile(0.999),
            self.refused
        );
    }
}
