//! Many callers at once.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::support::{Answer, Api, address, address_path, order, send, try_send};

/// Where the events of accepted commands stand, as they were answered.
fn places<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> BTreeSet<(i64, i64)> {
    let place = |answer: &Answer| {
        let position = &answer.body()["position"];
        (position["partition"].as_i64().unwrap(), position["offset"].as_i64().unwrap())
    };
    answers.into_iter().map(place).collect()
}

/// Where the events stand that are in the log.
fn places_in_log(api: &Api) -> BTreeSet<(i64, i64)> {
    api.seen().iter().map(|event| (event.partition.into(), event.offset)).collect()
}

/// Every order's versions in the log count from 1 without a hole.
pub(crate) fn versions_have_no_holes(api: &Api) {
    let mut versions = BTreeMap::<_, u64>::new();
    for event in api.seen() {
        let version: u64 = event.headers["aggregate_version"].parse().unwrap();
        let last = versions.insert(event.key, version).unwrap_or(0);
        assert_eq!(version, last + 1);
    }
}

/// A caller who sends `count` changes to an order, one after the other.
async fn change_often(api: &Api, order_id: Uuid, caller: usize, count: usize) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(count);
    for number in 0..count {
        let elsewhere = address(&format!("Street {caller}-{number}"));
        answers.push(send(api.post(&address_path(order_id), &elsewhere)).await.accepted(200));
    }
    answers
}

#[tokio::test]
async fn a_thousand_commands_on_five_orders_leave_versions_without_holes() {
    const CALLERS: usize = 200;
    let api = Api::ready().await;
    let orders = join_all((0..5).map(|_| api.place())).await;
    let callers = (0..CALLERS).map(|caller| change_often(&api, orders[caller % 5], caller, 5));
    let answers: Vec<_> = join_all(callers).await.into_iter().flatten().collect();
    let mut versions = BTreeMap::<_, BTreeSet<_>>::new();
    for answer in &answers {
        assert!(
            versions.entry(answer.order_id()).or_default().insert(answer.version()),
            "a version was given twice"
        );
    }
    for order_id in orders {
        assert_eq!(versions[&order_id], (2..=201).collect());
    }
    assert_eq!(places(&answers).len(), 1000);
    assert!(places_in_log(&api).is_superset(&places(&answers)));
    assert_eq!(api.seen().len(), 1005);
    versions_have_no_holes(&api);
}

#[tokio::test]
async fn more_than_can_wait_is_refused_at_once_and_the_rest_is_done() {
    let api = Api::with(&[("FOLDLINE_MAX_WAITING_COMMANDS", "1"), ("FOLDLINE_MAX_GROUP_SIZE", "1")]).await;
    let order = order();
    let answers = join_all((0..200).map(|_| send(api.post("/orders", &order)))).await;
    let (accepted, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert!(!accepted.is_empty() && !refused.is_empty(), "{} accepted", accepted.len());
    for refused in refused {
        refused.problem(503, "overloaded");
        assert_eq!(refused.header("retry-after"), "1");
    }
    assert_eq!(places_in_log(&api), places(&accepted));
}

/// A caller who places orders until the service does not answer any more.
async fn place_until_the_end(api: &Api, done: mpsc::UnboundedSender<()>) -> Vec<Answer> {
    let mut accepted = Vec::new();
    while let Ok(answer) = try_send(api.post("/orders", &order())).await {
        if answer.status == 201 {
            accepted.push(answer);
            done.send(()).unwrap();
        } else {
            answer.problem(503, "not-ready");
        }
    }
    accepted
}

#[tokio::test]
async fn a_service_that_ends_under_load_has_written_everything_that_it_acknowledged() {
    let mut api = Api::ready().await;
    let (done, mut is_done) = mpsc::unbounded_channel();
    let callers = join_all((0..16).map(|_| place_until_the_end(&api, done.clone())));
    let end = async {
        for _ in 0..300 {
            is_done.recv().await.unwrap();
        }
        api.service.signal("TERM");
        while is_done.recv().await.is_some() {}
    };
    drop(done);
    let (accepted, ()) = tokio::join!(callers, end);
    assert!(api.service.ended().await.success(), "{}", api.service.log());
    let accepted: Vec<_> = accepted.into_iter().flatten().collect();
    assert!(places_in_log(&api).is_superset(&places(&accepted)));
    assert!(accepted.len() >= 300);
}
