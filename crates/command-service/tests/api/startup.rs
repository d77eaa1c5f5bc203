//! Startup while servers or topics are missing or misconfigured.

use std::{error::Error, sync::Arc, time::Duration};

use command_service::{Settings, StartupError};
use event_log::{ClientSettings, NewRecord, Shards, Topics, apply_topics};
use serde_json::json;
use service_kit::settings::Environment;
use test_kit::{EventWriter, OwnServers, TestEnvironment, add_partitions};
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    account::{ACCOUNTS, AccountOpened, EVENTS, Event, MoneyDeposited, routes},
    answer::{Answer, send},
    environment::{PARTITIONS, SHARDS, prepare, prepared},
    instance::Instance,
};

async fn open(api: &Instance) -> Answer {
    send(api.post("/accounts", &json!({ "owner": "Ada" }))).await
}

async fn assert_commands_are_refused(api: &Instance) {
    assert_eq!(open(api).await.problem(503, "not-ready").header("retry-after"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_its_topics_is_not_ready_and_refuses_commands() {
    let environment = TestEnvironment::empty();
    let api = Instance::start(environment.clone(), &ACCOUNTS, routes()).await;
    api.until_not_ready("topics", &api.topic("events")).await;
    api.until_not_ready("topics", "does not exist").await;
    assert_commands_are_refused(&api).await;
    prepare(&environment, &ACCOUNTS).await;
    api.until_ready().await;
    open(&api).await.expect(201);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_number_of_partitions_or_shards_ends_the_service_with_an_error() {
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
fn an_invalid_number_of_shards_is_refused_with_its_variable() {
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
async fn partitions_added_while_a_service_runs_make_it_unready() {
    let environment = prepared(&ACCOUNTS).await;
    let api = Instance::start_with(environment, &ACCOUNTS, routes(), |settings| {
        settings.topics_check_interval = Duration::from_millis(200);
    })
    .await;
    api.until_ready().await;
    add_partitions(&api.environment.servers.brokers, &api.topic("commands"), 5).await;
    api.until_not_ready("topics", "has 5 partitions, not 4").await;
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_waits_for_its_servers_and_needs_no_registry_after_it_has_started() {
    let own = Arc::new(OwnServers::not_started());
    own.change(|own| own.start_server("postgres")).await;
    let environment = TestEnvironment::on(own.servers.clone());
    let api = Instance::start(environment.clone(), &ACCOUNTS, routes()).await;
    api.until_not_ready("topics", "topics are not there yet").await;
    assert_commands_are_refused(&api).await;
    own.change(|own| own.start_server("kafka")).await;
    prepare(&environment, &ACCOUNTS).await;
    api.until_not_ready("registry", "registry is not there yet").await;
    assert_commands_are_refused(&api).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_whose_ids_differ_from_those_in_the_log_ends_the_service() {
    let unknown_id: fn(&mut NewRecord) = |record| record.payload[1..5].copy_from_slice(&[0x7f; 4]);
    let other_type: fn(&mut NewRecord) =
        |record| "tests.bank.MoneyDeposited".clone_into(&mut record.envelope.event_type);
    let corruptions = [
        (unknown_id, "no avro schema with the id 2139062143"),
        (other_type, "the headers say tests.bank.MoneyDeposited"),
    ];
    for (corrupt, cause) in corruptions {
        let environment = prepared(&ACCOUNTS).await;
        let mut writer = EventWriter::<Event>::new(&environment, ACCOUNTS.name, PARTITIONS, EVENTS).await;
        writer.append_corrupt(&Uuid::now_v7().into(), 1, &opened("Ada"), corrupt).await;
        let error = Instance::start(environment, &ACCOUNTS, routes()).await.ended().await.unwrap_err();
        assert!(error.to_string().contains("is not the one that the log was written with"), "{error}");
        assert!(error.source().unwrap().to_string().contains(cause), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_on_which_the_aggregate_panics_ends_the_service_with_an_error() {
    let environment = prepared(&ACCOUNTS).await;
    let mut writer = EventWriter::<Event>::new(&environment, ACCOUNTS.name, PARTITIONS, EVENTS).await;
    // The last deposit overflows the balance.
    let deposits = [i64::MAX, 1].map(|amount| Event::MoneyDeposited(MoneyDeposited { amount }));
    writer.append_new([[vec![opened("Ada")], deposits.to_vec()].concat()]).await;
    let api = Instance::start(environment, &ACCOUNTS, routes()).await;
    let ended = timeout(Duration::from_mins(1), api.ended()).await.expect("the service ends");
    assert!(matches!(ended, Err(StartupError::WriteSidePanicked)), "{ended:?}");
}

fn opened(owner: &str) -> Event {
    Event::AccountOpened(AccountOpened { owner: owner.to_owned() })
}
