//! Clients that are slow, that send too much, or that are too many.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, routing::get};
use reqwest::Client;
use service_kit::http::Limits;
use tokio::{io::AsyncWriteExt, sync::Semaphore, task::yield_now, time::timeout};

use super::{DEADLINE, Server, problem, read_to_close, shop};

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_connection_whose_headers_do_not_arrive_is_closed() {
    let server = Server::start(shop(), Limits { header_timeout: SHORT, ..Limits::default() }).await;
    // After "PR" or nothing, the server does not yet know whether the protocol is HTTP/1.1 or HTTP/2.
    for beginning in
        ["", "PR", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /pages HTTP/1.1\r\nhost: x\r\nx-slow: "]
    {
        let mut stream = server.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let response = read_to_close(&mut stream).await;
        assert!(!response.contains("200"), "{beginning:?}: {response}");
    }
}

#[tokio::test]
async fn headers_above_the_limit_are_refused() {
    let server = Server::with_shop().await;
    let request = Client::new().get(server.url("/pages")).header("x-large", "x".repeat(17 * 1024));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 431);
    problem(response, "headers-too-large").await;
}

#[tokio::test]
async fn headers_that_never_end_are_refused() {
    let server = Server::with_shop().await;
    let request = format!("GET /pages HTTP/1.1\r\nx-large: {}", "x".repeat(64 * 1024));
    assert!(server.exchange(request.as_bytes()).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_a_request_timeout() {
    let server = Server::start(shop(), Limits { request_timeout: SHORT, ..Limits::default() }).await;
    let request =
        "POST /baskets HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    let response = server.exchange(request.as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    assert!(response.contains("/problems/request-timeout"), "{response}");
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_timed_out() {
    let server = Server::start(shop(), Limits { request_timeout: SHORT, ..Limits::default() }).await;
    let response = Client::new().get(server.url("/slow")).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    problem(response, "timed-out").await;
}

#[tokio::test]
async fn a_command_that_takes_too_long_has_an_unknown_outcome() {
    let server = Server::start(shop(), Limits { request_timeout: SHORT, ..Limits::default() }).await;
    let response = Client::new().post(server.url("/slow")).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    problem(response, "outcome-unknown").await;
}

#[tokio::test]
async fn the_number_of_concurrent_connections_is_limited() {
    const MAXIMUM: usize = 2;
    let (gate, running, peak) =
        (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let handler = {
        let (gate, running, peak) = (gate.clone(), running.clone(), peak.clone());
        async move || {
            peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            gate.acquire().await.unwrap().forget();
            running.fetch_sub(1, Ordering::SeqCst);
        }
    };
    let limits = Limits { max_connections: 2.try_into().unwrap(), ..Limits::default() };
    let server = Server::start(Router::new().route("/", get(handler)), limits).await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        streams.push(stream);
    }
    let full = async {
        while running.load(Ordering::SeqCst) < MAXIMUM {
            yield_now().await;
        }
    };
    timeout(DEADLINE, full).await.expect("the maximum number of connections is served");
    gate.add_permits(streams.len());
    for stream in &mut streams {
        assert!(read_to_close(stream).await.starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(peak.load(Ordering::SeqCst), MAXIMUM);
}

#[tokio::test]
async fn a_client_that_disconnects_frees_its_slot() {
    let limits = Limits { max_connections: 1.try_into().unwrap(), ..Limits::default() };
    let router = Router::new().route("/", get(pending::<()>)).route("/fast", get(async || "fast"));
    let server = Server::start(router, limits).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    drop(stream);
    let response = server.exchange(b"GET /fast HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(response.ends_with("fast"), "{response}");
}

#[tokio::test]
async fn a_connection_is_closed_if_the_headers_of_a_later_request_do_not_arrive() {
    let server = Server::start(shop(), Limits { header_timeout: SHORT, ..Limits::default() }).await;
    let response =
        server.exchange(b"GET /pages HTTP/1.1\r\nhost: x\r\n\r\nGET /pages HTTP/1.1\r\nx-slow: ").await;
    assert_eq!(response.matches("HTTP/1.1 200 ").count(), 1, "{response}");
}

#[tokio::test]
async fn a_body_whose_content_length_is_too_large_is_refused_without_reading_it() {
    let server = Server::with_shop().await;
    let request = "POST /baskets HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 67108864\r\n\r\n";
    let response = server.exchange(request.as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
}
