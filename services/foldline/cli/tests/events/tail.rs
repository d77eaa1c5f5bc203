use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Stdio},
};

use serde_json::Value;

use crate::installation::{Installation, all, interrupted, json_lines};

/// Starts to follow, and comes back when it does.
fn follow(installation: &Installation, arguments: &str) -> Child {
    let mut command =
        installation.foldline(format!("events tail orders --output json {arguments}").trim_end());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("following"), "{first}");
    child
}

/// What it has told when it ends by itself.
fn told(mut child: Child) -> Vec<Value> {
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    json_lines(&text)
}

#[tokio::test]
async fn events_are_told_as_they_are_committed() {
    let installation = Installation::start().await;
    installation.place().await;
    let child = follow(&installation, "--limit 2 --type OrderPlaced");
    let first = installation.place().await;
    installation.cancel(&first).await;
    let second = installation.place().await;
    assert_eq!(all(&told(child), "aggregate_id").iter().max(), [first.as_str(), &second].iter().max());
}

#[tokio::test]
async fn an_event_is_told_before_the_next_one_comes() {
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
async fn ctrl_c_ends_it_after_a_whole_line() {
    let installation = Installation::start().await;
    for _ in 0..3 {
        installation.place().await;
    }
    let mut child = follow(&installation, "--from beginning");
    let mut told = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    told.read_line(&mut text).unwrap();
    assert_eq!(interrupted(&mut child).await, Some(130));
    told.read_to_string(&mut text).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    assert!(all(&json_lines(&text), "type").iter().all(|name| *name == "foldline.orders.OrderPlaced"));
}

#[tokio::test]
async fn following_can_begin_with_the_first_event_or_at_a_position() {
    let installation = Installation::start().await;
    let order = installation.place().await;
    installation.place().await;
    let position = installation.cancel(&order).await;
    let of_order = follow(&installation, &format!("--from beginning --limit 2 --aggregate {order}"));
    assert_eq!(
        all(&told(of_order), "type"),
        ["foldline.orders.OrderPlaced", "foldline.orders.OrderCancelled"]
    );
    let cancelled = follow(&installation, &format!("--from {position} --limit 1"));
    assert_eq!(all(&told(cancelled), "position"), [position]);
}

#[tokio::test]
async fn a_place_that_is_not_there_is_refused() {
    let installation = Installation::start().await;
    let asked = |from: &str| {
        let arguments = format!("events tail orders --from {from}");
        installation.foldline(&arguments).output().unwrap().status.code()
    };
    assert_eq!(asked("yesterday"), Some(2));
    assert_eq!(asked(&format!("{}/0@99", installation.environment.topic("orders.events"))), Some(1));
}
