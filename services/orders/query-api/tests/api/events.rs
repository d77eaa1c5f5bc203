//! A client of server-sent events (HTML standard, section 9.2).

use std::time::Duration;

use reqwest::{Client, Response};
use serde_json::Value;
use test_kit::Service;
use tokio::time::timeout;

use crate::journal::Position;

/// Far longer than any event takes to arrive.
const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) struct Events {
    answer: Response,
    text: String,
    last_id: String,
}

/// The lines between two empty lines.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) data: Value,
    pub(crate) comment: String,
}

impl Events {
    /// Opens a stream, and expects status 200.
    pub(crate) async fn open(service: &Service, query: &str, last_id: Option<&str>) -> Self {
        let answer = request_stream(service, query, last_id).await;
        assert_eq!(answer.status(), 200, "{query}");
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut events = Self { answer, text: String::new(), last_id: String::new() };
        let first = events.block().await.expect("a stream starts with its position");
        assert!(first.event.is_empty() && !first.id.is_empty(), "{first:?}");
        events
    }

    /// The next block, or `None` at the end of the stream.
    pub(crate) async fn block(&mut self) -> Option<Block> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block = Block::read(&self.text[..end]);
                self.text.drain(..end + 2);
                if !block.id.is_empty() {
                    self.last_id.clone_from(&block.id);
                }
                return Some(block);
            }
            let chunk =
                timeout(DEADLINE, self.answer.chunk()).await.expect("a chunk arrives within a minute");
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }

    /// The next block that is not a heartbeat.
    pub(crate) async fn event(&mut self) -> Option<Block> {
        timeout(DEADLINE, self.skip_heartbeats()).await.expect("an event arrives within a minute")
    }

    async fn skip_heartbeats(&mut self) -> Option<Block> {
        loop {
            match self.block().await {
                Some(block) if block.event.is_empty() => {}
                other => return other,
            }
        }
    }

    /// The positions of the next `count` events.
    pub(crate) async fn positions(&mut self, count: usize) -> Vec<Position> {
        let mut positions = Vec::new();
        while positions.len() < count {
            positions.push(self.event().await.expect("the stream continues").position());
        }
        positions
    }

    /// The id from which another stream can resume.
    pub(crate) fn last_id(&self) -> String {
        self.last_id.clone()
    }
}

/// Requests a stream.
pub(crate) async fn request_stream(service: &Service, query: &str, last_id: Option<&str>) -> Response {
    let request = Client::new().get(format!("{}/orders/changes{query}", service.url));
    let request = last_id.into_iter().fold(request, |request, id| request.header("last-event-id", id));
    timeout(DEADLINE, request.send()).await.expect("a response arrives within a minute").unwrap()
}

impl Block {
    fn read(text: &str) -> Self {
        let mut block = Self::default();
        for line in text.lines() {
            let (name, value) = line.split_once(':').unwrap();
            let value = value.trim_start();
            match name {
                "id" => value.clone_into(&mut block.id),
                "event" => value.clone_into(&mut block.event),
                "data" => block.data = serde_json::from_str(value).unwrap(),
                "" => value.clone_into(&mut block.comment),
                _ => assert_eq!(name, "retry"),
            }
        }
        block
    }

    pub(crate) fn position(&self) -> Position {
        let position = &self.data["position"];
        (position["partition"].as_i64().unwrap(), position["offset"].as_i64().unwrap())
    }
}
