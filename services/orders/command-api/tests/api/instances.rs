//! Two instances that share the partitions: any of them takes any command.

use futures_util::future::join_all;
use test_kit::SeenEvent;
use uuid::Uuid;

use crate::{
    retries::lasting,
    support::{Answer, Api, address, address_path, cancel_path, order, reason, send},
};

/// An order that the other of the two instances owns: placing it took a hop.
async fn placed_elsewhere(api: &Api, key: &str) -> Answer {
    let before = api.hops().await;
    for number in 0.. {
        let request = api.post("/orders", &order()).header("idempotency-key", format!("{key}-{number}"));
        let placed = send(request).await.accepted(201);
        if api.hops().await > before {
            return placed;
        }
    }
    unreachable!("there are orders without end");
}

fn only_event(api: &Api, order_id: Uuid) -> SeenEvent {
    let [event] = <[_; 1]>::try_from(api.seen_of(order_id)).unwrap();
    event
}

#[tokio::test]
async fn any_instance_takes_any_command() {
    let both = Api::two().await;
    for number in 0..40 {
        let (one, other) = (&both[number % 2], &both[(number + 1) % 2]);
        let id = one.place().await;
        send(other.post(&address_path(id), &address("Street 2"))).await.accepted(200);
        let cancelled = send(one.post(&cancel_path(id), &reason())).await.accepted(200);
        assert_eq!(cancelled.version(), 3);
        send(other.post(&cancel_path(id), &reason())).await.problem(422, "order-already-cancelled");
    }
    assert_eq!(both[0].seen().len(), 120);
    for api in &both {
        assert!(api.hops().await > 0);
    }
}

#[tokio::test]
async fn a_command_that_is_passed_on_belongs_to_the_same_conversation() {
    let [api, _other] = Api::two().await;
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for number in 0.. {
        let before = api.hops().await;
        let request = api
            .post("/orders", &order())
            .header("x-request-id", "request-1")
            .header("x-correlation-id", "conversation-1")
            .header("traceparent", traceparent);
        let answer = send(request).await.accepted(201);
        let headers = only_event(&api, answer.order_id()).headers;
        assert_eq!(answer.header("x-request-id"), "request-1");
        assert_eq!(headers["causation_id"], "request-1");
        assert_eq!(headers["correlation_id"], "conversation-1");
        assert_eq!(headers["traceparent"], traceparent);
        if number > 0 && api.hops().await > before {
            return;
        }
    }
}

#[tokio::test]
async fn an_instance_that_passes_a_command_on_names_the_request_once_for_both() {
    let [api, _other] = Api::two().await;
    let placed = placed_elsewhere(&api, "order").await;
    let event = only_event(&api, placed.order_id());
    assert_eq!(event.headers["causation_id"], placed.header("x-request-id"));
}

#[tokio::test]
async fn a_repeated_command_gets_the_same_answer_byte_for_byte_through_the_other_instance() {
    let both = Api::two().await;
    for number in 0..10 {
        let key = |what: &str| format!("{what}-{number}");
        let place = |api: &Api| api.post("/orders", &order()).header("idempotency-key", key("place"));
        let placed = send(place(&both[0])).await.accepted(201);
        let id = placed.order_id();
        let shift = |api: &Api| {
            api.post(&address_path(id), &address("Street 2")).header("idempotency-key", key("move"))
        };
        let cancel =
            |api: &Api| api.post(&cancel_path(id), &reason()).header("idempotency-key", key("cancel"));
        let moved = send(shift(&both[1])).await.accepted(200);
        let cancelled = send(cancel(&both[0])).await.accepted(200);
        for (again, first) in
            [(place(&both[1]), placed), (shift(&both[0]), moved), (cancel(&both[1]), cancelled)]
        {
            let again = send(again).await;
            assert_eq!(again.header("idempotency-replayed"), "true");
            assert_eq!(lasting(again), lasting(first));
        }
    }
    assert_eq!(both[0].seen().len(), 30);
}

#[tokio::test]
async fn of_a_hundred_who_race_for_one_version_over_two_instances_one_wins() {
    let both = Api::two().await;
    for _ in 0..4 {
        let path = address_path(both[0].place().await);
        let race = (0..100).map(|racer| {
            // Nobody asks for the address that the order has already: that would be no change, and 200.
            let elsewhere = address(&format!("Lane {racer}"));
            send(both[racer % 2].post(&path, &elsewhere).header("if-match", "\"1\""))
        });
        let (won, lost): (Vec<_>, Vec<_>) =
            join_all(race).await.into_iter().partition(|answer| answer.status == 200);
        assert_eq!(won.len(), 1);
        for lost in lost {
            assert_eq!(lost.problem(412, "version-mismatch")["current_version"], 2);
            assert_eq!(lost.header("etag"), "\"2\"");
        }
    }
}

#[tokio::test]
async fn a_hundred_callers_with_one_key_place_one_order_over_two_instances() {
    let both = Api::two().await;
    for key in ["a", "b", "c", "d"] {
        let place =
            |caller: usize| send(both[caller % 2].post("/orders", &order()).header("idempotency-key", key));
        let answers = join_all((0..100).map(place)).await;
        let expected = lasting(answers[0].clone());
        for answer in answers {
            assert_eq!(lasting(answer.accepted(201)), expected);
        }
    }
    assert_eq!(both[0].seen().len(), 4);
}

#[tokio::test]
async fn a_caller_who_plays_an_instance_gets_no_hop_and_does_no_harm() {
    let [api, other] = Api::two().await;
    let theirs = placed_elsewhere(&api, "order").await.order_id();
    let (hops, identity) = (api.hops().await, Uuid::now_v7().to_string());
    let forged = |api: &Api, epoch: &str| {
        let request = api.post(&cancel_path(theirs), &reason()).header("foldline-forwarded", &identity);
        send(request.header("foldline-owner-epoch", epoch).header("foldline-timeout-ms", "99999999"))
    };
    for epoch in ["", "0", "-1", "18446744073709551615"] {
        for api in [&api, &other] {
            let refused = forged(api, epoch).await;
            refused.problem(503, "not-ready");
            assert_eq!(refused.header("foldline-not-here"), "true");
        }
    }
    let request = api.post(&cancel_path(theirs), &reason()).header("foldline-forwarded", "nonsense");
    send(request.header("foldline-timeout-ms", "0")).await.accepted(200);
    assert_eq!(api.hops().await, hops + 1);
}
