//! An instance whose servers or topics are not as it needs them.

use std::sync::Arc;

use command_service::Settings;
use event_log::{ClientSettings, Shards, Topics, apply_topics};
use serde_json::json;
use service_kit::settings::Environment;
use test_kit::{OwnServers, TestEnvironment};

use crate::{
    account::{ACCOUNTS, routes},
    answer::{Answer, send},
    environment::{PARTITIONS, SHARDS, prepare},
    instance::Instance,
};

async fn open(api: &Instance) -> Answer {
    send(api.post("/accounts", &json!({ "owner": "Ada" }))).await
}

async fn commands_are_refused(api: &Instance) {
    assert_eq!(open(api).await.problem(503, "not-ready").header("retry-after"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn until_its_topics_are_there_the_service_says_not_ready_and_refuses_commands() {
    let environment = TestEnvironment::empty();
    let api = Instance::start(environment.clone(), &ACCOUNTS, routes()).await;
    api.until_not_ready("topics", &api.topic("events")).await;
    api.until_not_ready("topics", "does not exist").await;
    commands_are_refused(&api).await;
    prepare(&environment, &ACCOUNTS).await;
    api.until_ready().await;
    open(&api).await.expect(201);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_with_another_number_of_partitions_or_shards_end_the_service_with_both_numbers() {
    for (partitions, shards, expected) in [
        (PARTITIONS + 1, SHARDS, "accounts.events has 5 partitions, not 4"),
        (PARTITIONS, SHARDS + 1, "accounts.owners has 3 partitions, not 2"),
    ] {
        let environment = TestEnvironment::empty();
        let client = ClientSettings { brokers: environment.servers.brokers.clone() };
        let topics = Topics::new(&environment.topic_prefix, ACCOUNTS.name);
        apply_topics(&client, &topics, Shards::new(partitions, shards).unwrap(), 1).await.unwrap();
        let error = Instance::start(environment, &ACCOUNTS, routes()).await.ended().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_number_of_shards_beyond_the_partitions_is_refused_with_its_variable() {
    let read = |shards| {
        let mut variables =
            Environment::from([("FOLDLINE_TOPIC_PARTITIONS", "4"), ("FOLDLINE_SHARDS", shards)]);
        let settings = Settings::read(&mut variables, &ACCOUNTS);
        variables.finish().map(|()| settings.log.shards.count()).map_err(|error| error.to_string())
    };
    assert_eq!(read("1"), Ok(1));
    assert_eq!(read("4"), Ok(4));
    for shards in ["0", "5", "x"] {
        assert!(read(shards).unwrap_err().contains("FOLDLINE_SHARDS: "), "{shards}");
    }
    let mut one = Environment::from([("FOLDLINE_TOPIC_PARTITIONS", "1")]);
    assert_eq!(Settings::read(&mut one, &ACCOUNTS).log.shards, Shards::new(1, 1).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_starts_before_its_servers_waits_for_them_and_later_needs_no_registry() {
    let own = Arc::new(OwnServers::not_started());
    own.change(|own| own.start_server("postgres")).await;
    let environment = TestEnvironment::on(own.servers.clone());
    let api = Instance::start(environment.clone(), &ACCOUNTS, routes()).await;
    api.until_not_ready("topics", "topics are not there yet").await;
    commands_are_refused(&api).await;
    own.change(|own| own.start_server("kafka")).await;
    prepare(&environment, &ACCOUNTS).await;
    api.until_not_ready("registry", "registry is not there yet").await;
    commands_are_refused(&api).await;
    own.change(|own| own.start_server("registry")).await;
    api.until_ready().await;
    open(&api).await.expect(201);
    own.change(|own| own.kill("registry")).await;
    for _ in 0..10 {
        open(&api).await.expect(201);
    }
    assert!(api.health.is_ready());
    assert_eq!(api.events().len(), 11);
    api.stop().await;
}
