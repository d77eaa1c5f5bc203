//! Invalid path and query parameters.

use reqwest::Client;

use super::{Server, problem};

#[tokio::test]
async fn an_id_that_is_not_a_uuid_is_an_invalid_path_parameter() {
    let server = Server::with_shop().await;
    for id in ["hunter2", "0197a3c2", "%FF"] {
        let response = Client::new().get(server.url(&format!("/baskets/{id}"))).send().await.unwrap();
        assert_eq!(response.status(), 400, "{id}");
        let problem = problem(response, "invalid-path-parameter").await;
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }
}

#[tokio::test]
async fn an_invalid_query_parameter_is_named() {
    let server = Server::with_shop().await;
    for (query, detail) in [
        ("limit=hunter2", "limit: not a valid value"),
        ("limit=-1", "limit: not a valid value"),
        ("hunter2=1", "hunter2: unknown field, expected `limit`"),
    ] {
        let response = Client::new().get(server.url(&format!("/pages?{query}"))).send().await.unwrap();
        assert_eq!(response.status(), 400, "{query}");
        let problem = problem(response, "invalid-query-parameter").await;
        assert_eq!(problem["detail"], detail);
    }
}
