//! Who asks where, and a record of everything that was told.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use test_kit::read_history::{Read, ReadHistory, Write};
use uuid::Uuid;

use crate::stage::Stage;

pub(crate) struct Recorder {
    pub(crate) commands: String,
    pub(crate) queries: Vec<String>,
    /// The events' topic.
    pub(crate) topic: String,
    start: Instant,
    told: Mutex<ReadHistory>,
    /// Orders that other sessions may look at.
    known: Mutex<Vec<Uuid>>,
    stuck: Mutex<Vec<String>>,
    enough: AtomicBool,
}

impl Recorder {
    pub(crate) fn new(stage: &Stage) -> Self {
        Self {
            commands: stage.commands.url.clone(),
            queries: stage.queries.iter().map(|service| service.url.clone()).collect(),
            topic: stage.environment.topic("orders.events"),
            start: Instant::now(),
            told: Mutex::default(),
            known: Mutex::default(),
            stuck: Mutex::default(),
            enough: AtomicBool::new(false),
        }
    }

    /// Microseconds since the start.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap()
    }

    pub(crate) fn write(&self, write: Write) {
        self.told.lock().unwrap().writes.push(write);
    }

    pub(crate) fn read(&self, read: Read) {
        self.told.lock().unwrap().reads.push(read);
    }

    /// Everything that was told until now.
    pub(crate) fn told(&self) -> ReadHistory {
        self.told.lock().unwrap().clone()
    }

    pub(crate) fn publish(&self, order: Uuid) {
        self.known.lock().unwrap().push(order);
    }

    /// Any order that somebody has placed.
    pub(crate) fn any_order(&self, random: &mut fastrand::Rng) -> Option<Uuid> {
        let known = self.known.lock().unwrap();
        (!known.is_empty()).then(|| known[random.usize(..known.len())])
    }

    /// Notes that something did not come about in time.
    pub(crate) fn stuck(&self, what: String) {
        println!("stuck at {} ms: {what}", self.now() / 1000);
        self.stuck.lock().unwrap().push(what);
    }

    /// Everything that did not come about in time.
    pub(crate) fn all_stuck(&self) -> Vec<String> {
        self.stuck.lock().unwrap().clone()
    }

    /// Lets every session end when it has seen what it wrote.
    pub(crate) fn end(&self) {
        self.enough.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_enough(&self) -> bool {
        self.enough.load(Ordering::Relaxed)
    }
}
