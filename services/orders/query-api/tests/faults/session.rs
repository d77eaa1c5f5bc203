//! A session: it writes, and queries any instance for its own and others' orders, always with the token of everything
//! it has seen.

use std::time::Duration;

use reqwest::Client;
use serde_json::Value;
use test_kit::read_history::{Behind, Offsets, Read, ReadAnswer, Write};
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::{
    answers::{Document, Reply, offsets, shown, token},
    poison,
    recorder::Recorder,
    requests::Command,
};

/// How long a session waits for a response: longer than any `Prefer: wait` that it sends.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause before a command or query is retried.
const PAUSE: Duration = Duration::from_millis(50);
/// How long something may take until it is settled, whatever faults happen in the meantime.
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

    /// Sends a command each `interval`, and queries if `asks`, until the run ends. Then waits until its last orders are
    /// visible.
    pub(crate) async fn run(mut self, interval: Duration, asks: bool) {
        let mut next = Instant::now() + interval.mul_f64(self.random.f64());
        while !self.recorder.is_enough() {
            sleep_until(next).await;
            next = Instant::now().max(next + interval);
            let order = self.write().await;
            if asks {
                self.ask(order).await;
                self.ask_others().await;
            }
        }
        for order in self.all.iter().rev().take(FINAL_QUERIES).copied().collect::<Vec<_>>() {
            self.see(order).await;
        }
    }

    async fn ask_others(&mut self) {
        if let Some(other) = self.recorder.any_order(&mut self.random) {
            self.ask(other).await;
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
            self.settle(order, Command::place(key, order, &customer)).await;
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
            self.settle(order, Command::cancel(key, order, reason)).await;
        } else {
            let street = format!("Street {}", self.random.u64(..));
            self.settle(order, Command::change_address(key, order, &street)).await;
        }
        order
    }

    /// Sends a command until it is accepted.
    async fn settle(&mut self, order: Uuid, command: Command) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(accepted) = command.send(&self.http, &self.recorder.commands).await {
                self.see_offsets(&offsets(&accepted.token));
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
                    .stuck(format!("a command for {order} is not settled within {DEADLINE:?}"));
            }
            sleep(PAUSE).await;
        }
    }

    /// Queries an order until it is shown, or refused because its events are parked.
    async fn see(&mut self, order: Uuid) {
        let deadline = Instant::now() + DEADLINE;
        while !self.ask_with(order, false, "wait=2").await {
            if Instant::now() > deadline {
                return self.recorder.stuck(format!("{order} is not shown within {DEADLINE:?}"));
            }
            sleep(PAUSE).await;
        }
    }

    async fn ask(&mut self, order: Uuid) {
        let (wait, lenient) = (self.random.u8(..4), self.random.u8(..8) == 0);
        let lenience = if lenient { ", handling=lenient" } else { "" };
        self.ask_with(order, lenient, &format!("wait={wait}{lenience}")).await;
    }

    /// Queries a random instance once. Returns whether the answer is final.
    async fn ask_with(&mut self, order: Uuid, lenient: bool, prefer: &str) -> bool {
        let query = self.query(&format!("/orders/{order}"), lenient, prefer).await;
        let (answer, is_settled) = match &query.reply {
            Reply::Document(Document { body, offsets, behind }) => {
                let behind = behind.values().next().map_or(Behind::No, |since| Behind::Since(*since));
                (shown(body, offsets.clone(), behind), true)
            }
            Reply::NotYetVisible { is_behind } => (ReadAnswer::NotYetVisible, *is_behind),
            Reply::Other(answer) => (answer.clone(), false),
        };
        self.record(order, &query, answer);
        is_settled
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
        let (asked, wanted) = (self.recorder.now(), self.seen.clone());
        let mut request = self.http.get(format!("{}{path}", self.recorder.queries[instance]));
        if !wanted.is_empty() {
            request = request.header("consistency-token", token(&self.recorder.topic, &wanted));
        }
        let reply = Reply::by(request.header("prefer", prefer).send().await).await;
        if let Reply::Document(document) = &reply {
            self.see_offsets(&document.offsets);
        }
        Query { instance, wanted, lenient, asked, answered: self.recorder.now(), reply }
    }

    fn record(&self, order: Uuid, query: &Query, answer: ReadAnswer) {
        let Query { instance, lenient, asked, answered, .. } = *query;
        let (aggregate, wanted) = (order.to_string(), query.wanted.clone());
        let session = self.number;
        self.recorder.read(Read { session, instance, aggregate, wanted, lenient, asked, answered, answer });
    }

    fn see_offsets(&mut self, offsets: &Offsets) {
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
    wanted: Offsets,
    lenient: bool,
    asked: u64,
    answered: u64,
    reply: Reply,
}
