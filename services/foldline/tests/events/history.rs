use serde_json::json;

use crate::installation::{Installation, all};

#[tokio::test]
async fn the_history_of_an_order_is_told_from_its_first_event_to_its_last() {
    let installation = Installation::start().await;
    let order = installation.place().await;
    installation.place().await;
    let position = installation.cancel(&order).await;
    let asked = format!("events history --context orders --aggregate {order}");

    let told = installation.told(&format!("{asked} --output json"));
    assert_eq!(all(&told, "type"), ["foldline.orders.OrderPlaced", "foldline.orders.OrderCancelled"]);
    assert_eq!(all(&told, "aggregate_id"), [&order, &order]);
    assert_eq!((&told[1]["position"], &told[1]["aggregate_version"]), (&json!(position), &json!(2)));
    assert_eq!(told[1]["payload"], json!({"reason": "twice"}));

    let table = String::from_utf8(installation.foldline(&asked).output().unwrap().stdout).unwrap();
    let rows: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0].join(" "), "POSITION TIME TYPE AGGREGATE ID AGGREGATE VERSION PAYLOAD");
    assert!(include_str!("../../../../docs/command-line.md").contains(table.lines().next().unwrap()));
    assert_eq!(rows[2][2..], ["OrderCancelled", &order, "2", r#"{"reason":"twice"}"#]);
}

#[tokio::test]
async fn a_context_that_is_not_there_is_named() {
    let installation = Installation::start().await;
    let output =
        installation.foldline("events history --context oders --aggregate order-1").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(crate::installation::error(&output).contains("oders.events cannot be read"));
}
