//! The HTTP server as seen by clients, over real sockets.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod admin;
mod bodies;
mod limits;
mod parameters;
mod requests;
mod shutdown;

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    routing::{get, post},
};
use serde::Deserialize;
use service_kit::{
    Json, Path, Query,
    http::{self, Limits},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Far longer than any of these tests takes.
const DEADLINE: Duration = Duration::from_secs(20);

struct Server {
    address: SocketAddr,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl Server {
    async fn start(router: Router, limits: Limits) -> Self {
        let listener = free_port().await;
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let token = shutdown.clone();
        let serving = tokio::spawn(async move { http::serve(router, listener, &limits, token).await });
        Self { address, shutdown, serving }
    }

    async fn with_shop() -> Self {
        Self::start(shop(), Limits::default()).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes, and reads until the server closes the connection.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        read_to_close(&mut stream).await
    }
}

#[derive(Deserialize)]
struct Basket {
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    sku: String,
    quantity: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<u32>,
}

fn shop() -> Router {
    Router::new()
        .route("/baskets", post(count_lines))
        .route("/baskets/{id}", get(async |Path(id): Path<uuid::Uuid>| id.to_string()))
        .route("/pages", get(async |Query(page): Query<Page>| page.limit.unwrap_or(50).to_string()))
        .route("/panic", get(panics).post(panics))
        .route("/slow", get(std::future::pending::<()>).post(std::future::pending::<()>))
}

async fn panics() -> &'static str {
    panic!("hunter2")
}

async fn count_lines(Json(basket): Json<Basket>) -> String {
    let lines: Vec<_> = basket.lines.iter().map(|line| format!("{} {}", line.quantity, line.sku)).collect();
    lines.join(", ")
}

async fn free_port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn read_to_close(stream: &mut TcpStream) -> String {
    let mut response = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut response))
        .await
        .expect("the server closes the connection")
        .unwrap();
    String::from_utf8_lossy(&response).into_owned()
}

/// Checks that a response is a problem document with this code, and returns the document.
async fn problem(response: reqwest::Response, code: &str) -> serde_json::Value {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let status = response.status().as_u16();
    let request_id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let problem: serde_json::Value = response.json().await.unwrap();
    assert_eq!(problem["type"], format!("/problems/{code}"), "{problem}");
    assert_eq!(problem["status"], status, "{problem}");
    assert_eq!(problem["instance"], request_id, "{problem}");
    problem
}
