use std::collections::BTreeMap;

use serde_json::json;
use test_kit::{Service, eventually};

use crate::{
    events::{Events, ask},
    journal::{Journal, Order, Place},
    stage::problem,
};

async fn queries(journal: &Journal, settings: &[(&str, &str)]) -> Service {
    Service::query_api_with(&journal.environment, "orders", settings).ready().await
}

/// Places by partition, each in the order in which they came.
fn by_partition(places: &[Place]) -> BTreeMap<i64, Vec<i64>> {
    let mut partitions = BTreeMap::<_, Vec<_>>::new();
    for (partition, offset) in places {
        partitions.entry(*partition).or_default().push(*offset);
    }
    partitions
}

#[tokio::test]
async fn what_happens_is_told_while_it_happens() {
    let mut journal = Journal::begin().await;
    let queries = queries(&journal, &[]).await;
    let mut order = Order::new("c-1001", 3);
    journal.placed(&mut order).await;

    let mut events = Events::open(&queries, "", None).await;
    let (partition, offset) = journal.cancelled(&mut order).await;
    let cancelled = events.event().await.unwrap();
    assert_eq!(cancelled.event, "OrderCancelled");
    let mut told = cancelled.data;
    assert!(told["id"].take().is_string() && told["occurred_at"].take().is_string());
    let position = json!({ "topic": journal.environment.topic("orders.events"), "partition": partition, "offset": offset });
    let wanted = json!({
        "order_id": order.id, "version": 2, "type": "OrderCancelled", "id": null, "position": position,
        "occurred_at": null, "actor": "anonymous", "event": { "reason": "ordered twice" },
    });
    assert_eq!(told, wanted);
}

#[tokio::test]
async fn a_stream_that_is_cut_anywhere_goes_on_without_loss_or_repetition() {
    let mut journal = Journal::begin().await;
    let instances = [queries(&journal, &[]).await, queries(&journal, &[]).await];
    // It is cut before anything has happened, too.
    let mut last_id = Events::open(&instances[0], "", None).await.last_id();
    let writer = async {
        let mut written = Vec::new();
        for number in 0..400 {
            let mut order = Order::new("c-1001", number % 5);
            written.push(journal.placed(&mut order).await);
            if number == 150 || number == 300 {
                journal.promote().await;
            }
        }
        written
    };
    let reader = async {
        let mut told = Vec::new();
        for round in 0_usize.. {
            let mut events = Events::open(&instances[round % 2], "", Some(&last_id)).await;
            told.extend(events.places((1 + round * 7 % 23).min(400 - told.len())).await);
            last_id = events.last_id();
            if told.len() == 400 {
                break;
            }
        }
        told
    };
    let (written, told) = tokio::join!(writer, reader);
    assert_eq!(by_partition(&told), by_partition(&written));
}

#[tokio::test]
async fn a_stream_from_the_beginning_has_everything_and_goes_on() {
    let mut journal = Journal::begin().await;
    let queries = queries(&journal, &[]).await;
    let mut written = Vec::new();
    // More than is read of a partition at once.
    for number in 0..250 {
        written.push(journal.placed(&mut Order::new("c-1001", number % 2)).await);
    }
    let mut events = Events::open(&queries, "?from=beginning", None).await;
    let mut told = events.places(200).await;
    journal.promote().await;
    for _ in 0..20 {
        written.push(journal.placed(&mut Order::new("c-1001", 1)).await);
    }
    told.extend(events.places(70).await);
    assert_eq!(by_partition(&told), by_partition(&written));
}

#[tokio::test]
async fn what_a_restored_database_has_lost_is_told_once_to_everybody() {
    let mut journal = Journal::begin().await;
    let queries = queries(&journal, &[("FOLDLINE_CHANGES_HEARTBEAT", "100ms")]).await;
    let mut knows_more = Events::open(&queries, "", None).await;
    let mut places = Vec::new();
    for _ in 0..5 {
        places.push(journal.placed(&mut Order::new("c-1001", 0)).await);
    }
    assert_eq!(knows_more.places(5).await, places);

    journal.lose(0, places[2].1).await;
    let mut knows_less = Events::open(&queries, "?from=beginning", None).await;
    assert_eq!(knows_less.places(2).await, places[..2]);
    assert_eq!(knows_less.block().await.unwrap().comment, "heartbeat");
    places.truncate(2);
    for _ in 2..7 {
        places.push(journal.placed(&mut Order::new("c-1001", 0)).await);
    }
    assert_eq!(knows_less.places(5).await, places[2..]);
    assert_eq!(knows_more.places(2).await, places[5..]);
}

#[tokio::test]
async fn a_stream_begins_after_what_a_token_has_seen() {
    let mut journal = Journal::begin().await;
    let queries = queries(&journal, &[]).await;
    let mut places = Vec::new();
    for _ in 0..4 {
        places.push(journal.placed(&mut Order::new("c-1001", 2)).await);
    }
    let token = format!("{}/2@{}", journal.environment.topic("orders.events"), places[1].1);
    let mut events = Events::open(&queries, &format!("?from={token}"), None).await;
    assert_eq!(events.places(2).await, places[2..]);
}

#[tokio::test]
async fn a_client_gets_only_what_it_asked_for() {
    let mut journal = Journal::begin().await;
    let queries = queries(&journal, &[]).await;
    let (mut one, mut other) = (Order::new("c-1", 0), Order::new("c-2", 1));
    let past = [
        journal.placed(&mut one).await,
        journal.placed(&mut other).await,
        journal.cancelled(&mut other).await,
    ];
    let mut streams = Vec::new();
    for (query, wanted) in [
        (format!("?from=beginning&order_id={}", one.id), vec![past[0]]),
        ("?from=beginning&customer_id=c-2".to_owned(), vec![past[1], past[2]]),
        ("?from=beginning&type=OrderPlaced".to_owned(), vec![past[0], past[1]]),
        ("?from=beginning&type=OrderPlaced&customer_id=c-1".to_owned(), vec![past[0]]),
    ] {
        let mut events = Events::open(&queries, &query, None).await;
        assert_eq!(events.places(wanted.len()).await, wanted, "{query}");
        streams.push(events);
    }
    let cancelled = journal.cancelled(&mut one).await;
    let placed = journal.placed(&mut Order::new("c-2", 0)).await;
    assert_eq!(streams[0].places(1).await, [cancelled]);
    assert_eq!(streams[1].places(1).await, [placed]);
    assert_eq!(streams[2].places(1).await, [placed]);
    let mut last = Order::new("c-1", 0);
    let last = journal.placed(&mut last).await;
    assert_eq!(streams[3].places(1).await, [last]);
}

#[tokio::test]
async fn a_client_that_is_too_slow_is_told_so_and_can_go_on() {
    let mut journal = Journal::begin().await;
    let settings = [("FOLDLINE_CHANGES_BUFFER", "4"), ("FOLDLINE_CHANGES_HEARTBEAT", "100ms")];
    let queries = queries(&journal, &settings).await;
    let mut events = Events::open(&queries, "", None).await;
    // It has read what it had missed, which may take as long as it likes.
    assert_eq!(events.block().await.unwrap().comment, "heartbeat");
    let mut written = Vec::new();
    // More than what lies between two sockets.
    journal.padding = 250_000;
    for _ in 0..300 {
        let mut order = Order::new("c-1001", 0);
        written.push(journal.placed(&mut order).await);
    }
    let mut told = Vec::new();
    let end = loop {
        let event = events.event().await.unwrap();
        if event.event == "end" {
            break event;
        }
        told.push(event.place());
    };
    assert_eq!(end.data["reason"], "too-slow");
    let measured = queries.metrics().await;
    assert!(measured.contains(r#"change_streams_ended_total{reason="too-slow"} 1"#), "{measured}");
    assert!(events.event().await.is_none(), "nothing comes after the end");
    assert!(told.len() < written.len());

    let mut events = Events::open(&queries, "", Some(&events.last_id())).await;
    told.extend(events.places(written.len() - told.len()).await);
    assert_eq!(told, written);
}

#[tokio::test]
async fn a_client_that_takes_nothing_more_loses_its_connection() {
    let mut journal = Journal::begin().await;
    let settings = [("FOLDLINE_HTTP_MAX_CONNECTIONS", "1"), ("FOLDLINE_HTTP_WRITE_TIMEOUT", "500ms")];
    let queries = queries(&journal, &settings).await;
    // More than what lies between two sockets.
    journal.padding = 250_000;
    for _ in 0..200 {
        journal.placed(&mut Order::new("c-1001", 0)).await;
    }
    let stalled = Events::open(&queries, "?from=beginning", None).await;
    // There is one connection, so it is answered when that of the other one is closed.
    let answer = ask(&queries, "", None).await;
    assert_eq!(answer.status(), 200);
    drop(stalled);
}

#[tokio::test]
async fn a_quiet_stream_outlives_the_limit_of_a_request_and_shows_that_it_lives() {
    let mut journal = Journal::begin().await;
    let settings = [("FOLDLINE_HTTP_REQUEST_TIMEOUT", "1s"), ("FOLDLINE_CHANGES_HEARTBEAT", "400ms")];
    let queries = queries(&journal, &settings).await;
    let mut events = Events::open(&queries, "?type=OrderCancelled", None).await;
    let mut order = Order::new("c-1001", 0);
    journal.placed(&mut order).await;
    let begin = events.last_id();
    for _ in 0..4 {
        assert_eq!(events.block().await.unwrap().comment, "heartbeat");
    }
    assert_ne!(events.last_id(), begin, "what was not wanted has been passed");
    let cancelled = journal.cancelled(&mut order).await;
    assert_eq!(events.places(1).await, [cancelled]);
}

#[tokio::test]
async fn there_are_no_more_streams_than_the_settings_allow() {
    let journal = Journal::begin().await;
    let queries = queries(&journal, &[("FOLDLINE_CHANGES_STREAMS", "1")]).await;
    let events = Events::open(&queries, "", None).await;
    let refused = ask(&queries, "", None).await;
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"5".parse().unwrap()));
    assert_eq!(problem(refused).await, "overloaded");
    drop(events);
    eventually("there is room again", || async { ask(&queries, "", None).await.status() == 200 }).await;
}

#[tokio::test]
async fn streams_end_with_the_service_and_say_so() {
    let mut journal = Journal::begin().await;
    let mut queries = queries(&journal, &[]).await;
    let mut events = Events::open(&queries, "", None).await;
    let place = journal.placed(&mut Order::new("c-1001", 0)).await;
    assert_eq!(events.places(1).await, [place]);
    queries.signal("TERM");
    let end = events.event().await.unwrap();
    assert_eq!((end.event.as_str(), &end.data["reason"]), ("end", &json!("shutting-down")));
    assert!(events.event().await.is_none());
    assert!(queries.ended().await.success());
    assert!(!queries.log().contains("cut off"), "{}", queries.log());

    let after = journal.placed(&mut Order::new("c-1001", 0)).await;
    queries.restart();
    queries.until_ready().await;
    assert_eq!(Events::open(&queries, "", Some(&events.last_id())).await.places(1).await, [after]);
}

#[tokio::test]
async fn what_cannot_be_resumed_is_a_problem() {
    let journal = Journal::begin().await;
    let queries = queries(&journal, &[]).await;
    for id in ["", "7", "rubbish", "AQ"] {
        let answer = ask(&queries, "", Some(id)).await;
        assert_eq!(answer.status(), 400, "{id}");
        assert_eq!(problem(answer).await, "invalid-header", "{id}");
    }
    for (query, code) in [
        ("?order_id=7", "invalid-query-parameter"),
        ("?customer_id=", "invalid-query-parameter"),
        ("?limit=7", "invalid-query-parameter"),
        ("?from=yesterday", "invalid-consistency-token"),
        ("?from=payments.events/0@1", "invalid-consistency-token"),
    ] {
        assert_eq!(problem(ask(&queries, query, None).await).await, code, "{query}");
    }
}
