//! The commands of the clients, which exercise every guarantee of the service on the same few orders.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
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
/// The number of commands after which an order is replaced by a new one. An order remembers its last 64 commands, so its
/// keys are answered from memory, however late they are repeated.
const MAX_COMMANDS: usize = 60;
/// The first orders live longer: their older keys are evicted from memory, and are then repeated.
const LONG_LIVED_ORDERS: usize = 4;
/// The number of commands after which a long-lived order is replaced.
const MAX_COMMANDS_OF_LONG_LIVED: usize = 600;
/// A command has been evicted from memory when its order has accepted this many others.
const REMEMBERED_COMMANDS: u64 = 64;
/// The longest pause of a client between two commands, in microseconds.
const MAX_PAUSE_MICROS: u64 = 8_000;

/// The orders that all clients work on.
pub(crate) struct Workload {
    orders: Mutex<Vec<HotOrder>>,
    /// The accepted commands of long-lived orders and the versions they led to, by order.
    accepted: Mutex<BTreeMap<Uuid, Vec<(u64, Command)>>>,
    evicted_repeated: AtomicUsize,
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
        let used_up = HotOrder { commands: MAX_COMMANDS_OF_LONG_LIVED, ..HotOrder::default() };
        Self {
            orders: Mutex::new(vec![used_up; HOT_ORDERS]),
            accepted: Mutex::default(),
            evicted_repeated: AtomicUsize::default(),
            stopped: AtomicBool::new(false),
        }
    }

    /// How many commands were repeated after their orders had evicted them.
    pub(crate) fn evicted_repeated(&self) -> usize {
        self.evicted_repeated.load(Ordering::Relaxed)
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
        let max = if is_long_lived(slot) { MAX_COMMANDS_OF_LONG_LIVED } else { MAX_COMMANDS };
        if order.commands + commands > max {
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
            // The answer to a repeated command has the version of the first one.
            order.version = order.version.max(*version);
        }
    }

    fn record_accepted(&self, slot: usize, command: &Command, answer: &Answer) {
        if let Answer::Accepted { version, events, replayed: false, .. } = answer
            && is_long_lived(slot)
            && !events.is_empty()
        {
            let mut accepted = self.accepted.lock().unwrap();
            accepted.entry(command.order_id).or_default().push((*version, command.clone()));
        }
    }

    /// An accepted command that its order has evicted, if there is one.
    fn evicted(&self, order: &HotOrder, random: &mut fastrand::Rng) -> Option<Command> {
        let accepted = self.accepted.lock().unwrap();
        let mut evicted = accepted.get(&order.id)?.iter().collect::<Vec<_>>();
        evicted.retain(|(version, _)| version + REMEMBERED_COMMANDS <= order.version);
        let (_, command) = random.choice(evicted)?;
        self.evicted_repeated.fetch_add(1, Ordering::Relaxed);
        Some(command.clone())
    }
}

impl Client<'_> {
    async fn act(&mut self, random: &mut fastrand::Rng) {
        let orders = if random.u8(..4) == 0 { LONG_LIVED_ORDERS } else { HOT_ORDERS };
        let slot = random.usize(..orders);
        let order = self.workload.reserve(slot, 2, Uuid::from_u128(random.u128(..)));
        if order.commands == 2 {
            self.send_until_final(slot, &command(order, random, place(order.id))).await;
            return;
        }
        if random.u8(..8) == 0
            && let Some(evicted) = self.workload.evicted(&order, random)
        {
            self.repeat_evicted(slot, evicted, random).await;
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
            75..78 if !is_long_lived(slot) => {
                self.send_until_final(slot, &command(order, random, cancel())).await;
            }
            75..83 => {
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

    /// Repeats a command that its order has evicted, or reuses its key for another request.
    async fn repeat_evicted(&mut self, slot: usize, evicted: Command, random: &mut fastrand::Rng) {
        let repeated = match random.u8(..4) {
            0 => Command { request: new_address(random), ..evicted },
            _ => evicted,
        };
        self.send_until_final(slot, &repeated).await;
    }

    async fn send_until_final(&mut self, slot: usize, command: &Command) {
        let answer = self.sender.send_until_final(command).await;
        self.workload.record_version(slot, command.order_id, &answer);
        self.workload.record_accepted(slot, command, &answer);
    }

    async fn send_concurrently(&mut self, slot: usize, one: &Command, other: &Command) {
        let (first, second) =
            join(self.sender.send_until_final(one), self.second_sender.send_until_final(other)).await;
        self.workload.record_version(slot, one.order_id, &first);
        self.workload.record_version(slot, one.order_id, &second);
    }
}

fn is_long_lived(slot: usize) -> bool {
    slot < LONG_LIVED_ORDERS
}

fn command(order: HotOrder, random: &mut fastrand::Rng, request: serde_json::Value) -> Command {
    Command::new(order.id, Uuid::from_u128(random.u128(..)), request)
}

/// A change to an address that no other command uses.
fn new_address(random: &mut fastrand::Rng) -> serde_json::Value {
    change_address(&format!("Street {}", random.u64(..)))
}
