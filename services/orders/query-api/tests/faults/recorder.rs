//! The URLs of the services, and a record of every answer.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use test_kit::read_history::{Read, ReadHistory, Write};
use uuid::Uuid;

use crate::services::Services;

pub(crate) struct Recorder {
    pub(crate) commands: String,
    pub(crate) queries: Vec<String>,
    /// The topic of the events.
    pub(crate) topic: String,
    start: Instant,
    history: Mutex<ReadHistory>,
    /// Orders that other sessions may query.
    known: Mutex<Vec<Uuid>>,
    stuck: Mutex<Vec<String>>,
    enough: AtomicBool,
}

impl Recorder {
    pub(crate) fn new(services: &Services) -> Self {
        Self {
            commands: services.commands.url.clone(),
            queries: services.queries.iter().map(|service| service.url.clone()).collect(),
            topic: services.environment.topic("orders.events"),
            start: Instant::now(),
            history: Mutex::default(),
            known: Mutex::default(),
            stuck: Mutex::default(),
            enough: AtomicBool::new(false),
        }
    }

    /// Microseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap()
    }

    pub(crate) fn write(&self, write: Write) {
        self.history.lock().unwrap().writes.push(write);
    }

    pub(crate) fn read(&self, read: Read) {
        self.history.lock().unwrap().reads.push(read);
    }

    /// All answers so far.
    pub(crate) fn history(&self) -> ReadHistory {
        self.history.lock().unwrap().clone()
    }

    pub(crate) fn publish(&self, order: Uuid) {
        self.known.lock().unwrap().push(order);
    }

    /// A random order that has been placed.
    pub(crate) fn any_order(&self, random: &mut fastrand::Rng) -> Option<Uuid> {
        let known = self.known.lock().unwrap();
        (!known.is_empty()).then(|| known[random.usize(..known.len())])
    }

    /// Records that something did not happen in time.
    pub(crate) fn stuck(&self, what: String) {
        println!("stuck at {} ms: {what}", self.now() / 1000);
        self.stuck.lock().unwrap().push(what);
    }

    /// Everything that did not happen in time.
    pub(crate) fn all_stuck(&self) -> Vec<String> {
        self.stuck.lock().unwrap().clone()
    }

    /// Lets every session end once it has seen what it wrote.
    pub(crate) fn end(&self) {
        self.enough.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_enough(&self) -> bool {
        self.enough.load(Ordering::Relaxed)
    }
}
