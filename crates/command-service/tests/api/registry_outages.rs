//! A command API while the registry does not answer.

use std::iter::repeat_with;

use command_service::Context;
use event_log::{SchemaFile, partition_of};
use serde_json::json;
use test_kit::{ConnectionFault, ForeignRecord, TcpProxy};
use uuid::Uuid;

use crate::{
    account::{ACCOUNTS, COMMANDS, routes},
    answer::{Answer, send},
    environment::{PARTITIONS, prepared},
    instance::Instance,
    respond_async::{assert_refused, send_async, write},
};

/// The accounts with a new version of a schema.
const NEXT_RELEASE: Context = Context { commands: NEXT_COMMANDS, ..ACCOUNTS };

const NEXT_COMMANDS: &[SchemaFile] = &[COMMANDS[0], COMMANDS[1], SchemaFile::new(2, OPEN_ACCOUNT)];

const OPEN_ACCOUNT: &str = r#"{
    "type": "record", "namespace": "tests.bank", "name": "OpenAccount", "doc": "Opens an account.",
    "fields": [
        { "name": "owner", "type": "string" },
        { "name": "limit", "type": "long", "default": 0 }
    ]
}"#;

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

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_starts_without_the_registry_once_the_ids_of_its_schemas_are_recorded() {
    let environment = prepared(&ACCOUNTS).await;
    let first = Instance::start(environment.clone(), &ACCOUNTS, routes()).await;
    first.until_ready().await;
    let opened = account_in(0);
    send(first.post("/accounts", &json!({ "account_id": opened, "owner": "Ada" }))).await.expect(201);
    first.stop().await;

    for fault in [ConnectionFault::Refused, ConnectionFault::Held] {
        let mut registry = TcpProxy::in_front_of(&environment.servers.registry_url).await;
        registry.inject(fault).await;
        let mut behind = environment.clone();
        behind.servers.registry_url = registry.rewrite(&environment.servers.registry_url);
        let api = Instance::start(behind, &ACCOUNTS, routes()).await;
        api.until_ready().await;
        let deposits = format!("/accounts/{opened}/deposits");
        send(api.post(&deposits, &json!({ "amount": 5 }))).await.expect(200);
        let opened = open(&api, account_in(1)).await;
        assert_eq!(api.outcome(opened.header("location")).await.text("status"), "accepted");
        api.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_whose_id_is_not_recorded_waits_for_the_registry() {
    let environment = prepared(&ACCOUNTS).await;
    let first = Instance::start(environment.clone(), &ACCOUNTS, routes()).await;
    first.until_ready().await;
    first.stop().await;

    let mut registry = TcpProxy::in_front_of(&environment.servers.registry_url).await;
    registry.inject(ConnectionFault::Refused).await;
    let mut behind = environment.clone();
    behind.servers.registry_url = registry.rewrite(&environment.servers.registry_url);
    let api = Instance::start(behind, &NEXT_RELEASE, routes()).await;
    api.until_not_ready("registry", "registry is not there yet").await;
    registry.heal().await;
    api.until_ready().await;
    api.stop().await;
}
