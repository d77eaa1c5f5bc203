//! The commands of the clients, which exercise every guarantee of the service on the same few orders.

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
    recorder::{Recorder, Sender},
};

/// The number of orders in use at a time.
const HOT_ORDERS: usize = 64;
/// The number of commands after which an order is replaced by a new one. An order remembers its last 64 commands, so no
/// key is forgotten while it is in use, however late it is retried.
const MAX_COMMANDS: usize = 60;
/// The longest pause of a client between two commands, in microseconds.
const MAX_PAUSE_MICROS: u64 = 8_000;

/// The orders that all clients work on.
pub(crate) struct Workload {
    orders: Mutex<Vec<HotOrder>>,
    stopped: AtomicBool,
}

#[derive(Debug, Clone, Copy, Default)]
struct HotOrder {
    id: Uuid,
    /// The version in the last answer.
    version: u64,
    commands: usize,
}

/// A client. Its second sender is for concurrent requests.
struct Client<'r> {
    sender: Sender<'r>,
    second_sender: Sender<'r>,
    workload: &'r Workload,
}

impl Workload {
    pub(crate) fn new() -> Self {
        let used_up = HotOrder { commands: MAX_COMMANDS, ..HotOrder::default() };
        Self { orders: Mutex::new(vec![used_up; HOT_ORDERS]), stopped: AtomicBool::new(false) }
    }

    /// Lets every client end after the final answer to its current command.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Runs one client until the workload ends.
    pub(crate) async fn run(&self, recorder: &Recorder, number: usize, mut random: fastrand::Rng) {
        let sender = recorder.sender(number, random.fork());
        let second_sender = recorder.sender(number, random.fork());
        let mut client = Client { sender, second_sender, workload: self };
        while !self.stopped.load(Ordering::Relaxed) {
            client.act(&mut random).await;
            sleep(Duration::from_micros(random.u64(..MAX_PAUSE_MICROS))).await;
        }
    }

    /// Reserves `commands` commands of an order. An order with too few commands left is replaced by a new one.
    fn reserve(&self, slot: usize, commands: usize, next: Uuid) -> HotOrder {
        let order = &mut self.orders.lock().unwrap()[slot];
        if order.commands + commands > MAX_COMMANDS {
            *order = HotOrder { id: next, version: 0, commands: 0 };
        }
        order.commands += commands;
        *order
    }

    fn record_version(&self, slot: usize, id: Uuid, answer: &Answer) {
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
        let order = self.workload.reserve(slot, 2, Uuid::from_u128(random.u128(..)));
        if order.commands == 2 {
            self.send_until_final(slot, &command(order, random, place(order.id))).await;
            return;
        }
        let address = new_address(random);
        let change = command(order, random, address);
        match random.u8(..100) {
            0..45 => self.send_until_final(slot, &change).await,
            45..70 => {
                // An order that does not exist has no version for a condition.
                let version = order.version.saturating_sub(random.u64(..8) / 7).max(1);
                self.send_until_final(slot, &Command { if_match: Some(version), ..change }).await;
            }
            70..75 => self.send_until_final(slot, &command(order, random, place(order.id))).await,
            75..78 => self.send_until_final(slot, &command(order, random, cancel())).await,
            78..83 => {
                self.send_until_final(slot, &change).await;
                let same = Command { key: Uuid::from_u128(random.u128(..)).to_string(), ..change };
                self.send_until_final(slot, &same).await;
            }
            83..91 => self.send_concurrently(slot, &change, &change).await,
            91..96 => {
                self.send_until_final(slot, &change).await;
                self.send_until_final(slot, &Command { request: new_address(random), ..change }).await;
            }
            _ => {
                let other = Command { request: new_address(random), ..change.clone() };
                self.send_concurrently(slot, &change, &other).await;
            }
        }
    }

    async fn send_until_final(&mut self, slot: usize, command: &Command) {
        let answer = self.sender.send_until_final(command).await;
        self.workload.record_version(slot, command.order_id, &answer);
    }

    async fn send_concurrently(&mut self, slot: usize, one: &Command, other: &Command) {
        let (first, second) =
            join(self.sender.send_until_final(one), self.second_sender.send_until_final(other)).await;
        self.workload.record_version(slot, one.order_id, &first);
        self.workload.record_version(slot, one.order_id, &second);
    }
}

fn command(order: HotOrder, random: &mut fastrand::Rng, request: serde_json::Value) -> Command {
    Command::new(order.id, Uuid::from_u128(random.u128(..)), request)
}

/// A change to an address that no other command uses.
fn new_address(random: &mut fastrand::Rng) -> serde_json::Value {
    change_address(&format!("Street {}", random.u64(..)))
}
