use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use rdkafka::producer::{BaseProducer, Producer};
use serde_json::{Value, json};
use test_kit::{KafkaProxy, eventually};
use uuid::Uuid;

use crate::installation::{Installation, all, error, interrupt, json_lines, lines};

const ALL: &str = "events export orders";

/// An unused path in the temporary folder.
fn new_file() -> PathBuf {
    std::env::temp_dir().join(format!("{}.jsonl", Uuid::now_v7()))
}

/// The sequence numbers of the events of each partition, in the order in which they were exported.
fn sequences(events: &[Value]) -> BTreeMap<&str, Vec<u64>> {
    let mut sequences = BTreeMap::<_, Vec<_>>::new();
    for event in events {
        let partition = event["position"].as_str().unwrap().split('@').next().unwrap();
        sequences.entry(partition).or_default().push(event["partition_sequence"].as_u64().unwrap());
    }
    sequences
}

#[tokio::test]
async fn a_copy_contains_all_events_in_the_order_of_their_partitions() {
    let installation = Installation::start().await;
    for _ in 0..20 {
        let order = installation.place().await;
        installation.cancel(&order).await;
    }
    let file = new_file();
    let output = installation.foldline(&format!("{ALL} --to {}", file.display())).output().unwrap();
    assert!(output.status.success(), "{}", error(&output));
    let copied = json_lines(&fs::read_to_string(&file).unwrap());
    assert_eq!(copied.len(), 40);
    for (partition, numbers) in sequences(&copied) {
        assert!(
            (1..).zip(&numbers).all(|(expected, number)| expected == *number),
            "{partition}: {numbers:?}"
        );
    }
    assert_eq!(installation.events(ALL), copied);

    let again = installation.foldline(&format!("{ALL} --to {}", file.display())).output().unwrap();
    assert_eq!(again.status.code(), Some(1), "an existing file is not overwritten");
    fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn ctrl_c_removes_an_incomplete_copy() {
    let installation = Installation::start().await;
    installation.place().await;
    let proxy = KafkaProxy::in_front_of(&installation.environment.servers.brokers).await;
    // Makes the copy take several seconds.
    proxy.slow(Duration::from_millis(300));
    let file = new_file();
    let partial = file.with_extension("jsonl.partial");
    let mut child = installation
        .foldline(&format!("{ALL} --to {}", file.display()))
        .env("FOLDLINE_KAFKA_BROKERS", proxy.address())
        .spawn()
        .unwrap();
    eventually("the copy has begun", || async { partial.exists() }).await;
    assert_eq!(interrupt(&mut child).await, Some(130));
    assert!(!partial.exists() && !file.exists());
}

#[tokio::test]
async fn a_copy_can_be_limited_to_a_partition_or_a_period() {
    let installation = Installation::start().await;
    let order = installation.place().await;
    let position = installation.cancel(&order).await;
    let exported = installation.events(ALL);
    let partition = position.split(['/', '@']).nth(1).unwrap().parse::<i32>().unwrap();
    assert_eq!(installation.events(&format!("{ALL} --partition {partition}")), exported);
    assert!(installation.events(&format!("{ALL} --partition {}", (partition + 1) % 8)).is_empty());
    let cancelled_at = all(&exported, "time")[1];
    assert_eq!(installation.events(&format!("{ALL} --since {cancelled_at}")), exported[1..]);
    assert_eq!(installation.events(&format!("{ALL} --until {cancelled_at}")), exported[..1]);
}

#[tokio::test]
async fn a_copy_contains_only_committed_events() {
    let installation = Installation::start().await;
    installation.place().await;
    let mut config = installation.client_config();
    let producer: BaseProducer =
        config.set("transactional.id", installation.environment.topic("x")).create().unwrap();
    producer.init_transactions(Duration::from_secs(10)).unwrap();
    producer.begin_transaction().unwrap();
    installation.write_invalid_record(&producer);
    assert_eq!(installation.events(ALL).len(), 1);
    producer.abort_transaction(Duration::from_secs(10)).unwrap();
    assert_eq!(installation.events(ALL).len(), 1);
}

#[tokio::test]
async fn an_unreadable_record_is_copied_with_the_reason() {
    let installation = Installation::start().await;
    installation.place().await;
    installation.write_invalid_record(&installation.client_config().create().unwrap());
    let output = installation.foldline(ALL).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let copied = lines(&output);
    assert_eq!(copied.len(), 2);
    let unreadable = copied.iter().find(|event| event.get("unreadable").is_some()).unwrap();
    assert!(unreadable["position"].as_str().unwrap().contains("/3@"));
    assert_ne!(unreadable["unreadable"], json!(""));
}

#[tokio::test]
async fn a_copy_that_fails_leaves_no_file() {
    let installation = Installation::start().await;
    installation.place().await;
    let file = new_file();
    let mut command = installation.foldline(&format!("{ALL} --to {}", file.display()));
    let output = command.env("FOLDLINE_REGISTRY_URL", "http://127.0.0.1:1").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let files = fs::read_dir(std::env::temp_dir()).unwrap().map(|entry| entry.unwrap().path());
    let name = file.to_string_lossy().into_owned();
    assert_eq!(files.filter(|path| path.to_string_lossy().starts_with(&name)).count(), 0);
}
