//! Commits whose request or response is lost, late or only slow: the answer to the client is correct, a retry of the command
//! returns the outcome, and the service recovers.

use std::time::Duration;

use test_kit::{
    Api, Fault, KafkaProxy, Service, TestEnvironment, eventually,
    history::{Answer, History, check},
};
use uuid::Uuid;

use crate::{
    command::{Command, change_address, place},
    log,
    order_rules::OrderRules,
    recorder::Recorder,
};

/// How long the service waits for a commit that is lost or late. The default is longer, which would only take time.
const COMMIT_TIMEOUT: &str = "1s";
/// Longer than that.
const TOO_LONG: Duration = Duration::from_millis(2_500);
/// Shorter than the service waits for a commit by default, but long enough to be noticed.
const SLOW: Duration = Duration::from_millis(2_500);

/// One command API behind a proxy.
struct ProxiedApi {
    environment: TestEnvironment,
    proxy: KafkaProxy,
    service: Service,
    recorder: Recorder,
}

impl ProxiedApi {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let environment = TestEnvironment::prepared();
        let proxy = KafkaProxy::in_front_of(&environment.servers.brokers).await;
        let mut proxied = environment.clone();
        proxied.servers.brokers = proxy.address();
        let service = Service::command_api_with(&proxied, "orders", settings).ready().await;
        let recorder = Recorder::new(vec![service.url.clone()]);
        Self { environment, proxy, service, recorder }
    }

    /// Places an order, changes it while the fault is injected, and changes it again. Returns the first and the final
    /// answer to the first change.
    async fn change_under_fault(&self, api: Api, fault: Fault, times: usize) -> (Answer, Answer) {
        let mut client = self.recorder.sender(0, fastrand::Rng::with_seed(1));
        let order_id = Uuid::new_v4();
        client.send_until_final(&Command::new(order_id, Uuid::new_v4(), place(order_id))).await;
        self.proxy.inject(api, fault, times);
        let change = Command::new(order_id, Uuid::new_v4(), change_address("Street 2"));
        let (first, ()) = tokio::join!(client.send(&change), async {
            self.proxy.until_injected(times.min(2)).await;
            if times == usize::MAX {
                let is_unready = || async { !self.service.is_ready().await };
                eventually("the service considers the outcome unknown", is_unready).await;
            }
            self.proxy.heal();
        });
        let last = client.send_until_final(&change).await;
        client.send_until_final(&Command::new(order_id, Uuid::new_v4(), change_address("Street 3"))).await;
        self.service.until_ready().await;
        (first, last)
    }

    /// Checks every answer against the whole log.
    async fn assert_history_is_correct(&self, events: usize) {
        let history = History { attempts: self.recorder.attempts(), log: log::read(&self.environment).await };
        assert!(self.recorder.timeouts().is_empty());
        assert_eq!(check(&OrderRules, &history), [], "{history:#?}\n{}", self.service.log());
        assert_eq!(history.log.len(), events);
    }
}

/// Asserts that the change takes effect exactly once, whatever the first answer is.
async fn assert_changed_once(api: Api, fault: Fault, times: usize) {
    let proxied = ProxiedApi::start(&[("FOLDLINE_COMMIT_TIMEOUT", COMMIT_TIMEOUT)]).await;
    let (first, last) = proxied.change_under_fault(api, fault, times).await;
    assert!(matches!(&last, Answer::Accepted { version: 2, events, .. } if events.len() == 1), "{last:?}");
    let is_accepted = |answer: &Answer| matches!(answer, Answer::Accepted { version: 2, .. });
    let is_correct = is_accepted(&first) || matches!(first, Answer::Unknown | Answer::NotExecuted { .. });
    assert!(is_correct, "{first:?}, later {last:?}");
    proxied.assert_history_is_correct(3).await;
}

#[tokio::test]
async fn the_response_to_a_commit_is_lost_once() {
    assert_changed_once(Api::EndTxn, Fault::DropResponse, 1).await;
}

#[tokio::test]
async fn the_responses_to_commits_are_lost_repeatedly() {
    assert_changed_once(Api::EndTxn, Fault::DropResponse, usize::MAX).await;
}

#[tokio::test]
async fn the_response_to_a_commit_is_too_late() {
    assert_changed_once(Api::EndTxn, Fault::HoldResponse(TOO_LONG), 1).await;
}

#[tokio::test]
async fn a_commit_is_never_delivered() {
    assert_changed_once(Api::EndTxn, Fault::DropRequest, usize::MAX).await;
}

#[tokio::test]
async fn a_commit_is_delivered_after_the_shard_was_claimed_again() {
    assert_changed_once(Api::EndTxn, Fault::HoldRequest(TOO_LONG), 1).await;
}

#[tokio::test]
async fn the_responses_to_the_records_are_lost() {
    assert_changed_once(Api::Produce, Fault::DropResponse, 2).await;
}

#[tokio::test]
async fn the_response_to_the_records_is_too_late() {
    assert_changed_once(Api::Produce, Fault::HoldResponse(TOO_LONG), 1).await;
}

#[tokio::test]
async fn the_records_are_never_delivered() {
    assert_changed_once(Api::Produce, Fault::DropRequest, usize::MAX).await;
}

#[tokio::test]
async fn the_records_are_delivered_after_the_shard_was_claimed_again() {
    assert_changed_once(Api::Produce, Fault::HoldRequest(TOO_LONG), 1).await;
}

#[tokio::test]
async fn a_slow_commit_is_shown_and_the_shard_stays_owned() {
    let proxied = ProxiedApi::start(&[]).await;
    let mut client = proxied.recorder.sender(0, fastrand::Rng::with_seed(1));
    let order_id = Uuid::new_v4();
    proxied.proxy.inject(Api::EndTxn, Fault::HoldResponse(SLOW), 1);
    let placing = Command::new(order_id, Uuid::new_v4(), place(order_id));
    let is_shown = || async { proxied.service.health().await.contains("a commit has taken") };
    let (placed, ()) =
        tokio::join!(client.send_until_final(&placing), eventually("the slow commit is shown", is_shown));

    assert!(matches!(placed, Answer::Accepted { version: 1, .. }), "{placed:?}");
    let metrics = proxied.service.metrics().await;
    let takeovers: Vec<_> =
        metrics.lines().filter(|line| line.starts_with("shard_takeovers_total{")).collect();
    assert!(!takeovers.is_empty() && takeovers.iter().all(|line| line.ends_with(" 1")), "{takeovers:?}");
    proxied.assert_history_is_correct(1).await;
}
