//! A load generator that places orders at a steady rate, and queries each one with its token as soon as the command is
//! answered.

use std::time::Duration;

use reqwest::{Client, Response};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::order::order;

/// The number of clients that share the rate. It is higher than the number of requests in flight at any time.
const CLIENTS: u32 = 256;

/// The latencies of all orders in milliseconds, sorted.
pub(crate) struct Report {
    /// From when the command was due to its response.
    answered: Vec<f64>,
    /// From the response of the command to that of the query.
    pub(crate) visible: Vec<f64>,
    /// The number of orders of which a request failed.
    failed: usize,
}

/// The latencies of one order.
struct Latency {
    answered: f64,
    visible: f64,
}

/// Places orders at a rate per second for some time.
pub(crate) async fn run(commands: &str, queries: &str, rate: u64, time: Duration) -> Report {
    let client = Client::new();
    let begin = Instant::now();
    let interval = Duration::from_secs_f64(f64::from(CLIENTS) / rate as f64);
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let first = begin + interval * number / CLIENTS;
        let urls = (commands.to_owned(), queries.to_owned());
        clients.spawn(place_orders(client.clone(), urls, first, interval, begin + time));
    }
    let all: Vec<_> = clients.join_all().await.into_iter().flatten().collect();
    let sorted = |part: fn(&Latency) -> f64| {
        let mut times: Vec<_> = all.iter().flatten().map(part).collect();
        times.sort_by(f64::total_cmp);
        times
    };
    Report {
        answered: sorted(|latency| latency.answered),
        visible: sorted(|latency| latency.visible),
        failed: all.iter().filter(|latency| latency.is_none()).count(),
    }
}

/// Places one order after the other, but none before it is due. The latency of a failed request is `None`.
async fn place_orders(
    client: Client,
    (commands, queries): (String, String),
    first: Instant,
    interval: Duration,
    end: Instant,
) -> Vec<Option<Latency>> {
    let (mut due, mut latencies) = (first, Vec::new());
    while due < end {
        sleep_until(due).await;
        latencies.push(place_and_query(&client, &commands, &queries, due).await);
        due += interval;
    }
    latencies
}

async fn place_and_query(client: &Client, commands: &str, queries: &str, due: Instant) -> Option<Latency> {
    let placed = client.post(format!("{commands}/orders")).json(&order()).send().await.ok()?;
    let (path, token) = (header(&placed, "location")?, header(&placed, "consistency-token")?);
    drop(placed.bytes().await);
    let answered = Instant::now();
    let query = client.get(format!("{queries}{path}")).header("consistency-token", token);
    let response = query.send().await.ok().filter(|response| response.status() == 200)?;
    drop(response.bytes().await);
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    Some(Latency { answered: millis(answered - due), visible: millis(answered.elapsed()) })
}

fn header(response: &Response, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.to_owned())
}

impl Report {
    pub(crate) fn print(&self) {
        report("command, from when it was due", &self.answered);
        report("then until a query with its token", &self.visible);
        println!("{:<36} {:>8}", "answered otherwise", self.failed);
    }
}

/// A percentile of sorted latencies.
pub(crate) fn percentile(times: &[f64], percent: usize) -> f64 {
    let last = times.len().checked_sub(1).expect("at least one request succeeded");
    times[last * percent / 100]
}

fn report(what: &str, times: &[f64]) {
    let [p50, p99, max] = [50, 99, 100].map(|percent| percentile(times, percent));
    println!("{what:<36} {:>8}   p50 {p50:7.2}   p99 {p99:7.2}   max {max:7.2}", times.len());
}
