//! The service while its servers are gone. Each of these tests breaks servers of its own.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::Value;
use test_kit::{OwnServers, TestEnvironment, eventually, eventually_some};
use tokio::{sync::mpsc, task::spawn_blocking, time::sleep};
use uuid::Uuid;

use crate::support::{Answer, Api, order, send, try_send};

/// Starts, stops or kills servers, which takes a while, and lets the callers go on meanwhile.
async fn change(own: &Arc<OwnServers>, change: impl FnOnce(&OwnServers) + Send + 'static) {
    let own = Arc::clone(own);
    spawn_blocking(move || change(&own)).await.unwrap();
}

/// Waits until a part of the service says that it is not ready for a reason with this text in it.
async fn not_ready_for(api: &Api, part: &str, text: &str) {
    let reason = || async {
        let answer = reqwest::get(format!("{}/health/ready", api.service.admin_url)).await.ok()?;
        assert_ne!(answer.status(), 200, "it says that it is ready");
        let body: Value = answer.json().await.ok()?;
        body["parts"][part]["reason"].as_str().filter(|reason| reason.contains(text)).map(str::to_owned)
    };
    eventually_some(&format!("{part} is not ready: {text}; the log is\n{}", api.service.log()), reason).await;
    let refused = send(api.post("/orders", &order())).await;
    refused.problem(503, "not-ready");
    assert_eq!(refused.header("retry-after"), "1");
}

#[tokio::test]
async fn a_service_that_starts_before_its_servers_waits_for_them_and_later_needs_no_registry() {
    let own = Arc::new(spawn_blocking(OwnServers::start).await.unwrap());
    change(&own, |own| ["kafka", "registry"].iter().for_each(|server| own.stop(server))).await;
    let api = Api::starting(TestEnvironment::on(own.servers.clone()), &[]);
    not_ready_for(&api, "topics", "topics are not there yet").await;
    change(&own, |own| own.start_again("kafka")).await;
    api.environment.foldline("topics apply");
    api.environment.foldline("migrations apply");
    not_ready_for(&api, "registry", "registry is not there yet").await;
    change(&own, |own| own.start_again("registry")).await;
    api.service.until_ready().await;
    api.place().await;
    change(&own, |own| own.kill("registry")).await;
    for _ in 0..10 {
        api.place().await;
    }
    assert!(api.service.is_ready().await);
    assert_eq!(api.seen().len(), 11);
}

/// A caller who places order after order, each with a key of its own and until it is done, as callers should.
async fn place_persistently(api: &Api, enough: &AtomicBool, done: mpsc::UnboundedSender<()>) -> Vec<Answer> {
    let mut accepted = Vec::new();
    while !enough.load(Ordering::Relaxed) {
        accepted.push(place_until_it_is_done(api).await);
        done.send(()).unwrap();
    }
    accepted
}

async fn place_until_it_is_done(api: &Api) -> Answer {
    let key = Uuid::new_v4().to_string();
    loop {
        let answer = try_send(api.post("/orders", &order()).header("idempotency-key", &key)).await.unwrap();
        if answer.status == 201 {
            return answer;
        }
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"), "{}", answer.text);
        sleep(Duration::from_millis(100)).await;
    }
}

async fn times(count: usize, is_done: &mut mpsc::UnboundedReceiver<()>) {
    for _ in 0..count {
        is_done.recv().await.unwrap();
    }
}

#[tokio::test]
async fn a_broker_that_is_killed_under_load_loses_and_doubles_nothing_and_the_service_goes_on_by_itself() {
    let own = Arc::new(spawn_blocking(OwnServers::start).await.unwrap());
    let environment = TestEnvironment::on(own.servers.clone());
    environment.foldline("topics apply");
    environment.foldline("migrations apply");
    let api = Api::starting(environment, &[]);
    api.service.until_ready().await;
    let (done, mut is_done) = mpsc::unbounded_channel();
    let enough = AtomicBool::new(false);
    let callers = join_all((0..16).map(|_| place_persistently(&api, &enough, done.clone())));
    let faults = async {
        times(300, &mut is_done).await;
        change(&own, |own| own.kill("kafka")).await;
        eventually("the service says that it is not ready", || async { !api.service.is_ready().await }).await;
        change(&own, |own| own.start_again("kafka")).await;
        api.service.until_ready().await;
        while is_done.try_recv().is_ok() {}
        times(300, &mut is_done).await;
        enough.store(true, Ordering::Relaxed);
    };
    let (accepted, ()) = tokio::join!(callers, faults);
    assert_acknowledged_is_what_is_there(&api, accepted.iter().flatten());
}

fn assert_acknowledged_is_what_is_there<'a>(api: &Api, accepted: impl Iterator<Item = &'a Answer>) {
    let event_ids = |answer: &Answer| {
        let id = answer.body()["events"][0]["id"].as_str().unwrap().to_owned();
        (answer.order_id().to_string(), (id, answer.body()["position"]["offset"].as_i64().unwrap()))
    };
    let acknowledged: BTreeMap<_, _> = accepted.map(event_ids).collect();
    let seen = api.seen();
    let in_log: BTreeMap<_, _> = seen
        .iter()
        .map(|event| (event.key.clone(), (event.headers["ce_id"].clone(), event.offset)))
        .collect();
    assert_eq!(in_log.len(), seen.len(), "an order was placed twice");
    assert_eq!(in_log, acknowledged);
    api.assert_no_version_is_missing();
}
