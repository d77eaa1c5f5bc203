use futures_util::future::join_all;
use reqwest::RequestBuilder;
use serde_json::Value;
use uuid::Uuid;

use crate::support::{Answer, Api, address, address_path, cancel_path, order, reason, send};

fn with_key(api: &Api, path: &str, body: &Value, key: &str) -> RequestBuilder {
    api.post(path, body).header("idempotency-key", key)
}

/// An answer without what belongs to one exchange alone.
pub(crate) fn lasting(mut answer: Answer) -> Answer {
    for name in ["date", "x-request-id", "idempotency-replayed"] {
        answer.headers.remove(name);
    }
    answer
}

#[tokio::test]
async fn a_repeated_command_gets_the_same_answer_byte_for_byte_also_after_a_crash() {
    let mut api = Api::ready().await;
    let placed = send(with_key(&api, "/orders", &order(), "place")).await.accepted(201);
    let id = placed.order_id();
    let moved = send(with_key(&api, &address_path(id), &address("Street 2"), "move")).await.accepted(200);
    let cancelled = send(with_key(&api, &cancel_path(id), &reason(), "cancel")).await.accepted(200);
    for _ in 0..2 {
        let again = [
            send(with_key(&api, "/orders", &order(), "place")).await,
            send(with_key(&api, &address_path(id), &address("Street 2"), "move")).await,
            send(with_key(&api, &cancel_path(id), &reason(), "cancel")).await,
        ];
        for (again, first) in again.into_iter().zip([&placed, &moved, &cancelled]) {
            assert_eq!(again.header("idempotency-replayed"), "true");
            assert_eq!(lasting(again), lasting(first.clone()));
        }
        api.service.kill_and_restart().await;
        api.service.until_ready().await;
    }
    assert_eq!(api.seen().len(), 3);
}

#[tokio::test]
async fn a_key_that_was_used_for_another_request_is_refused() {
    let api = Api::ready().await;
    let id = send(with_key(&api, "/orders", &order(), "key")).await.accepted(201).order_id();
    let mut dearer = order();
    dearer["lines"][0]["unit_price_minor"] = 1291.into();
    send(with_key(&api, "/orders", &dearer, "key")).await.problem(422, "idempotency-key-reused");
    send(with_key(&api, &address_path(id), &address("Street 2"), "move")).await.accepted(200);
    let other = send(with_key(&api, &address_path(id), &address("Street 3"), "move")).await;
    other.problem(422, "idempotency-key-reused");
    let other = send(with_key(&api, &cancel_path(id), &reason(), "move")).await;
    other.problem(422, "idempotency-key-reused");
    assert_eq!(api.seen().len(), 2);
}

#[tokio::test]
async fn a_key_belongs_to_one_order() {
    let api = Api::ready().await;
    for _ in 0..2 {
        let id = api.place().await;
        send(with_key(&api, &cancel_path(id), &reason(), "cancel")).await.accepted(200);
    }
    assert_eq!(api.seen().len(), 4);
}

#[tokio::test]
async fn a_request_without_a_key_is_a_new_command_each_time() {
    let api = Api::ready().await;
    let (one, two) = (api.place().await, api.place().await);
    assert_ne!(one, two);
    send(api.post(&cancel_path(one), &reason())).await.accepted(200);
    send(api.post(&cancel_path(one), &reason())).await.problem(422, "order-already-cancelled");
}

#[tokio::test]
async fn a_key_means_the_same_with_and_without_quotes_and_however_the_body_is_written() {
    let api = Api::ready().await;
    let first = send(with_key(&api, "/orders", &order(), "key")).await.accepted(201);
    let pretty = serde_json::to_string_pretty(&order()).unwrap();
    let request = with_key(&api, "/orders", &order(), "\"key\"").body(pretty);
    assert_eq!(lasting(send(request).await), lasting(first));
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_refused() {
    let api = Api::ready().await;
    for key in ["", "\"\"", &"k".repeat(256), "schlüssel"] {
        send(with_key(&api, "/orders", &order(), key)).await.problem(400, "invalid-header");
    }
    let two_keys = with_key(&api, "/orders", &order(), "one").header("idempotency-key", "other");
    send(two_keys).await.problem(400, "invalid-header");
    assert_eq!(api.seen().len(), 0);
    send(with_key(&api, "/orders", &order(), &"k".repeat(255))).await.accepted(201);
}

#[tokio::test]
async fn a_refused_command_may_be_repeated_and_leaves_its_key_free() {
    let api = Api::ready().await;
    let id = Uuid::new_v4();
    for _ in 0..2 {
        send(with_key(&api, &cancel_path(id), &reason(), "key")).await.problem(404, "order-not-found");
    }
    let mut order = order();
    order["order_id"] = id.to_string().into();
    send(with_key(&api, "/orders", &order, "key")).await.accepted(201);
}

#[tokio::test]
async fn a_hundred_callers_with_one_key_place_one_order() {
    let api = Api::ready().await;
    let order = order();
    let answers = join_all((0..100).map(|_| send(with_key(&api, "/orders", &order, "key")))).await;
    let first = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_empty());
    assert_eq!(first.count(), 1);
    let expected = lasting(answers[0].clone());
    for answer in answers {
        assert_eq!(lasting(answer.accepted(201)), expected);
    }
    assert_eq!(api.seen().len(), 1);
}
