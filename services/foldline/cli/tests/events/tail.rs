use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Stdio},
};

use serde_json::Value;

use crate::installation::{Installation, all, interrupt, json_lines};

/// Starts `events tail`, and waits until it follows the topic.
fn follow(installation: &Installation, arguments: &str) -> Child {
    let mut command =
        installation.foldline(format!("events tail orders --output json {arguments}").trim_end());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("following"), "{first}");
    child
}

/// The events that a process prints until it ends.
fn printed(mut child: Child) -> Vec<Value> {
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    json_lines(&text)
}

#[tokio::test]
async fn new_events_are_printed_and_filtered_by_type() {
    let installation = Installation::start().await;
    installation.place().await;
    let child = follow(&installation, "--limit 2 --type OrderPlaced");
    let first = installation.place().await;
    installation.cancel(&first).await;
    let second = installation.place().await;
    assert_eq!(all(&printed(child), "aggregate_id").iter().max(), [first.as_str(), &second].iter().max());
}

#[tokio::test]
async fn an_event_is_printed_without_waiting_for_the_next_one() {
    let installation = Installation::start().await;
    let mut child = follow(&installation, "");
    let order = installation.place().await;
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["aggregate_id"], order);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn ctrl_c_never_truncates_a_line() {
    let installation = Installation::start().await;
    for _ in 0..3 {
        installation.place().await;
    }
    let mut child = follow(&installation, "--from beginning");
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    stdout.read_line(&mut text).unwrap();
    assert_eq!(interrupt(&mut child).await, Some(130));
    stdout.read_to_string(&mut text).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    assert!(all(&json_lines(&text), "type").iter().all(|name| *name == "foldline.orders.OrderPlaced"));
}

#[tokio::test]
async fn following_can_begin_at_the_first_event_or_at_a_position() {
    let installation = Installation::start().await;
    let order = installation.place().await;
    installation.place().await;
    let position = installation.cancel(&order).await;
    let of_order = follow(&installation, &format!("--from beginning --limit 2 --aggregate {order}"));
    assert_eq!(
        all(&printed(of_order), "type"),
        ["foldline.orders.OrderPlaced", "foldline.orders.OrderCancelled"]
    );
    let cancelled = follow(&installation, &format!("--from {position} --limit 1"));
    assert_eq!(all(&printed(cancelled), "position"), [position]);
}

#[tokio::test]
async fn an_invalid_or_unknown_start_is_refused() {
    let installation = Installation::start().await;
    let exit_code = |from: &str| {
        let arguments = format!("events tail orders --from {from}");
        installation.foldline(&arguments).output().unwrap().status.code()
    };
    assert_eq!(exit_code("yesterday"), Some(2));
    assert_eq!(exit_code(&format!("{}/0@99", installation.environment.topic("orders.events"))), Some(1));
}
