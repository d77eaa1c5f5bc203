//! Asking, until it is settled, with a record of every single request.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use reqwest::Client;
use test_kit::history::{Answer, Attempt};
use tokio::time::sleep;

use crate::command::Command;

/// How long a client waits for an answer. It is shorter than the service's own limit: some never hear what they wait for.
const PATIENCE: Duration = Duration::from_secs(3);
/// How soon a client comes again. It is much sooner than it is told to, so that the length of an outage is seen.
const PAUSE: Duration = Duration::from_millis(25);
/// How long a command may take until it is settled, with every fault that may come meanwhile.
const DEADLINE: Duration = Duration::from_mins(2);

/// Where the clients ask, and what they were told.
pub(crate) struct Recorder {
    pub(crate) urls: Vec<String>,
    start: Instant,
    attempts: Mutex<Vec<Attempt>>,
    stuck: Mutex<Vec<String>>,
}

/// One of many, who knows nothing of the others.
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

    /// Microseconds since the start.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap()
    }

    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().unwrap().clone()
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

    pub(crate) fn asker(&self, number: usize, random: fastrand::Rng) -> Asker<'_> {
        let http = Client::builder().timeout(PATIENCE).build().unwrap();
        Asker { recorder: self, number, http, random }
    }
}

impl Asker<'_> {
    /// Asks once, any of the instances.
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

    /// Asks until there is an answer that settles it, or it is noted that there is none.
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
