//! The work of the clients: everything that the service makes a promise about, on the same few orders.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join;
use test_kit::history::Answer;
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    command::{Command, cancel, change_address, place},
    recorder::{Asker, Recorder},
};

/// The number of orders in use at a time.
const HOT_ORDERS: usize = 64;
/// The number of commands after which an order is replaced by a new one. An order remembers its last 64 commands, so no
/// key is forgotten while it is in use, however late it is retried.
const LIFE: usize = 60;
/// The longest pause of a client between two commands, in microseconds.
const MAX_PAUSE_MICROS: u64 = 8_000;

/// The orders that all clients work on.
pub(crate) struct Workload {
    orders: Mutex<Vec<HotOrder>>,
    enough: AtomicBool,
}

#[derive(Debug, Clone, Copy, Default)]
struct HotOrder {
    id: Uuid,
    /// The version in the last answer.
    version: u64,
    commands: usize,
}

/// A client. It has a second asker for concurrent requests.
struct Client<'r> {
    asker: Asker<'r>,
    second: Asker<'r>,
    workload: &'r Workload,
}

impl Workload {
    pub(crate) fn new() -> Self {
        let spent = HotOrder { commands: LIFE, ..HotOrder::default() };
        Self { orders: Mutex::new(vec![spent; HOT_ORDERS]), enough: AtomicBool::new(false) }
    }

    /// Lets every client end once its current command is settled.
    pub(crate) fn end(&self) {
        self.enough.store(true, Ordering::Relaxed);
    }

    /// Runs one client until the workload ends.
    pub(crate) async fn run(&self, recorder: &Recorder, number: usize, mut random: fastrand::Rng) {
        let asker = recorder.asker(number, random.fork());
        let second = recorder.asker(number, random.fork());
        let mut client = Client { asker, second, workload: self };
        while !self.enough.load(Ordering::Relaxed) {
            client.act(&mut random).await;
            sleep(Duration::from_micros(random.u64(..MAX_PAUSE_MICROS))).await;
        }
    }

    /// Reserves `commands` commands of an order. If it has too few left, it is replaced by a new order.
    fn take(&self, slot: usize, commands: usize, next: Uuid) -> HotOrder {
        let order = &mut self.orders.lock().unwrap()[slot];
        if order.commands + commands > LIFE {
            *order = HotOrder { id: next, version: 0, commands: 0 };
        }
        order.commands += commands;
        *order
    }

    fn learn(&self, slot: usize, id: Uuid, answer: &Answer) {
        if let Answer::Accepted { version, .. } | Answer::OtherVersion { current: version } = answer
            && let order = &mut self.orders.lock().unwrap()[slot]
            && order.id == id
        {
            order.version = *version;
        }
    }
}

impl Client<'_> {
    async fn act(&mut self, random: &mut fastrand::Rng) {
        let slot = random.usize(..HOT_ORDERS);
        let order = self.workload.take(slot, 2, Uuid::from_u128(random.u128(..)));
        if order.commands == 2 {
            self.settle(slot, &command(order, random, place(order.id))).await;
            return;
        }
        let elsewhere = somewhere(random);
        let change = command(order, random, elsewhere);
        match random.u8(..100) {
            0..45 => self.settle(slot, &change).await,
            45..70 => {
                // An order that does not exist has no version for a condition.
                let version = order.version.saturating_sub(random.u64(..8) / 7).max(1);
                self.settle(slot, &Command { if_match: Some(version), ..change }).await;
            }
            70..75 => self.settle(slot, &command(order, random, place(order.id))).await,
            75..78 => self.settle(slot, &command(order, random, cancel())).await,
            78..83 => {
                self.settle(slot, &change).await;
                let same = Command { key: Uuid::from_u128(random.u128(..)).to_string(), ..change };
                self.settle(slot, &same).await;
            }
            83..91 => self.at_once(slot, &change, &change).await,
            91..96 => {
                self.settle(slot, &change).await;
                self.settle(slot, &Command { request: somewhere(random), ..change }).await;
            }
            _ => {
                let other = Command { request: somewhere(random), ..change.clone() };
                self.at_once(slot, &change, &other).await;
            }
        }
    }

    async fn settle(&mut self, slot: usize, command: &Command) {
        let answer = self.asker.settle(command).await;
        self.workload.learn(slot, command.order_id, &answer);
    }

    async fn at_once(&mut self, slot: usize, one: &Command, other: &Command) {
        let (first, second) = join(self.asker.settle(one), self.second.settle(other)).await;
        self.workload.learn(slot, one.order_id, &first);
        self.workload.learn(slot, one.order_id, &second);
    }
}

fn command(order: HotOrder, random: &mut fastrand::Rng, request: serde_json::Value) -> Command {
    Command::new(order.id, Uuid::from_u128(random.u128(..)), request)
}

/// A change to an address that no other command has.
fn somewhere(random: &mut fastrand::Rng) -> serde_json::Value {
    change_address(&format!("Street {}", random.u64(..)))
}
