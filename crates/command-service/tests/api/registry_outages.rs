//! Commands through Kafka whose schema is not loaded, while the registry does not answer.

use std::iter::repeat_with;

use event_log::partition_of;
use serde_json::json;
use test_kit::{ConnectionFault, ForeignRecord, TcpProxy};
use uuid::Uuid;

use crate::{
    account::{ACCOUNTS, routes},
    answer::Answer,
    environment::{PARTITIONS, prepared},
    instance::Instance,
    respond_async::{assert_refused, send_async, write},
};

/// Opens an account by a command through Kafka.
async fn open(api: &Instance, id: Uuid) -> Answer {
    send_async(api.post("/accounts", &json!({ "account_id": id, "owner": "Ada" }))).await
}

/// The id of a new account in this partition.
fn account_in(partition: i32) -> Uuid {
    repeat_with(Uuid::now_v7).find(|id| partition_of(&(*id).into(), PARTITIONS) == partition).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_waits_for_the_registry_holds_back_only_its_own_partition() {
    let environment = prepared(&ACCOUNTS).await;
    let mut registry = TcpProxy::in_front_of(&environment.servers.registry_url).await;
    let mut behind = environment.clone();
    behind.servers.registry_url = registry.rewrite(&environment.servers.registry_url);
    let api = Instance::start(behind, &ACCOUNTS, routes()).await;
    api.until_ready().await;
    registry.inject(ConnectionFault::Held).await;

    let (id, command_id) = (account_in(0), Uuid::now_v7().to_string());
    let (key, unknown_schema) = (id.to_string(), [0, 0x7f, 0x7f, 0x7f, 0x7f, 0]);
    let headers = [("ce_id", command_id.as_bytes()), ("ce_type", &b"tests.bank.OpenAccount"[..])];
    let record =
        ForeignRecord { key: Some(key.as_bytes()), headers: &headers, payload: Some(&unknown_schema) };
    write(&api, id, record).await;
    let held_back = open(&api, id).await;
    for partition in 1..PARTITIONS {
        let opened = open(&api, account_in(partition)).await;
        assert_eq!(api.outcome(opened.header("location")).await.text("status"), "accepted");
    }
    assert_eq!(api.get(held_back.header("location")).await.text("status"), "pending");

    registry.heal().await;
    assert_refused(&api.outcome(&format!("/commands/{command_id}")).await, 400, "malformed-command");
    assert_eq!(api.outcome(held_back.header("location")).await.text("status"), "accepted");
    api.stop().await;
}
