use std::collections::BTreeMap;

use serde_json::json;
use test_kit::{Service, eventually};

use crate::{
    events::{Events, request_stream},
    journal::{Journal, Order, Position},
    services::problem,
};

async fn queries(journal: &Journal, settings: &[(&str, &str)]) -> Service {
    Service::query_api_with(&journal.environment, "orders", settings).ready().await
}

/// Offsets by partition, in the order of arrival.
fn by_partition(positions: &[Position]) -> BTreeMap<i64, Vec<i64>> {
    let mut partitions = BTreeMap::<_, Vec<_>>::new();
    for (partition, offset) in positions {
        partitions.entry(*partition).or_default().push(*offset);
    }
    partitions
}

#[tokio::test]
async fn events_are_streamed_as_they_happen() {
    let mut journal = Journal::begin().await;
    let queries = queries(&journal, &[]).await;
    let mut order = Order::new("c-1001", 3);
    journal.place(&mut order).await;

    let mut events = Events::open(&queries, "", None).await;
    let (partition, offset) = journal.cancel(&mut order).await;
    let cancelled = events.event().await.unwrap();
    assert_eq!(cancelled.event, "OrderCancelled");
    let mut received = cancelled.data;
    assert!(received["id"].take().is_string() && received["occurred_at"].take().is_string());
    let position = json!({ "topic": journal.environment.topic("orders.events"), "partition": partition, "offset": offset });
    let expected = json!({
        "order_id": order.id, "version": 2, "type": "OrderCancelled", "id": null, "position": position,
        "occurred_at": null, "actor": "anonymous", "event": { "reason": "ordered twice" },
    });
    assert_eq!(received, expected);
}

#[tokio::test]
async fn a_stream_cut_anywhere_resumes_without_loss_or_repetition() {
    let mut journal = Journal::begin().await;
    let instances = [queries(&journal, &[]).await, queries(&journal, &[]).await];
    // The stream is also cut before the first event.
    let mut last_id = Events::open(&instances[0], "", None).await.last_id();
    let writer = async {
        let mut written = Vec::new();
        for number in 0..400 {
            let mut order = Order::new("c-1001", number % 5);
            written.push(journal.place(&mut order).await);
            if number == 150 || number == 300 {
                journal.promote().await;
            }
        }
        written
    };
    let reader = async {
        let mut received = Vec::new();
        for round in 0_usize.. {
            let mut events = Events::open(&instances[round % 2], "", Some(&last_id)).await;
            received.extend(events.positions((1 + round * 7 % 23).min(400 - received.len())).await);
            last_id = events.last_id();
            if received.len() == 400 {
                break;
            }
        }
        received
    };
    let (written, received) = tokio::join!(writer, reader);
    assert_eq!(by_partition(&received), by_partition(&written));
}

#[tokio::test]
async fn a_stream_from_the_beginning_contains_all_events_and_continues() {
    let mut journal = Journal::begin().await;
    let queries = queries(&journal, &[]).await;
    let mut written = Vec::new();
    // More than is read from a partition at once.
    for number in 0..250 {
        written.push(journal.place(&mut Order::new("c-1001", number % 2)).await);
    }
    let mut events = Events::open(&queries, "?from=beginning", None).await;
    let mut received = events.positions(200).await;
    journal.promote().await;
    for _ in 0..20 {
        written.push(journal.place(&mut Order::new("c-1001", 1)).await);
    }
    received.extend(events.positions(70).await);
    assert_eq!(by_partition(&received), by_partition(&written));
}

#[tokio::test]
async fn events_lost_by_a_restored_database_are_sent_once_to_every_client() {
    let mut journal = Journal::begin().await;
    let queries = queries(&journal, &[("FOLDLINE_CHANGES_HEARTBEAT", "100ms")]).await;
    let mut client_ahead = Events::open(&queries, "", None).await;
    let mut positions = Vec::new();
    for _ in 0..5 {
        positions.push(journal.place(&mut Order::new("c-1001", 0)).await);
    }
    assert_eq!(client_ahead.positions(5).await, positions);

    journal.lose_from(0, positions[2].1).await;
    let mut client_behind = Events::open(&queries, "?from=beginning", None).await;
    assert_eq!(client_behind.positions(2).await, positions[..2]);
    assert_eq!(client_behind.block().await.unwrap().comment, "heartbeat");
    positions.truncate(2);
    for _ in 2..7 {
        positions.push(journal.place(&mut Order::new("c-1001", 0)).await);
    }
    assert_eq!(client_behind.positions(5).await, positions[2..]);
    assert_eq!(client_ahead.positions(2).await, positions[5..]);
}

#[tokio::test]
async fn a_stream_starts_after_the_position_of_a_token() {
    let mut journal = Journal::begin().await;
    let queries = queries(&journal, &[]).await;
    let mut positions = Vec::new();
    for _ in 0..4 {
        positions.push(journal.place(&mut Order::new("c-1001", 2)).await);
    }
    let token = format!("{}/2@{}", journal.environment.topic("orders.events"), positions[1].1);
    let mut events = Events::open(&queries, &format!("?from={token}"), None).await;
    assert_eq!(events.positions(2).await, positions[2..]);
}

#[tokio::test]
async fn a_stream_contains_only_the_events_that_match_its_filter() {
    let mut journal = Journal::begin().await;
    let queries = queries(&journal, &[]).await;
    let (mut one, mut other) = (Order::new("c-1", 0), Order::new("c-2", 1));
    let past =
        [journal.place(&mut one).await, journal.place(&mut other).await, journal.cancel(&mut other).await];
    let mut streams = Vec::new();
    for (query, expected) in [
        (format!("?from=beginning&order_id={}", one.id), vec![past[0]]),
        ("?from=beginning&customer_id=c-2".to_owned(), vec![past[1], past[2]]),
        ("?from=beginning&type=OrderPlaced".to_owned(), vec![past[0], past[1]]),
        ("?from=beginning&type=OrderPlaced&customer_id=c-1".to_owned(), vec![past[0]]),
    ] {
        let mut events = Events::open(&queries, &query, None).await;
        assert_eq!(events.positions(expected.len()).await, expected, "{query}");
        streams.push(events);
    }
    let cancelled = journal.cancel(&mut one).await;
    let placed = journal.place(&mut Order::new("c-2", 0)).await;
    assert_eq!(streams[0].positions(1).await, [cancelled]);
    assert_eq!(streams[1].positions(1).await, [placed]);
    assert_eq!(streams[2].positions(1).await, [placed]);
    let mut last = Order::new("c-1", 0);
    let last = journal.place(&mut last).await;
    assert_eq!(streams[3].positions(1).await, [last]);
}

#[tokio::test]
async fn a_client_that_is_too_slow_gets_an_end_event_and_can_resume() {
    let mut journal = Journal::begin().await;
    let settings = [("FOLDLINE_CHANGES_BUFFER", "4"), ("FOLDLINE_CHANGES_HEARTBEAT", "100ms")];
    let queries = queries(&journal, &settings).await;
    let mut events = Events::open(&queries, "", None).await;
    // The client has caught up. Until then it may be slow without being disconnected.
    assert_eq!(events.block().await.unwrap().comment, "heartbeat");
    let mut written = Vec::new();
    // More than the socket buffers hold.
    journal.padding = 250_000;
    for _ in 0..300 {
        let mut order = Order::new("c-1001", 0);
        written.push(journal.place(&mut order).await);
    }
    let mut received = Vec::new();
    let end = loop {
        let event = events.event().await.unwrap();
        if event.event == "end" {
            break event;
        }
        received.push(event.position());
    };
    assert_eq!(end.data["reason"], "too-slow");
    let metrics = queries.metrics().await;
    assert!(metrics.contains(r#"change_streams_ended_total{reason="too-slow"} 1"#), "{metrics}");
    assert!(events.event().await.is_none(), "no event follows the end");
    assert!(received.len() < written.len());

    let mut events = Events::open(&queries, "", Some(&events.last_id())).await;
    received.extend(events.positions(written.len() - received.len()).await);
    assert_eq!(received, written);
}

#[tokio::test]
async fn a_client_that_stops_reading_loses_its_connection() {
    let mut journal = Journal::begin().await;
    let settings = [("FOLDLINE_HTTP_MAX_CONNECTIONS", "1"), ("FOLDLINE_HTTP_WRITE_TIMEOUT", "500ms")];
    let queries = queries(&journal, &settings).await;
    // More than the socket buffers hold.
    journal.padding = 250_000;
    for _ in 0..200 {
        journal.place(&mut Order::new("c-1001", 0)).await;
    }
    let stalled = Events::open(&queries, "?from=beginning", None).await;
    // Only one connection is allowed, so the response comes when the stalled one is closed.
    let answer = request_stream(&queries, "", None).await;
    assert_eq!(answer.status(), 200);
    drop(stalled);
}

#[tokio::test]
async fn an_idle_stream_outlives_the_request_timeout_and_sends_heartbeats() {
    let mut journal = Journal::begin().await;
    let settings = [("FOLDLINE_HTTP_REQUEST_TIMEOUT", "1s"), ("FOLDLINE_CHANGES_HEARTBEAT", "400ms")];
    let queries = queries(&journal, &settings).await;
    let mut events = Events::open(&queries, "?type=OrderCancelled", None).await;
    let mut order = Order::new("c-1001", 0);
    journal.place(&mut order).await;
    let first_id = events.last_id();
    for _ in 0..4 {
        assert_eq!(events.block().await.unwrap().comment, "heartbeat");
    }
    assert_ne!(events.last_id(), first_id, "the id has moved past the other events");
    let cancelled = journal.cancel(&mut order).await;
    assert_eq!(events.positions(1).await, [cancelled]);
}

#[tokio::test]
async fn the_number_of_streams_is_limited_by_the_settings() {
    let journal = Journal::begin().await;
    let queries = queries(&journal, &[("FOLDLINE_CHANGES_STREAMS", "1")]).await;
    let events = Events::open(&queries, "", None).await;
    let refused = request_stream(&queries, "", None).await;
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"5".parse().unwrap()));
    assert_eq!(problem(refused).await, "overloaded");
    drop(events);
    eventually("a stream can be opened again", || async {
        request_stream(&queries, "", None).await.status() == 200
    })
    .await;
}

#[tokio::test]
async fn streams_end_with_the_service_and_send_an_end_event() {
    let mut journal = Journal::begin().await;
    let mut queries = queries(&journal, &[]).await;
    let mut events = Events::open(&queries, "", None).await;
    let position = journal.place(&mut Order::new("c-1001", 0)).await;
    assert_eq!(events.positions(1).await, [position]);
    queries.signal("TERM");
    let end = events.event().await.unwrap();
    assert_eq!((end.event.as_str(), &end.data["reason"]), ("end", &json!("shutting-down")));
    assert!(events.event().await.is_none());
    assert!(queries.ended().await.success());
    assert!(!queries.log().contains("cut off"), "{}", queries.log());

    let next = journal.place(&mut Order::new("c-1001", 0)).await;
    queries.restart();
    queries.until_ready().await;
    assert_eq!(Events::open(&queries, "", Some(&events.last_id())).await.positions(1).await, [next]);
}

#[tokio::test]
async fn an_invalid_resume_position_is_answered_with_a_problem() {
    let journal = Journal::begin().await;
    let queries = queries(&journal, &[]).await;
    for id in ["", "7", "rubbish", "AQ"] {
        let answer = request_stream(&queries, "", Some(id)).await;
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
        assert_eq!(problem(request_stream(&queries, query, None).await).await, code, "{query}");
    }
}
