//! Commands with an `Idempotency-Key`.

use command_service::Settings;
use futures_util::future::join_all;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use test_kit::{LogView, TestEnvironment, eventually};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    account::{ACCOUNTS, routes},
    answer::send,
    environment::{database_url, new_key, prepared},
    instance::Instance,
    process::start_process,
    shared,
};

fn with_key(api: &Instance, path: &str, body: &Value, key: &str) -> RequestBuilder {
    api.post(path, body).header("idempotency-key", key)
}

fn open() -> Value {
    json!({ "owner": "Ada" })
}

fn deposit(amount: i64) -> Value {
    json!({ "amount": amount })
}

#[tokio::test]
async fn a_retry_gets_an_identical_response_even_after_a_crash() {
    let environment = prepared(&ACCOUNTS).await;
    let mut api = start_process(&environment);
    api.until_ready().await;
    // Without pooled connections, because the process is killed.
    let http = Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let url = api.url.clone();
    let post = |path: &str, body: &Value, key: &str| {
        send(http.post(format!("{url}{path}")).json(body).header("idempotency-key", key))
    };
    let opened = post("/accounts", &open(), "open").await.expect(201);
    let deposits = format!("{}/deposits", opened.header("location"));
    let five = post(&deposits, &deposit(5), "five").await.expect(200);
    let seven = post(&deposits, &deposit(7), "seven").await.expect(200);
    for _ in 0..2 {
        for (path, body, key, first) in [
            ("/accounts", open(), "open", &opened),
            (&deposits, deposit(5), "five", &five),
            (&deposits, deposit(7), "seven", &seven),
        ] {
            let repeated = post(path, &body, key).await.replayed();
            assert_eq!(repeated.without_varying_headers(), first.clone().without_varying_headers());
        }
        api.kill_and_restart().await;
        api.until_ready().await;
    }
    let events = environment.topic("accounts.events");
    assert_eq!(LogView::of(&environment.servers.brokers, &events).len(), 3);
}

#[tokio::test]
async fn a_key_is_honoured_after_many_commands_a_restart_and_the_loss_of_all_snapshots() {
    let environment = prepared(&ACCOUNTS).await;
    let database = Mutex::new(PgConnection::connect(&database_url(&environment)).await.unwrap());
    let mut api = saving_at_once(&environment).await;
    let opened = send(with_key(&api, "/accounts", &open(), "open")).await.expect(201);
    let deposits = format!("{}/deposits", opened.header("location"));
    let first = send(with_key(&api, &deposits, &deposit(5), "first")).await.expect(200);
    for later in 0..78 {
        send(with_key(&api, &deposits, &deposit(1), &later.to_string())).await.expect(200);
    }
    let count = async || {
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM evicted_commands");
        count.fetch_one(&mut *database.lock().await).await.unwrap()
    };
    eventually("the evicted commands are saved", || async { count().await == 80 - 64 }).await;
    for then in ["SELECT 1", "DELETE FROM snapshot_checkpoint", "DELETE FROM snapshots"] {
        let repeated = send(with_key(&api, &deposits, &deposit(5), "first")).await.expect(200).replayed();
        assert_eq!(repeated.without_varying_headers(), first.clone().without_varying_headers());
        let other = with_key(&api, &deposits, &deposit(6), "first");
        send(other).await.problem(422, "idempotency-key-reused");
        api.stop().await;
        sqlx::query(then).execute(&mut *database.lock().await).await.unwrap();
        api = saving_at_once(&environment).await;
    }
    send(with_key(&api, &deposits, &deposit(5), "first")).await.expect(200).replayed();
    assert_eq!(api.events().len(), 80);
}

/// An instance that saves each change at once.
async fn saving_at_once(environment: &TestEnvironment) -> Instance {
    let save_at_once = |settings: &mut Settings| settings.engine.cache.save_changes = 1;
    let api = Instance::start_with(environment.clone(), &ACCOUNTS, routes(), save_at_once).await;
    api.until_ready().await;
    api
}

#[tokio::test]
async fn a_key_already_used_for_another_request_is_refused() {
    let (api, key, other_key) = (shared::api().await, new_key(), new_key());
    let opened = send(with_key(api, "/accounts", &open(), &key)).await.expect(201);
    let id = opened.account_id();
    let of_bob = json!({ "owner": "Bob" });
    send(with_key(api, "/accounts", &of_bob, &key)).await.problem(422, "idempotency-key-reused");
    let deposits = format!("/accounts/{id}/deposits");
    send(with_key(api, &deposits, &deposit(5), &other_key)).await.expect(200);
    let seven = with_key(api, &deposits, &deposit(7), &other_key);
    send(seven).await.problem(422, "idempotency-key-reused");
    let repeated = json!({ "account_id": id, "owner": "Ada" });
    let another_command = with_key(api, "/accounts", &repeated, &other_key);
    send(another_command).await.problem(422, "idempotency-key-reused");
    assert_eq!(api.events_of(id).len(), 2);
}

#[tokio::test]
async fn a_key_is_scoped_to_its_aggregate() {
    let (api, key) = (shared::api().await, new_key());
    for _ in 0..2 {
        let opened = send(api.post("/accounts", &open())).await.expect(201);
        let deposits = format!("{}/deposits", opened.header("location"));
        send(with_key(api, &deposits, &deposit(5), &key)).await.expect(200);
        assert_eq!(api.events_of(opened.account_id()).len(), 2);
    }
}

#[tokio::test]
async fn a_request_without_a_key_is_a_new_command_each_time() {
    let api = shared::api().await;
    let one = send(api.post("/accounts", &open())).await.expect(201);
    let two = send(api.post("/accounts", &open())).await.expect(201);
    assert_ne!(one.text("account_id"), two.text("account_id"));
    let deposits = format!("{}/deposits", one.header("location"));
    for version in [2, 3] {
        let deposited = send(api.post(&deposits, &deposit(5))).await.expect(200);
        assert_eq!(deposited.body["version"], version);
    }
}

#[tokio::test]
async fn quotes_around_a_key_and_the_layout_of_the_body_make_no_difference() {
    let (api, key) = (shared::api().await, new_key());
    let first = send(with_key(api, "/accounts", &open(), &key)).await.expect(201);
    let pretty = serde_json::to_string_pretty(&open()).unwrap();
    let repeated = with_key(api, "/accounts", &open(), &format!("\"{key}\"")).body(pretty);
    assert_eq!(send(repeated).await.replayed().without_varying_headers(), first.without_varying_headers());
}

#[tokio::test]
async fn an_invalid_key_is_refused() {
    let (api, id) = (shared::api().await, Uuid::now_v7());
    let open = json!({ "account_id": id, "owner": "Ada" });
    for key in ["", "\"\"", &"k".repeat(256), "schlüssel"] {
        send(with_key(api, "/accounts", &open, key)).await.problem(400, "invalid-header");
    }
    let two_keys = with_key(api, "/accounts", &open, "one").header("idempotency-key", "other");
    send(two_keys).await.problem(400, "invalid-header");
    assert_eq!(api.events_of(id).len(), 0);
    send(with_key(api, "/accounts", &open, &"k".repeat(255))).await.expect(201);
}

#[tokio::test]
async fn a_refused_command_can_be_retried_with_the_same_key() {
    let (api, id, key) = (shared::api().await, Uuid::now_v7(), new_key());
    let deposits = format!("/accounts/{id}/deposits");
    for _ in 0..2 {
        send(with_key(api, &deposits, &deposit(5), &key)).await.problem(404, "account-not-found");
    }
    let open = json!({ "account_id": id, "owner": "Ada" });
    send(with_key(api, "/accounts", &open, &key)).await.expect(201);
}

#[tokio::test]
async fn a_hundred_callers_with_one_key_open_one_account() {
    let (api, key, open) = (shared::api().await, new_key(), open());
    let answers = join_all((0..100).map(|_| send(with_key(api, "/accounts", &open, &key)))).await;
    let first = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_empty());
    assert_eq!(first.count(), 1);
    let expected = answers[0].clone().without_varying_headers();
    for answer in answers {
        assert_eq!(answer.expect(201).without_varying_headers(), expected);
    }
    assert_eq!(api.events_of(expected.account_id()).len(), 1);
}
