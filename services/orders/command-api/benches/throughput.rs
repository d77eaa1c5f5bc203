//! How many commands a second one instance takes, and two, and how long each takes at half of that: orders placed over
//! HTTP, everything on this machine. `make bench` starts the servers and prints the figures.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes, client::conn::http1::SendRequest, header};
use hyper_util::rt::TokioIo;
use test_kit::{Service, TestEnvironment};
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{Instant as TokioInstant, sleep_until},
};
use uuid::Uuid;

/// How long each measurement lasts, after a warm-up that is not counted: the broker's own code is compiled meanwhile.
const DURATION: Duration = Duration::from_secs(10);
const WARM_UP: Duration = Duration::from_secs(20);
/// Requests in flight when as much as possible is asked for.
const CONNECTIONS: usize = 512;

#[tokio::main]
async fn main() {
    for instances in [1, 2] {
        let environment = TestEnvironment::prepared();
        let mut services = Vec::new();
        for _ in 0..instances {
            services.push(Service::command_api(&environment, "orders").ready().await);
        }
        let addresses: Vec<_> =
            services.iter().map(|service| service.url.trim_start_matches("http://").to_owned()).collect();
        println!("\n{instances} instance(s), {CONNECTIONS} connections, {DURATION:?} each, orders placed");
        drop(run(&addresses, None, WARM_UP).await);
        let most = run(&addresses, None, DURATION).await;
        most.print("as many as possible");
        let half = most.rate() / 2.0;
        run(&addresses, Some(half), DURATION).await.print("at half of that, from the intended start");
        let beyond = run(&addresses, Some(most.rate() * 1.5), DURATION).await;
        beyond.print("at one and a half times that");
    }
}

/// What came of a measurement.
struct Report {
    took: Duration,
    /// Milliseconds from the intended start to the answer, sorted; accepted commands only.
    accepted: Vec<f64>,
    refused: usize,
}

/// Sends commands over all connections for so long, at a rate or as fast as they are answered.
async fn run(addresses: &[String], rate: Option<f64>, duration: Duration) -> Report {
    let mut connections = JoinSet::new();
    let started = Instant::now();
    let interval = rate.map(|rate| Duration::from_secs_f64(CONNECTIONS as f64 / rate));
    for number in 0..CONNECTIONS {
        let address = Arc::<str>::from(addresses[number % addresses.len()].as_str());
        let offset =
            interval.map_or(Duration::ZERO, |interval| interval.mul_f64(number as f64 / CONNECTIONS as f64));
        connections.spawn(caller(address, started + offset, interval, started + duration));
    }
    let mut report = Report { took: duration, accepted: Vec::new(), refused: 0 };
    while let Some(done) = connections.join_next().await {
        let (accepted, refused) = done.expect("a caller does not panic");
        report.accepted.extend(accepted);
        report.refused += refused;
    }
    report.took = started.elapsed();
    report.accepted.sort_by(f64::total_cmp);
    report
}

/// One connection: the next command when the last is answered, and not before its time has come.
async fn caller(
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
            status => panic!("unexpected answer: {status}"),
        }
        intended += interval.unwrap_or_default();
    }
    (accepted, refused)
}

async fn connect(address: &str) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("the service listens");
    stream.set_nodelay(true).expect("a socket has options");
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
        .expect("the request is whole");
    sender.ready().await.expect("the connection stays open");
    let response = sender.send_request(request).await.expect("the service answers");
    let status = response.status().as_u16();
    response.into_body().collect().await.expect("the answer is whole");
    status
}

impl Report {
    fn rate(&self) -> f64 {
        self.accepted.len() as f64 / self.took.as_secs_f64()
    }

    fn print(&self, what: &str) {
        let at = |share: f64| {
            let rank = share * (self.accepted.len() - 1) as f64;
            let index = (0..self.accepted.len()).find(|index| *index as f64 >= rank).unwrap_or(0);
            self.accepted[index]
        };
        println!(
            "{what:<44} {:>8.0}/s   p50 {:>7.2}   p99 {:>7.2}   p99.9 {:>7.2} ms   {} answered 503",
            self.rate(),
            at(0.5),
            at(0.99),
            at(0.999),
            self.refused
        );
    }
}
