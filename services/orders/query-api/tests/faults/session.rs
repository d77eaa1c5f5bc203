//! What a session does: it writes, and asks any of the instances for what it and others wrote, always with the token of
//! everything that it has been told.

use std::time::Duration;

use reqwest::Client;
use serde_json::Value;
use test_kit::read_history::{Behind, Offsets, Read, ReadAnswer, Write};
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::{
    answers::{Document, Told, offsets, shown, token},
    poison,
    recorder::Recorder,
    requests::Command,
};

/// How long a session waits for an answer: longer than it ever asks an answer to wait.
const PATIENCE: Duration = Duration::from_secs(5);
/// How soon a session repeats a command or a query that was not answered.
const PAUSE: Duration = Duration::from_millis(50);
/// How long something may take until it is settled, with every fault that may come meanwhile.
const DEADLINE: Duration = Duration::from_secs(40);
/// How many orders of a session are alive at a time.
const ALIVE: usize = 4;
/// How many orders a session looks at in the end; the rows of all are looked at, too.
const LAST: usize = 50;
/// The longest list that the query API gives.
const LONGEST_LIST: usize = 200;

pub(crate) struct Session<'r> {
    recorder: &'r Recorder,
    number: usize,
    http: Client,
    random: fastrand::Rng,
    /// Everything that it has been told of.
    seen: Offsets,
    alive: Vec<Uuid>,
    all: Vec<Uuid>,
}

impl<'r> Session<'r> {
    pub(crate) fn new(recorder: &'r Recorder, number: usize, random: fastrand::Rng) -> Self {
        let http = Client::builder().timeout(PATIENCE).build().unwrap();
        Self { recorder, number, http, random, seen: Offsets::new(), alive: vec![], all: vec![] }
    }

    /// Writes, and asks if it is to, one command each `interval`, until it is enough; then sees what it wrote last.
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
        for order in self.all.iter().rev().take(LAST).copied().collect::<Vec<_>>() {
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

    /// Places an order, or changes one that it has placed.
    async fn write(&mut self) -> Uuid {
        let key = self.any_id();
        if self.alive.len() < ALIVE {
            let order = self.any_id();
            let customer =
                if poison::is_due(&mut self.random) { poison::CUSTOMER.into() } else { self.customer() };
            self.settle(order, Command::place(key, order, &customer)).await;
            self.alive.push(order);
            self.all.push(order);
            self.recorder.publish(order);
            return order;
        }
        let slot = self.random.usize(..ALIVE);
        let order = self.alive[slot];
        if self.random.u8(..5) == 0 {
            self.alive.swap_remove(slot);
            let reason = if poison::is_due(&mut self.random) { poison::REASON } else { "ordered twice" };
            self.settle(order, Command::cancel(key, order, reason)).await;
        } else {
            let street = format!("Street {}", self.random.u64(..));
            self.settle(order, Command::change_address(key, order, &street)).await;
        }
        order
    }

    /// Sends a command until it is done.
    async fn settle(&mut self, order: Uuid, command: Command) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(done) = command.send(&self.http, &self.recorder.commands).await {
                self.learn(&offsets(&done.token));
                let answered = self.recorder.now();
                let (session, aggregate) = (self.number, order.to_string());
                return self.recorder.write(Write { session, aggregate, version: done.version, answered });
            }
            if Instant::now() > deadline {
                return self
                    .recorder
                    .stuck(format!("a command for {order} is not settled within {DEADLINE:?}"));
            }
            sleep(PAUSE).await;
        }
    }

    /// Asks for an order until it is shown, or refused because its events are parked.
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

    /// Asks once, any of the instances, and says whether nothing else will ever be answered.
    async fn ask_with(&mut self, order: Uuid, lenient: bool, prefer: &str) -> bool {
        let question = self.question(&format!("/orders/{order}"), lenient, prefer).await;
        let (answer, is_settled) = match &question.told {
            Told::Document(Document { body, offsets, behind }) => {
                let behind = behind.values().next().map_or(Behind::No, |since| Behind::Since(*since));
                (shown(body, offsets.clone(), behind), true)
            }
            Told::NotYetVisible { is_behind } => (ReadAnswer::NotYetVisible, *is_behind),
            Told::Other(answer) => (answer.clone(), false),
        };
        self.record(order, &question, answer);
        is_settled
    }

    /// Asks for all its own orders at once. Those that are not in the list count as shown not to be there.
    async fn list(&mut self) {
        let path = format!("/orders?customer_id={}&limit={LONGEST_LIST}", self.customer());
        let question = self.question(&path, false, "wait=2").await;
        let Told::Document(Document { body, offsets, behind }) = &question.told else {
            return;
        };
        let behind = if behind.is_empty() { Behind::No } else { Behind::Somebody };
        let record = |id: Uuid, order| self.record(id, &question, shown(order, offsets.clone(), behind));
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

    async fn question(&mut self, path: &str, lenient: bool, prefer: &str) -> Question {
        let instance = self.random.usize(..self.recorder.queries.len());
        let (asked, wanted) = (self.recorder.now(), self.seen.clone());
        let mut request = self.http.get(format!("{}{path}", self.recorder.queries[instance]));
        if !wanted.is_empty() {
            request = request.header("consistency-token", token(&self.recorder.topic, &wanted));
        }
        let told = Told::by(request.header("prefer", prefer).send().await).await;
        if let Told::Document(document) = &told {
            self.learn(&document.offsets);
        }
        Question { instance, wanted, lenient, asked, answered: self.recorder.now(), told }
    }

    fn record(&self, order: Uuid, question: &Question, answer: ReadAnswer) {
        let Question { instance, lenient, asked, answered, .. } = *question;
        let (aggregate, wanted) = (order.to_string(), question.wanted.clone());
        let session = self.number;
        self.recorder.read(Read { session, instance, aggregate, wanted, lenient, asked, answered, answer });
    }

    fn learn(&mut self, offsets: &Offsets) {
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

/// One request and what it was told.
struct Question {
    instance: usize,
    wanted: Offsets,
    lenient: bool,
    asked: u64,
    answered: u64,
    told: Told,
}
