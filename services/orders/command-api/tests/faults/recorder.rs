//! Sends commands until they are settled, and records every request.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use reqwest::Client;
use test_kit::history::{Answer, Attempt};
use tokio::time::sleep;

use crate::command::Command;

/// How long a client waits for a response. This is shorter than the service's own limit, so some clients give up first.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);
/// The pause before a retry. It is much shorter than `Retry-After`, so that the length of outages can be measured.
const PAUSE: Duration = Duration::from_millis(25);
/// How long a command may take until it is settled, whatever faults happen in the meantime.
const DEADLINE: Duration = Duration::from_mins(2);

/// The URLs of the instances, and every request to them.
pub(crate) struct Recorder {
    pub(crate) urls: Vec<String>,
    start: Instant,
    attempts: Mutex<Vec<Attempt>>,
    stuck: Mutex<Vec<String>>,
}

/// One of many independent clients.
pub(crate) struct Asker<'r> {
    pub(crate) recorder: &'r Recorder,
    pub(crate) number: usize,
    pub(crate) http: Client,
    pub(crate) random: fastrand::Rng,
}

impl Recorder {
    pub(crate) fn new(urls: Vec<String>) -> Self {
        Self { urls, start: Instant::now(), attempts: Mutex::default(), stuck: Mutex::default() }
    }

    /// Microseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap()
    }

    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().unwrap().clone()
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

    pub(crate) fn asker(&self, number: usize, random: fastrand::Rng) -> Asker<'_> {
        let http = Client::builder().timeout(RESPONSE_TIMEOUT).build().unwrap();
        Asker { recorder: self, number, http, random }
    }
}

impl Asker<'_> {
    /// Sends a command once, to a random instance.
    pub(crate) async fn ask(&mut self, command: &Command) -> Answer {
        let instance = self.random.usize(..self.recorder.urls.len());
        let asked = self.recorder.now();
        let answer = command.ask(&self.http, &self.recorder.urls[instance]).await;
        self.recorder.attempts.lock().unwrap().push(Attempt {
            client: self.number,
            instance,
            aggregate: command.order_id.to_string(),
            command_id: command.id(),
            request: command.request.clone(),
            expected: command.if_match,
            asked,
            answered: self.recorder.now(),
            answer: answer.clone(),
        });
        answer
    }

    /// Sends a command until an answer settles it, and panics if none does in time.
    pub(crate) async fn settle(&mut self, command: &Command) -> Answer {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let answer = self.ask(command).await;
            if answer.is_final() {
                return answer;
            }
            assert!(
                Instant::now() < deadline,
                "not settled within {DEADLINE:?}: {command:?}, last {answer:?}"
            );
            sleep(PAUSE).await;
        }
    }
}
