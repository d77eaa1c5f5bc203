//! A command API that starts while Postgres does not answer.

use serde_json::json;
use sqlx::{Connection, PgConnection};
use test_kit::{ConnectionFault, TcpProxy, TestEnvironment, eventually};
use uuid::Uuid;

use crate::{
    account::{ACCOUNTS, routes},
    answer::send,
    environment::{database_url, prepared},
    instance::Instance,
};

/// An instance whose connections to Postgres go through the proxy.
async fn start_behind(proxy: &TcpProxy, environment: &TestEnvironment) -> Instance {
    let database = proxy.rewrite(&database_url(environment)).parse().unwrap();
    let with_proxy = |settings: &mut command_service::Settings| {
        settings.database = database;
        settings.engine.cache.load_pause = std::time::Duration::from_millis(100);
        settings.engine.cache.save_interval = std::time::Duration::from_millis(100);
    };
    Instance::start_with(environment.clone(), &ACCOUNTS, routes(), with_proxy).await
}

/// The sum of the versions of all saved aggregates.
async fn saved(environment: &TestEnvironment) -> i64 {
    let mut postgres = PgConnection::connect(&database_url(environment)).await.unwrap();
    let sum = "SELECT coalesce(sum(version), 0)::bigint FROM snapshots";
    sqlx::query_scalar(sum).fetch_one(&mut postgres).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_serves_although_postgres_was_never_there_and_saves_snapshots_once_it_is() {
    let environment = prepared(&ACCOUNTS).await;
    let first = Instance::start(environment.clone(), &ACCOUNTS, routes()).await;
    first.until_ready().await;
    let id = Uuid::now_v7();
    let open = json!({ "account_id": id, "owner": "Ada" });
    send(first.post("/accounts", &open)).await.expect(201);
    first.stop().await;

    for fault in [ConnectionFault::Refused, ConnectionFault::Held] {
        let mut postgres = TcpProxy::in_front_of(&environment.servers.database_server_url).await;
        postgres.inject(fault).await;
        let api = start_behind(&postgres, &environment).await;
        api.until_ready().await;
        let deposits = format!("/accounts/{id}/deposits");
        send(api.post(&deposits, &json!({ "amount": 5 }))).await.expect(200);
        postgres.heal().await;
        let events = i64::try_from(api.events().len()).unwrap();
        eventually("everything is saved", || async { saved(&environment).await == events }).await;
        send(api.post(&deposits, &json!({ "amount": 5 }))).await.expect(200);
        api.stop().await;
    }
}
