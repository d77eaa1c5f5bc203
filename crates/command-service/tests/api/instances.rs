//! Two instances that share the partitions.

use std::collections::BTreeSet;

use serde_json::json;
use test_kit::eventually;

use crate::{
    account::{ACCOUNTS, routes},
    support::{Instance, PARTITIONS, prepared, send},
};

/// Two instances, both ready.
async fn both() -> [Instance; 2] {
    let environment = prepared(&ACCOUNTS).await;
    let one = Instance::start(environment.clone(), &ACCOUNTS, routes()).await;
    one.until_ready().await;
    let other = Instance::start(environment, &ACCOUNTS, routes()).await;
    other.until_ready().await;
    [one, other]
}

#[tokio::test(flavor = "multi_thread")]
async fn any_instance_accepts_any_command() {
    let both = both().await;
    for number in 0..12 {
        let (one, other) = (&both[number % 2], &both[(number + 1) % 2]);
        let key = number.to_string();
        let open = |api: &Instance| {
            api.post("/accounts", &json!({ "owner": "Ada" })).header("idempotency-key", &key)
        };
        let opened = send(open(one)).await.expect(201);
        let again = send(open(other)).await.expect(201);
        assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &opened.body));
        assert_eq!(again.header("location"), opened.header("location"));
        let path = format!("{}/deposits", opened.header("location"));
        assert_eq!(send(other.post(&path, &json!({ "amount": 5 }))).await.expect(200).body["version"], 2);
    }
    let partitions: BTreeSet<_> = both[0].events().iter().map(|event| event.partition).collect();
    assert_eq!(partitions, (0..PARTITIONS).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_partitions_of_an_instance_that_ends_move_to_the_other_without_a_refusal() {
    let [one, other] = both().await;
    let opened = send(one.post("/accounts", &json!({ "owner": "Ada" }))).await.expect(201);
    one.stop().await;
    let path = format!("{}/deposits", opened.header("location"));
    for number in 2..12 {
        let deposited = send(other.post(&path, &json!({ "amount": 5 }))).await.expect(200);
        assert_eq!(deposited.body["version"], number);
        send(other.post("/accounts", &json!({ "owner": "Bob" }))).await.expect(201);
    }
    eventually("the instance that is left is ready", || async { other.health.is_ready() }).await;
}
