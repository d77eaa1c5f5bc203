//! Callers that retry each command until it is accepted.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use futures_util::future::join_all;
use reqwest::Client;
use serde_json::json;
use test_kit::ConsumedRecord;
use tokio::{sync::mpsc, time::sleep};

use crate::{
    answer::{Answer, try_send},
    environment::new_key,
};

const CALLERS: usize = 16;
/// The pause before a retry.
const PAUSE: Duration = Duration::from_millis(20);

pub(crate) struct Callers {
    pub(crate) http: Client,
    /// The URLs of the instances, which are tried in turn.
    pub(crate) urls: Vec<String>,
}

/// Reports each accepted command.
pub(crate) struct Progress(mpsc::UnboundedReceiver<()>);

impl Progress {
    /// Waits until this many more commands are accepted.
    pub(crate) async fn wait_for_more(&mut self, count: usize) {
        while self.0.try_recv().is_ok() {}
        for _ in 0..count {
            self.0.recv().await.unwrap();
        }
    }
}

impl Callers {
    /// Opens accounts while `during` runs, and returns the responses.
    pub(crate) async fn open_while(&self, during: impl AsyncFnOnce(&mut Progress)) -> Vec<Answer> {
        let (accepted, progress) = mpsc::unbounded_channel();
        let (stop, mut progress) = (AtomicBool::new(false), Progress(progress));
        let callers = join_all((0..CALLERS).map(|caller| self.open_until(caller, &stop, accepted.clone())));
        let during = async {
            during(&mut progress).await;
            stop.store(true, Relaxed);
        };
        let (opened, ()) = tokio::join!(callers, during);
        opened.concat()
    }

    async fn open_until(
        &self,
        caller: usize,
        stop: &AtomicBool,
        accepted: mpsc::UnboundedSender<()>,
    ) -> Vec<Answer> {
        let mut opened = Vec::new();
        while !stop.load(Relaxed) {
            opened.push(self.open(caller).await);
            accepted.send(()).unwrap();
        }
        opened
    }

    /// Opens an account, and retries until it succeeds.
    async fn open(&self, caller: usize) -> Answer {
        let (key, body) = (new_key(), json!({ "owner": "Ada" }));
        for attempt in caller.. {
            let url = format!("{}/accounts", self.urls[attempt % self.urls.len()]);
            match try_send(self.http.post(url).json(&body).header("idempotency-key", &key)).await {
                Ok(answer) if answer.status == 201 => return answer,
                Ok(answer) => {
                    let answer = answer.expect(503);
                    assert_eq!(answer.header("retry-after"), "1", "{}", answer.body);
                }
                // If there are several instances, one may end while it processes the request.
                Err(error) => assert!(self.urls.len() > 1, "{error}"),
            }
            sleep(PAUSE).await;
        }
        unreachable!("a caller retries until it succeeds")
    }
}

/// Asserts that the log contains exactly the opened accounts, each once and at the position in its response.
pub(crate) fn assert_all_opened_once(events: &[ConsumedRecord], opened: &[Answer]) {
    let acknowledged: BTreeMap<_, _> = opened
        .iter()
        .map(|answer| {
            let id = answer.body["events"][0]["id"].as_str().unwrap().to_owned();
            (answer.account_id().to_string(), (id, answer.body["position"]["offset"].as_i64().unwrap()))
        })
        .collect();
    let written: BTreeMap<_, _> = events
        .iter()
        .map(|event| (event.key.clone(), (event.headers["ce_id"].clone(), event.offset)))
        .collect();
    assert_eq!(written.len(), events.len(), "an account was opened twice");
    assert_eq!(written, acknowledged);
    assert!(events.iter().all(|event| event.headers["aggregate_version"] == "1"));
}
