use std::process::Stdio;

use serde_json::json;

use crate::installation::{Installation, all, error};

#[tokio::test]
async fn a_history_contains_the_events_of_its_aggregate_in_order() {
    let installation = Installation::start().await;
    let order = installation.place().await;
    installation.place().await;
    let position = installation.cancel(&order).await;
    let command = format!("events history orders {order}");

    let events = installation.events(&format!("{command} --output json"));
    assert_eq!(all(&events, "type"), ["foldline.orders.OrderPlaced", "foldline.orders.OrderCancelled"]);
    assert_eq!(all(&events, "aggregate_id"), [&order, &order]);
    assert_eq!((&events[1]["position"], &events[1]["aggregate_version"]), (&json!(position), &json!(2)));
    assert_eq!(events[1]["payload"], json!({"reason": "twice"}));

    let table = String::from_utf8(installation.foldline(&command).output().unwrap().stdout).unwrap();
    let rows: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0].join(" "), "POSITION TIME TYPE AGGREGATE ID AGGREGATE VERSION PAYLOAD");
    assert!(include_str!("../../../../../docs/command-line.md").contains(table.lines().next().unwrap()));
    assert_eq!(rows[2][2..], ["OrderCancelled", &order, "2", r#"{"reason":"twice"}"#]);
}

#[tokio::test]
async fn the_error_for_an_unknown_context_names_it() {
    let installation = Installation::start().await;
    let output = installation.foldline("events history oders order-1").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).contains("cannot read the topics of context oders"));
}

#[tokio::test]
async fn a_command_succeeds_silently_if_its_reader_closes_the_pipe() {
    let installation = Installation::start().await;
    let order = installation.place().await;
    for arguments in [format!("events history orders {order}"), "events export orders".to_owned()] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = installation.foldline(&arguments).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), error(&output).as_str()), (Some(0), ""), "{arguments}");
    }
}
