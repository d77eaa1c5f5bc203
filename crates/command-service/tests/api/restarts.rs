//! Restarts of servers and instances under load.

use std::sync::Arc;

use reqwest::Client;
use test_kit::{Api, Fault, KafkaProxy, LogView, OwnServers, Service, TestEnvironment, eventually};
use tokio::task::spawn_blocking;

use crate::{
    account::{ACCOUNTS, routes},
    callers::{Callers, assert_all_opened_once},
    environment::{SHARDS, prepare, prepared},
    instance::Instance,
    process::start_process,
};

/// The number of shards that a process owns.
async fn owned(process: &Service) -> usize {
    let owned = |line: &&str| line.starts_with("shard_owned{") && line.ends_with(" 1");
    process.metrics().await.lines().filter(owned).count()
}

#[tokio::test]
async fn a_rolling_restart_loses_and_duplicates_nothing_and_every_retry_succeeds() {
    let environment = prepared(&ACCOUNTS).await;
    let mut processes = [start_process(&environment), start_process(&environment)];
    for process in &processes {
        process.until_ready().await;
    }
    eventually("both own shards", || async {
        let (one, other) = (owned(&processes[0]).await, owned(&processes[1]).await);
        one > 0 && other > 0 && one + other == usize::try_from(SHARDS).unwrap()
    })
    .await;
    let callers =
        Callers { http: Client::new(), urls: processes.iter().map(|process| process.url.clone()).collect() };
    let opened = callers
        .open_while(async |progress| {
            for index in [0, 1, 0, 1] {
                progress.wait_for_more(200).await;
                processes[index].signal("TERM");
                assert!(processes[index].ended().await.success(), "{}", processes[index].log());
                processes[index].restart();
                processes[index].until_ready().await;
            }
        })
        .await;
    let events = LogView::of(&environment.servers.brokers, &environment.topic("accounts.events"));
    assert_all_opened_once(&events, &opened);
    eventually("both are ready", || async { processes[0].is_ready().await && processes[1].is_ready().await })
        .await;
}

#[tokio::test]
async fn an_instance_is_not_ready_before_it_has_claimed_its_shards_although_another_serves_them() {
    let environment = prepared(&ACCOUNTS).await;
    let first = start_process(&environment).ready().await;
    let proxy = KafkaProxy::in_front_of(&environment.servers.brokers).await;
    proxy.inject(Api::InitProducerId, Fault::DropRequest, usize::MAX);
    let mut behind = environment.clone();
    behind.servers.brokers = proxy.address();
    let second = start_process(&behind);
    let is_warming_up = || async { second.health().await.contains("warming up") };
    eventually("the second instance shows that it warms up", is_warming_up).await;
    assert!(first.is_ready().await && !second.is_ready().await);
    proxy.heal();
    second.until_ready().await;
    assert!(owned(&second).await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_killed_under_load_loses_and_duplicates_nothing_and_the_service_recovers() {
    let own = Arc::new(spawn_blocking(OwnServers::start).await.unwrap());
    let environment = TestEnvironment::on(own.servers.clone());
    prepare(&environment, &ACCOUNTS).await;
    let api = Instance::start(environment, &ACCOUNTS, routes()).await;
    api.until_ready().await;
    let callers = Callers { http: Client::new(), urls: vec![format!("http://{}", api.address)] };
    let opened = callers
        .open_while(async |progress| {
            progress.wait_for_more(300).await;
            own.change(|own| own.kill("kafka")).await;
            eventually("the instance is not ready", || async { !api.health.is_ready() }).await;
            own.change(|own| own.start_server("kafka")).await;
            api.until_ready().await;
            progress.wait_for_more(300).await;
        })
        .await;
    assert_all_opened_once(&api.events(), &opened);
    api.stop().await;
}
