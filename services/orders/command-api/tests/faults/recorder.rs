//! Sends commands until their answers are final, and records every request.

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
/// How long a command may take until its answer is final, whatever faults happen in the meantime.
const DEADLINE: Duration = Duration::from_mins(2);

/// The URLs of the instances, and every request to them.
pub(crate) struct Recorder {
    pub(crate) urls: Vec<String>,
    start: Instant,
    attempts: Mutex<Vec<Attempt>>,
    timeouts: Mutex<Vec<String>>,
}

/// Sends the commands of a client.
pub(crate) struct Sender<'r> {
    pub(crate) recorder: &'r Recorder,
    pub(crate) number: usize,
    pub(crate) http: Client,
    pub(crate) random: fastrand::Rng,
}

impl Recorder {
    pub(crate) fn new(urls: Vec<String>) -> Self {
        Self { urls, start: Instant::now(), attempts: Mutex::default(), timeouts: Mutex::default() }
    }

    /// Microseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap()
    }

    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().unwrap().clone()
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

    pub(crate) fn sender(&self, number: usize, random: fastrand::Rng) -> Sender<'_> {
        let http = Client::builder().timeout(RESPONSE_TIMEOUT).build().unwrap();
        Sender { recorder: self, number, http, random }
    }
}

impl Sender<'_> {
    /// Sends a command once, to a random instance.
    pub(crate) async fn send(&mut self, command: &Command) -> Answer {
        let instance = self.random.usize(..self.recorder.urls.len());
        let sent = self.recorder.now();
        let answer = command.send(&self.http, &self.recorder.urls[instance]).await;
        self.recorder.attempts.lock().unwrap().push(Attempt {
            client: self.number,
            instance,
            aggregate: command.order_id.to_string(),
            command_id: command.id(),
            request: command.request.clone(),
            expected: command.if_match,
            sent,
            answered: self.recorder.now(),
            answer: answer.clone(),
        });
        answer
    }

    /// Sends a command until an answer is final, and panics if none is in time.
    pub(crate) async fn send_until_final(&mut self, command: &Command) -> Answer {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let answer = self.send(command).await;
            if answer.is_final() {
                return answer;
            }
            assert!(
                Instant::now() < deadline,
                "no final answer within {DEADLINE:?}: {command:?}, last {answer:?}"
            );
            sleep(PAUSE).await;
        }
    }
}
