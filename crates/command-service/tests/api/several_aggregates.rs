//! A context with two types of aggregates.

use serde_json::json;

use crate::{
    answer::send,
    bank::{BANK, routes},
    instance::Instance,
};

#[tokio::test(flavor = "multi_thread")]
async fn each_aggregate_type_has_its_own_ids_events_and_source() {
    let api = Instance::ready(&BANK, routes()).await;
    let account = send(api.post("/accounts", &json!({ "owner": "Ada" }))).await.expect(201);
    let card = send(api.post("/cards", &json!({ "holder": "Ada" }))).await.expect(201);
    assert_eq!(account.header("location"), format!("/accounts/{}", account.text("account_id")));
    assert_eq!(card.header("location"), format!("/cards/{}", card.text("card_id")));
    let block = format!("/cards/{}/block", card.text("card_id"));
    assert_eq!(send(api.post(&block, &json!({}))).await.expect(200).body["version"], 2);
    let mut sources: Vec<_> = api
        .events()
        .into_iter()
        .map(|event| (event.headers["ce_type"].clone(), event.headers["ce_source"].clone()))
        .collect();
    sources.sort();
    let expected = [
        ("tests.bank.AccountOpened", "/bank/account"),
        ("tests.bank.CardBlocked", "/bank/card"),
        ("tests.bank.CardIssued", "/bank/card"),
    ];
    assert_eq!(sources, expected.map(|(name, source)| (name.to_owned(), source.to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_belongs_to_only_one_aggregate_type() {
    let api = Instance::ready(&BANK, routes()).await;
    let account = send(api.post("/accounts", &json!({ "owner": "Ada" }))).await.expect(201);
    let block = format!("/cards/{}/block", account.text("account_id"));
    send(api.post(&block, &json!({}))).await.problem(409, "other-kind");
    let card = send(api.post("/cards", &json!({ "holder": "Ada" }))).await.expect(201);
    let open = json!({ "account_id": card.text("card_id"), "owner": "Ada" });
    send(api.post("/accounts", &open)).await.problem(409, "other-kind");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_every_aggregate_type_can_be_asynchronous() {
    let api = Instance::ready(&BANK, routes()).await;
    for (path, body, id) in [
        ("/accounts", json!({ "owner": "Ada" }), "account_id"),
        ("/cards", json!({ "holder": "Ada" }), "card_id"),
    ] {
        let accepted = send(api.post(path, &body).header("prefer", "respond-async")).await.expect(202);
        let outcome = api.outcome(accepted.header("location")).await;
        assert_eq!((outcome.text("status"), outcome.text("aggregate_id")), ("accepted", accepted.text(id)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_aggregate_types_survive_a_restart() {
    let api = Instance::ready(&BANK, routes()).await;
    let account = send(api.post("/accounts", &json!({ "owner": "Ada" }))).await.expect(201);
    let card = send(api.post("/cards", &json!({ "holder": "Ada" }))).await.expect(201);
    let environment = api.environment.clone();
    api.stop().await;
    let api = Instance::start(environment, &BANK, routes()).await;
    api.until_ready().await;
    let block = format!("/cards/{}/block", card.text("card_id"));
    assert_eq!(send(api.post(&block, &json!({}))).await.expect(200).body["version"], 2);
    let repeated = json!({ "account_id": account.text("account_id"), "owner": "Ada" });
    send(api.post("/accounts", &repeated)).await.problem(409, "account-already-opened");
}
