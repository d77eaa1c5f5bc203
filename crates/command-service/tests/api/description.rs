//! The OpenAPI description.

use serde_json::json;

use crate::shared;

#[tokio::test]
async fn every_command_is_described_with_its_headers_and_responses() {
    let api = shared::api().await;
    let description = api.get("/openapi.json").await.expect(200).body;
    let open = &description["paths"]["/accounts"]["post"];
    let names: Vec<_> = open["parameters"].as_array().unwrap().iter().map(|header| &header["name"]).collect();
    assert_eq!(names, ["Idempotency-Key", "If-None-Match", "Prefer"]);
    let created = &open["responses"]["201"]["content"]["application/json"]["schema"];
    assert!(created["properties"]["account_id"].is_object(), "{created}");
    assert!(created["required"].as_array().unwrap().contains(&json!("account_id")), "{created}");
    let problem = &open["responses"]["4XX"]["content"]["application/problem+json"]["schema"]["$ref"];
    assert_eq!(problem, "#/components/schemas/ProblemDocument");
    let outcome = description["components"]["schemas"]["Outcome"].to_string();
    assert!(outcome.contains("account_id") && !outcome.contains("aggregate_id"), "{outcome}");
    let text = description.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(description["components"]["schemas"][name].is_object(), "{name} is not described");
    }
}

#[tokio::test]
async fn the_type_of_a_refusal_resolves_to_its_page() {
    let api = shared::api().await;
    api.get("/problems/account-not-found").await.expect(200);
    api.get("/problems/overloaded").await.expect(200);
}
