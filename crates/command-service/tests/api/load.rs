//! Many concurrent callers.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde_json::json;
use test_kit::ConsumedRecord;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    account::{ACCOUNTS, routes},
    answer::{Answer, send, try_send},
    environment::prepared,
    instance::Instance,
    shared,
};

/// The positions of the events, according to the responses.
fn answered<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> BTreeSet<(i64, i64)> {
    let position = |answer: &Answer| {
        let position = &answer.body["position"];
        (position["partition"].as_i64().unwrap(), position["offset"].as_i64().unwrap())
    };
    answers.into_iter().map(position).collect()
}

/// The positions of the events, according to the log.
fn written(events: &[ConsumedRecord]) -> BTreeSet<(i64, i64)> {
    events.iter().map(|event| (event.partition.into(), event.offset)).collect()
}

async fn open(api: &Instance) -> reqwest::Result<Answer> {
    try_send(api.post("/accounts", &json!({ "owner": "Ada" }))).await
}

/// Sends deposits to an account, one after the other.
async fn deposit_often(api: &Instance, id: Uuid, count: usize) -> Vec<Answer> {
    let deposits = format!("/accounts/{id}/deposits");
    let mut answers = Vec::with_capacity(count);
    for amount in 1..=count {
        answers.push(send(api.post(&deposits, &json!({ "amount": amount }))).await.expect(200));
    }
    answers
}

#[tokio::test]
async fn a_thousand_commands_on_five_accounts_leave_no_gap_in_the_versions() {
    const CALLERS: usize = 200;
    let api = shared::api().await;
    let accounts: [Uuid; 5] = std::array::from_fn(|_| Uuid::now_v7());
    for id in accounts {
        send(api.post("/accounts", &json!({ "account_id": id, "owner": "Ada" }))).await.expect(201);
    }
    let callers = (0..CALLERS).map(|caller| deposit_often(api, accounts[caller % 5], 5));
    let answers: Vec<_> = join_all(callers).await.into_iter().flatten().collect();
    let mut versions = BTreeMap::<_, BTreeSet<_>>::new();
    for answer in &answers {
        let of_account = versions.entry(answer.text("account_id").to_owned()).or_default();
        assert!(of_account.insert(answer.body["version"].as_u64().unwrap()), "a version was returned twice");
    }
    let events = accounts.map(|id| api.events_of(id));
    for (id, events) in accounts.iter().zip(&events) {
        assert_eq!(versions[&id.to_string()], (2..=201).collect());
        let in_log: Vec<u64> =
            events.iter().map(|event| event.headers["aggregate_version"].parse().unwrap()).collect();
        assert_eq!(in_log, (1..=201).collect::<Vec<_>>());
    }
    assert_eq!(answered(&answers).len(), 1000);
    assert!(written(&events.concat()).is_superset(&answered(&answers)));
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_beyond_the_queue_limit_are_refused_at_once_and_the_others_are_accepted() {
    let environment = prepared(&ACCOUNTS).await;
    let api = Instance::start_with(environment, &ACCOUNTS, routes(), |settings| {
        (settings.engine.max_waiting, settings.engine.max_group) = (1, 1);
    })
    .await;
    api.until_ready().await;
    let answers = join_all((0..200).map(|_| open(&api))).await.into_iter().map(Result::unwrap);
    let (accepted, refused): (Vec<_>, Vec<_>) = answers.partition(|answer| answer.status == 201);
    assert!(!accepted.is_empty() && !refused.is_empty(), "{} accepted", accepted.len());
    for refused in refused {
        assert_eq!(refused.problem(503, "overloaded").header("retry-after"), "1");
    }
    assert_eq!(written(&api.events()), answered(&accepted));
}

/// Opens accounts until the instance no longer responds.
async fn open_until_shutdown(api: &Instance, accepted_sender: mpsc::UnboundedSender<()>) -> Vec<Answer> {
    let mut accepted = Vec::new();
    while let Ok(answer) = open(api).await {
        if answer.status == 201 {
            accepted.push(answer);
            accepted_sender.send(()).unwrap();
        } else {
            answer.problem(503, "not-ready");
        }
    }
    accepted
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_shut_down_under_load_has_written_every_acknowledged_command() {
    let api = Instance::ready(&ACCOUNTS, routes()).await;
    let (accepted_sender, mut accepted_events) = mpsc::unbounded_channel();
    let callers = join_all((0..16).map(|_| open_until_shutdown(&api, accepted_sender.clone())));
    let end = async {
        for _ in 0..300 {
            accepted_events.recv().await.unwrap();
        }
        api.begin_stop();
        while accepted_events.recv().await.is_some() {}
    };
    drop(accepted_sender);
    let (accepted, ()) = tokio::join!(callers, end);
    let events = api.events();
    api.stop().await;
    let accepted: Vec<_> = accepted.into_iter().flatten().collect();
    assert!(written(&events).is_superset(&answered(&accepted)));
    assert!(accepted.len() >= 300);
}
