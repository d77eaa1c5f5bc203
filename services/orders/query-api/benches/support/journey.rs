//! Orders are placed at a steady rate, and each is asked for with its token as soon as it is answered.

use std::time::Duration;

use reqwest::{Client, Response};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::order::order;

/// Who shares the rate: more than are ever waiting at once.
const CALLERS: u32 = 256;

/// Milliseconds, sorted.
pub(crate) struct Journeys {
    /// From when the command was due to its answer.
    answered: Vec<f64>,
    /// From there to the answer of the query that sees it.
    visible: Vec<f64>,
    /// What was answered otherwise.
    failed: usize,
}

struct Journey {
    answered: f64,
    visible: f64,
}

/// Keeps up a rate for so long.
pub(crate) async fn run(commands: &str, queries: &str, rate: u64, time: Duration) -> Journeys {
    let client = Client::new();
    let begin = Instant::now();
    let interval = Duration::from_secs_f64(f64::from(CALLERS) / rate as f64);
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let first = begin + interval * number / CALLERS;
        let urls = (commands.to_owned(), queries.to_owned());
        callers.spawn(call(client.clone(), urls, first, interval, begin + time));
    }
    let all: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
    let sorted = |of: fn(&Journey) -> f64| {
        let mut times: Vec<_> = all.iter().flatten().map(of).collect();
        times.sort_by(f64::total_cmp);
        times
    };
    Journeys {
        answered: sorted(|journey| journey.answered),
        visible: sorted(|journey| journey.visible),
        failed: all.iter().filter(|journey| journey.is_none()).count(),
    }
}

/// One after the other, and none before it is due.
async fn call(
    client: Client,
    (commands, queries): (String, String),
    first: Instant,
    interval: Duration,
    end: Instant,
) -> Vec<Option<Journey>> {
    let (mut due, mut done) = (first, Vec::new());
    while due < end {
        sleep_until(due).await;
        done.push(place_and_see(&client, &commands, &queries, due).await);
        due += interval;
    }
    done
}

async fn place_and_see(client: &Client, commands: &str, queries: &str, due: Instant) -> Option<Journey> {
    let placed = client.post(format!("{commands}/orders")).json(&order()).send().await.ok()?;
    let (path, token) = (header(&placed, "location")?, header(&placed, "consistency-token")?);
    drop(placed.bytes().await);
    let answered = Instant::now();
    let query = client.get(format!("{queries}{path}")).header("consistency-token", token);
    let seen = query.send().await.ok().filter(|seen| seen.status() == 200)?;
    drop(seen.bytes().await);
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    Some(Journey { answered: millis(answered - due), visible: millis(answered.elapsed()) })
}

fn header(answer: &Response, name: &str) -> Option<String> {
    Some(answer.headers().get(name)?.to_str().ok()?.to_owned())
}

impl Journeys {
    pub(crate) fn print(&self) {
        report("command, from when it was due", &self.answered);
        report("then until a query with its token", &self.visible);
        println!("{:<36} {:>8}", "answered otherwise", self.failed);
    }
}

fn report(what: &str, times: &[f64]) {
    let last = times.len().checked_sub(1).expect("something was answered");
    let at = |percent: usize| times[last * percent / 100];
    println!("{what:<36} {:>8}   p50 {:7.2}   p99 {:7.2}   max {:7.2}", times.len(), at(50), at(99), at(100));
}
