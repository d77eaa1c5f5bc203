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
    placed: Mutex<Vec<Uuid>>,
    timeouts: Mutex<Vec<String>>,
    stopped: AtomicBool,
}

impl Recorder {
    pub(crate) fn new(services: &Services) -> Self {
        Self {
            commands: services.commands.url.clone(),
            queries: services.queries.iter().map(|service| service.url.clone()).collect(),
            topic: services.environment.topic("orders.events"),
            start: Instant::now(),
            history: Mutex::default(),
            placed: Mutex::default(),
            timeouts: Mutex::default(),
            stopped: AtomicBool::new(false),
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
        self.placed.lock().unwrap().push(order);
    }

    /// A random order that has been placed.
    pub(crate) fn any_order(&self, random: &mut fastrand::Rng) -> Option<Uuid> {
        let placed = self.placed.lock().unwrap();
        (!placed.is_empty()).then(|| placed[random.usize(..placed.len())])
    }

    /// Records a condition that was not met in time.
    pub(crate) fn timed_out(&self, what: String) {
        println!("timeout at {} ms: {what}", self.now() / 1000);
        self.timeouts.lock().unwrap().push(what);
    }

    /// The conditions that were not met in time.
    pub(crate) fn timeouts(&self) -> Vec<String> {
        self.timeouts.lock().unwrap().clone()
    }

    /// Lets every session end once it has seen its own writes.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}
