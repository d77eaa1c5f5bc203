//! Graceful shutdown: requests in flight may finish within a time limit.

use std::{future::pending, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use service_kit::http::Limits;
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::Semaphore, time::timeout};

use super::{DEADLINE, Server, read_to_close};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// A server with one handler, which adds a permit to `entered` and waits for a permit of `gate`.
async fn gated(limits: Limits) -> (Server, Arc<Semaphore>, Arc<Semaphore>) {
    let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let handler = {
        let (entered, gate) = (entered.clone(), gate.clone());
        async move || {
            entered.add_permits(1);
            gate.acquire().await.unwrap().forget();
            "finished"
        }
    };
    (Server::start(Router::new().route("/", get(handler)), limits).await, entered, gate)
}

#[tokio::test]
async fn a_request_in_flight_is_finished_while_new_connections_are_refused() {
    let (server, entered, gate) = gated(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(REQUEST).await.unwrap();
    entered.acquire().await.unwrap().forget();
    server.shutdown.cancel();
    let refused = async { while TcpStream::connect(server.address).await.is_ok() {} };
    timeout(DEADLINE, refused).await.expect("new connections are refused");
    assert!(!server.serving.is_finished());
    gate.add_permits(1);
    let response = read_to_close(&mut stream).await;
    assert!(response.starts_with("HTTP/1.1 200 ") && response.ends_with("finished"), "{response}");
    timeout(DEADLINE, server.serving).await.expect("the server ends").unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_finish_in_time_is_aborted() {
    let limits = Limits { drain_timeout: Duration::from_millis(100), ..Limits::default() };
    let (server, entered, _gate) = gated(limits).await;
    let mut stream = server.connect().await;
    stream.write_all(REQUEST).await.unwrap();
    entered.acquire().await.unwrap().forget();
    server.shutdown.cancel();
    timeout(DEADLINE, server.serving).await.expect("the server ends").unwrap();
    assert_eq!(read_to_close(&mut stream).await, "");
}

#[tokio::test]
async fn idle_connections_do_not_delay_shutdown() {
    let server = Server::start(Router::new().route("/", get(async || "idle")), Limits::default()).await;
    let _silent = server.connect().await;
    let client = reqwest::Client::new();
    assert_eq!(client.get(server.url("/")).send().await.unwrap().text().await.unwrap(), "idle");
    server.shutdown.cancel();
    timeout(DEADLINE, server.serving).await.expect("the server ends").unwrap();
}

#[tokio::test]
async fn a_server_at_its_connection_limit_shuts_down() {
    let limits = Limits {
        max_connections: 1.try_into().unwrap(),
        drain_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let server = Server::start(Router::new().route("/", get(pending::<()>)), limits).await;
    let mut stream = server.connect().await;
    stream.write_all(REQUEST).await.unwrap();
    server.shutdown.cancel();
    timeout(DEADLINE, server.serving).await.expect("the server ends").unwrap();
}
