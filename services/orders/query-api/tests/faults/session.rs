//! A session: it writes, and queries any instance for its own and other orders, always with the token of everything
//! that it has seen.

use std::time::Duration;

use reqwest::Client;
use serde_json::Value;
use test_kit::read_history::{Behind, Offsets, Read, ReadAnswer, Write};
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::{
    answers::{Document, Reply, format_token, offsets, shown},
    poison,
    recorder::Recorder,
    requests::Command,
};

/// How long a session waits for a response: longer than any `Prefer: wait` that it sends.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause before a command or query is retried.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a command or query may take, whatever faults happen in the meantime.
const DEADLINE: Duration = Duration::from_secs(40);
/// The number of open orders per session.
const OPEN_ORDERS: usize = 4;
/// The number of orders that a session queries at the end. The rows of all orders are checked anyway.
const FINAL_QUERIES: usize = 50;
/// The longest list that the query API returns.
const LONGEST_LIST: usize = 200;

pub(crate) struct Session<'r> {
    recorder: &'r Recorder,
    number: usize,
    http: Client,
    random: fastrand::Rng,
    /// The positions that the session has seen.
    seen: Offsets,
    open: Vec<Uuid>,
    all: Vec<Uuid>,
}

impl<'r> Session<'r> {
    pub(crate) fn new(recorder: &'r Recorder, number: usize, random: fastrand::Rng) -> Self {
        let http = Client::builder().timeout(RESPONSE_TIMEOUT).build().unwrap();
        Self { recorder, number, http, random, seen: Offsets::new(), open: vec![], all: vec![] }
    }

    /// Sends a command each `interval`, and queries if `reads`, until the run ends. Then waits until its last orders are
    /// visible.
    pub(crate) async fn run(mut self, interval: Duration, reads: bool) {
        let mut next = Instant::now() + interval.mul_f64(self.random.f64());
        while !self.recorder.is_stopped() {
            sleep_until(next).await;
            next = Instant::now().max(next + interval);
            let order = self.write().await;
            if reads {
                self.read(order).await;
                self.read_others().await;
            }
        }
        for order in self.all.iter().rev().take(FINAL_QUERIES).copied().collect::<Vec<_>>() {
            self.read_until_visible(order).await;
        }
    }

    async fn read_others(&mut self) {
        if let Some(other) = self.recorder.any_order(&mut self.random) {
            self.read(other).await;
        }
        if self.random.u8(..10) == 0 {
            self.list().await;
        }
    }

    /// Places an order, or changes one of its open orders.
    async fn write(&mut self) -> Uuid {
        let key = self.any_id();
        if self.open.len() < OPEN_ORDERS {
            let order = self.any_id();
            let customer =
                if poison::is_due(&mut self.random) { poison::CUSTOMER.into() } else { self.customer() };
            self.send_until_accepted(order, Command::place(key, order, &customer)).await;
            self.open.push(order);
            self.all.push(order);
            self.recorder.publish(order);
            return order;
        }
        let slot = self.random.usize(..OPEN_ORDERS);
        let order = self.open[slot];
        if self.random.u8(..5) == 0 {
            self.open.swap_remove(slot);
            let reason = if poison::is_due(&mut self.random) { poison::REASON } else { "ordered twice" };
            self.send_until_accepted(order, Command::cancel(key, order, reason)).await;
        } else {
            let street = format!("Street {}", self.random.u64(..));
            self.send_until_accepted(order, Command::change_address(key, order, &street)).await;
        }
        order
    }

    /// Sends a command until it is accepted.
    async fn send_until_accepted(&mut self, order: Uuid, command: Command) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(accepted) = command.send(&self.http, &self.recorder.commands).await {
                self.add_seen(&offsets(&accepted.token));
                let answered = self.recorder.now();
                let (session, aggregate) = (self.number, order.to_string());
                return self.recorder.write(Write {
                    session,
                    aggregate,
                    version: accepted.version,
                    answered,
                });
            }
            if Instant::now() > deadline {
                return self
                    .recorder
                    .timed_out(format!("a command for {order} is not accepted within {DEADLINE:?}"));
            }
            sleep(PAUSE).await;
        }
    }

    /// Queries an order until it is visible, or refused because its events are parked.
    async fn read_until_visible(&mut self, order: Uuid) {
        let deadline = Instant::now() + DEADLINE;
        while !self.read_with(order, false, "wait=2").await {
            if Instant::now() > deadline {
                return self.recorder.timed_out(format!("{order} is not visible within {DEADLINE:?}"));
            }
            sleep(PAUSE).await;
        }
    }

    async fn read(&mut self, order: Uuid) {
        let (wait, lenient) = (self.random.u8(..4), self.random.u8(..8) == 0);
        let handling = if lenient { ", handling=lenient" } else { "" };
        self.read_with(order, lenient, &format!("wait={wait}{handling}")).await;
    }

    /// Queries a random instance once. Returns whether the answer is final.
    async fn read_with(&mut self, order: Uuid, lenient: bool, prefer: &str) -> bool {
        let query = self.query(&format!("/orders/{order}"), lenient, prefer).await;
        let (answer, is_final) = match &query.reply {
            Reply::Document(Document { body, offsets, behind }) => {
                let behind = behind.values().next().map_or(Behind::No, |since| Behind::Since(*since));
                (shown(body, offsets.clone(), behind), true)
            }
            Reply::NotYetVisible { is_behind } => (ReadAnswer::NotYetVisible, *is_behind),
            Reply::Other(answer) => (answer.clone(), false),
        };
        self.record(order, &query, answer);
        is_final
    }

    /// Lists its own orders. Those missing from the list count as shown not to exist.
    async fn list(&mut self) {
        let path = format!("/orders?customer_id={}&limit={LONGEST_LIST}", self.customer());
        let query = self.query(&path, false, "wait=2").await;
        let Reply::Document(Document { body, offsets, behind }) = &query.reply else {
            return;
        };
        let behind = if behind.is_empty() { Behind::No } else { Behind::Possibly };
        let record = |id: Uuid, order| self.record(id, &query, shown(order, offsets.clone(), behind));
        let listed = body["orders"].as_array().unwrap();
        for order in listed {
            record(order["order_id"].as_str().unwrap().parse().unwrap(), order);
        }
        let is_listed = |id: &Uuid| listed.iter().any(|order| order["order_id"] == id.to_string());
        if listed.len() < LONGEST_LIST {
            for missing in self.all.iter().filter(|id| !is_listed(id)) {
                record(*missing, &Value::Null);
            }
        }
    }

    async fn query(&mut self, path: &str, lenient: bool, prefer: &str) -> Query {
        let instance = self.random.usize(..self.recorder.queries.len());
        let (sent, token) = (self.recorder.now(), self.seen.clone());
        let mut request = self.http.get(format!("{}{path}", self.recorder.queries[instance]));
        if !token.is_empty() {
            request = request.header("consistency-token", format_token(&self.recorder.topic, &token));
        }
        let reply = Reply::of(request.header("prefer", prefer).send().await).await;
        if let Reply::Document(document) = &reply {
            self.add_seen(&document.offsets);
        }
        Query { instance, token, lenient, sent, answered: self.recorder.now(), reply }
    }

    fn record(&self, order: Uuid, query: &Query, answer: ReadAnswer) {
        let Query { instance, lenient, sent, answered, .. } = *query;
        let (aggregate, token) = (order.to_string(), query.token.clone());
        let session = self.number;
        self.recorder.read(Read { session, instance, aggregate, token, lenient, sent, answered, answer });
    }

    fn add_seen(&mut self, offsets: &Offsets) {
        for (partition, offset) in offsets {
            let seen = self.seen.entry(*partition).or_default();
            *seen = (*seen).max(*offset);
        }
    }

    fn customer(&self) -> String {
        format!("c-{}", self.number)
    }

    fn any_id(&mut self) -> Uuid {
        Uuid::from_u128(self.random.u128(..))
    }
}

/// A query and its reply.
struct Query {
    instance: usize,
    token: Offsets,
    lenient: bool,
    sent: u64,
    answered: u64,
    reply: Reply,
}
