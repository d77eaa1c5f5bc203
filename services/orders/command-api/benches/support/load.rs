//! A load generator that sends commands over HTTP on many connections, with one request at a time on each.

use std::time::{Duration, Instant};

use tokio::{
    task::JoinSet,
    time::{Instant as TokioInstant, sleep_until},
};
use uuid::Uuid;

use crate::client::Client;

/// What is sent, and how.
#[derive(Clone, Copy)]
pub(crate) struct Load<'a> {
    pub(crate) connections: usize,
    /// Commands per second in all. `None`: each connection sends the next one as soon as the last one is answered.
    pub(crate) rate: Option<f64>,
    pub(crate) duration: Duration,
    pub(crate) work: Work<'a>,
}

/// Which commands are sent.
#[derive(Clone, Copy)]
pub(crate) enum Work<'a> {
    /// Each command places an order.
    Place,
    /// Each command changes the address of an order. Each connection has an order of its own.
    ChangeAddress(&'a [Uuid]),
}

/// The result of a measurement.
pub(crate) struct Report {
    pub(crate) took: Duration,
    /// Milliseconds from the intended start to the response, sorted; accepted commands only.
    pub(crate) accepted: Vec<f64>,
    pub(crate) refused: usize,
}

impl Load<'_> {
    /// As many orders as possible.
    pub(crate) fn place(connections: usize, duration: Duration) -> Self {
        Self { connections, rate: None, duration, work: Work::Place }
    }

    /// Sends the commands, the connections divided between these addresses.
    pub(crate) async fn run(self, addresses: &[String]) -> Report {
        let mut clients = JoinSet::new();
        let started = Instant::now();
        let interval = self.rate.map(|rate| Duration::from_secs_f64(self.connections as f64 / rate));
        for number in 0..self.connections {
            let address = addresses[number % addresses.len()].clone();
            let order = match self.work {
                Work::Place => None,
                Work::ChangeAddress(orders) => Some(orders[number]),
            };
            let share = number as f64 / self.connections as f64;
            let first = started + interval.unwrap_or_default().mul_f64(share);
            clients.spawn(send(address, order, first, interval, started + self.duration));
        }
        let mut report = Report { took: self.duration, accepted: Vec::new(), refused: 0 };
        while let Some(result) = clients.join_next().await {
            let (accepted, refused) = result.expect("a client does not panic");
            report.accepted.extend(accepted);
            report.refused += refused;
        }
        report.took = started.elapsed();
        report.accepted.sort_by(f64::total_cmp);
        report
    }
}

/// One connection: sends each command when the previous one is answered, but not before its intended start.
async fn send(
    address: String,
    order: Option<Uuid>,
    first: Instant,
    interval: Option<Duration>,
    end: Instant,
) -> (Vec<f64>, usize) {
    let mut client = Client::connect(&address).await;
    let (mut accepted, mut refused, mut intended) = (Vec::new(), 0, first);
    while Instant::now() < end && intended < end {
        match interval {
            Some(_) => sleep_until(TokioInstant::from_std(intended)).await,
            None => intended = Instant::now(),
        }
        let status = match order {
            None => client.place(Uuid::now_v7()).await,
            Some(order) => client.change_address(order).await,
        };
        match status {
            200 | 201 => accepted.push(intended.elapsed().as_secs_f64() * 1e3),
            503 => refused += 1,
            status => panic!("unexpected status: {status}"),
        }
        intended += interval.unwrap_or_default();
    }
    (accepted, refused)
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
